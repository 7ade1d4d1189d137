"""Adds customers to the directory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from people import phone_numbers
from people.customers.customer_records import find_by_external_ref, find_by_phone
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput
from people.models import Customer
from people.text_input import AllowedContent, clean_text_input
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption, keyring

NAME_LIMIT = 60
EXTERNAL_REF_LIMIT = 60


@dataclass(frozen=True)
class NewCustomer:
    """The data of a new customer. ``phone`` is E.164; ``timezone`` an IANA name, or empty to derive
    it from the number; ``locale`` a supported language."""

    phone: str
    name: str
    locale: str
    timezone: str = ""
    external_ref: str = ""


def clean_name(typed: str) -> str:
    """Validate a customer's name. Raises ``InvalidInput``."""
    return clean_text_input("name", typed, limit=NAME_LIMIT, allowed=AllowedContent.WORDS)


def add_customer(
    session: Session,
    new: NewCustomer,
    actor: audit_log.Actor,
    now: datetime,
    *,
    countries: Collection[str] = (),
    default_zone: str,
) -> Customer:
    """Add a customer with a new data key. Raises ``InvalidInput``, also if the number is taken."""
    name = clean_name(new.name)
    phone_numbers.require_callable(new.phone, countries)
    zone = new.timezone or phone_numbers.guess_phone_zone(new.phone, default_zone)
    phone_numbers.parse_time_zone(zone)
    keyring.lock_index_keys(session)
    if find_by_phone(session, new.phone):
        raise InvalidInput("phone", PeopleErrorCode.PHONE_ALREADY_KNOWN)
    try:
        with session.begin_nested():
            customer = _seal_new_customer(session, new, name, zone, now)
            session.add(customer)
            session.flush()
    except IntegrityError:  # another transaction added the same number
        raise InvalidInput("phone", PeopleErrorCode.PHONE_ALREADY_KNOWN) from None
    audit_log.record_act(session, actor, AuditAct.CUSTOMER_ADD, now, customer_id=customer.id)
    return customer


def clean_external_ref(typed: str, *, required: bool = False) -> str:
    """Validate the company's own reference of a customer; may be empty. Raises ``InvalidInput``."""
    return clean_text_input(
        "external_ref",
        typed,
        limit=EXTERNAL_REF_LIMIT,
        required=required,
        allowed=AllowedContent.ANYTHING,
    )


def _seal_new_customer(
    session: Session, new: NewCustomer, name: str, zone: str, now: datetime
) -> Customer:
    ring = keyring.current_keyring(session)
    row = new_id()
    ref = clean_external_ref(new.external_ref)
    if ref and find_by_external_ref(session, ref):
        raise InvalidInput("external_ref", PeopleErrorCode.EXTERNAL_REF_TAKEN)
    key = field_encryption.create_data_key(session, row)
    cleaned = replace(new, name=name, external_ref=ref, timezone=zone)
    return Customer(**sealed_customer_columns(ring, key, row, cleaned, now))


def sealed_customer_columns(
    ring: keyring.Keyring,
    key: field_encryption.FieldKey,
    row: UUID,
    new: NewCustomer,
    now: datetime,
) -> dict[str, Any]:
    """Return the sealed columns of a new customer; every value of ``new`` must be validated."""
    ref = new.external_ref
    return {
        "id": row,
        "phone": key.seal_field("customer", "phone", row, new.phone),
        "phone_index": ring.compute_blind_index("phone", new.phone),
        "name": key.seal_field("customer", "name", row, new.name),
        "external_ref": key.seal_field("customer", "external_ref", row, ref) if ref else None,
        "external_ref_index": ring.compute_blind_index("external_ref", ref) if ref else None,
        "locale": new.locale,
        "timezone": new.timezone,
        "created_at": now,
    }
