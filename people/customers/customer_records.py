"""The customer directory: searched only by an exact number or reference, never browsed (rule
I1)."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from config.contact_details import find_contact
from people import phone_numbers
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput
from people.models import Customer
from people.text_input import AllowedContent, clean_text_input
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.errors import Tampered
from vault.keys import field_encryption, keyring
from vault.keys.blind_index_check import matches_sealed_value
from vault.keys.field_encryption import FieldKey
from vault.models import DataKey

NAME_LIMIT = 60
EXTERNAL_REF_LIMIT = 60
PHRASE_LENGTHS = range(2, 21)
_WITH_KEY = select(Customer, DataKey.wrapped).outerjoin(
    DataKey, col(DataKey.owner_id) == col(Customer.id)
)
_DECOY = (
    "customer",
    "phone",
    "decoy",
    field_encryption.DECOY_KEY.seal_field("customer", "phone", "decoy", "0" * 13),
)


@dataclass(frozen=True)
class NewCustomer:
    """The data of a new customer. ``phone`` is E.164; ``timezone`` an IANA name, or empty to derive
    it from the number; ``locale`` a supported language."""

    phone: str
    name: str
    locale: str
    timezone: str = ""
    external_ref: str = ""


@dataclass(frozen=True)
class CustomerDetails:
    """A customer's decrypted record."""

    id: UUID
    name: str
    phone: str
    locale: str
    timezone: str

    @property
    def phone_masked(self) -> str:
        return phone_numbers.mask_phone(self.phone)


def find_by_phone(session: Session, phone: str) -> Customer | None:
    """Return the customer with exactly this number (E.164). An unknown number takes the same
    statements and decryptions (rule C5)."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    return _find_verified_customer(session, col(Customer.phone_index).in_(forms), open_phone, phone)


def find_by_external_ref(session: Session, ref: str) -> Customer | None:
    """Return the customer with exactly this reference of the company's own."""
    forms = keyring.current_keyring(session).compute_search_forms("external_ref", ref)
    return _find_verified_customer(
        session, col(Customer.external_ref_index).in_(forms), open_external_ref, ref
    )


def _find_verified_customer(
    session: Session,
    found_by: ColumnElement[bool],
    opened: Callable[[FieldKey, Customer], str],
    asked: str,
) -> Customer | None:
    """Return the customer found by an index whose sealed value equals what was asked for. Raises
    ``KeyUnavailable`` if their data key is missing (rule F1)."""
    rows = session.exec(_WITH_KEY.where(found_by)).all()
    for customer, wrapped in rows:
        if customer.erased_at is None:
            key = field_encryption.unwrap_data_key(session, wrapped, customer.id)
            if matches_sealed_value("customer", customer.id, partial(opened, key, customer), asked):
                return customer
    if not rows:
        key = field_encryption.unwrap_at_decoy_cost(session, field_encryption.DECOY_KEY)
        decoy_value = key.open_field(*_DECOY)
        hmac.compare_digest(decoy_value.encode(), asked.encode())
    return None


def phone_seal_context(customer_id: UUID, waits_until: datetime | None) -> str:
    """Return the seal context of a number: its customer and, after a change, the end of its hold,
    so that nobody can end the hold without a key."""
    if waits_until is None:
        return str(customer_id)
    return f"{customer_id}:{waits_until.astimezone(UTC).isoformat(timespec='microseconds')}"


def seal_phone(key: FieldKey, customer: Customer, phone: str) -> None:
    """Seal a number to the hold in the customer's row."""
    row = phone_seal_context(customer.id, customer.number_waits_until)
    customer.phone = key.seal_field("customer", "phone", row, phone)


def open_phone(key: FieldKey, customer: Customer) -> str:
    """Decrypt a customer's number. Raises ``Tampered``.

    Also accepts numbers sealed without a hold, before holds became part of the seal: a hold only
    restricts what the number can do.
    """
    held_until = customer.number_waits_until
    try:
        return key.open_field(
            "customer", "phone", phone_seal_context(customer.id, held_until), customer.phone
        )
    except Tampered:
        if held_until is None:
            raise
        return key.open_field("customer", "phone", customer.id, customer.phone)


def open_external_ref(key: FieldKey, customer: Customer) -> str:
    """Decrypt the company's own reference of a customer; empty for none."""
    if customer.external_ref is None:
        return ""
    return key.open_field("customer", "external_ref", customer.id, customer.external_ref)


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


def open_customer_details(session: Session, customer: Customer) -> CustomerDetails:
    """Decrypt a customer's record; the caller has audited the read. Of an erased customer only
    language and zone are left."""
    if customer.erased_at is not None:
        return CustomerDetails(customer.id, "", "", customer.locale, customer.timezone)
    key = field_encryption.load_data_key(session, customer.id)
    return CustomerDetails(
        id=customer.id,
        name=key.open_field("customer", "name", customer.id, customer.name),
        phone=open_phone(key, customer),
        locale=customer.locale,
        timezone=customer.timezone,
    )


def parse_safe_phrase(text: str) -> str:
    """Return the safe phrase in a customer's message: letters and single spaces only, so that no
    link or number gets into our texts. Empty if it is not one."""
    phrase = " ".join(text.split())
    valid = len(phrase) in PHRASE_LENGTHS and all(c.isalpha() or c == " " for c in phrase)
    if valid and find_contact(phrase):  # bank dot com
        return ""
    return phrase if valid else ""


def save_safe_phrase(session: Session, customer: Customer, phrase: str, now: datetime) -> None:
    """Store the phrase that is shown in each text to the customer from now on."""
    key = field_encryption.load_data_key(session, customer.id)
    customer.safe_phrase = key.seal_field("customer", "safe_phrase", customer.id, phrase)
    session.add(customer)
    session.flush()
    audit_log.record_act(
        session, audit_log.CUSTOMER, AuditAct.CUSTOMER_PHRASE, now, customer_id=customer.id
    )


def save_customer_preferences(
    session: Session, customer: Customer, now: datetime, *, locale: str, timezone: str
) -> None:
    """Store the customer's choice of a supported language and of a zone. Raises
    ``InvalidInput``."""
    phone_numbers.parse_time_zone(timezone)
    customer.locale, customer.timezone = locale, timezone
    session.add(customer)
    session.flush()
    audit_log.record_act(
        session, audit_log.CUSTOMER, AuditAct.CUSTOMER_CHOOSE, now, customer_id=customer.id
    )


def read_safe_phrase(session: Session, customer: Customer, now: datetime, purpose: str) -> str:
    """Return the customer's phrase, empty if none was chosen; audited as a read."""
    if customer.safe_phrase is None:
        return ""
    audit_log.record_act(
        session,
        audit_log.SYSTEM,
        AuditAct.CUSTOMER_READ,
        now,
        customer_id=customer.id,
        purpose=purpose,
    )
    key = field_encryption.load_data_key(session, customer.id)
    return key.open_field("customer", "safe_phrase", customer.id, customer.safe_phrase)
