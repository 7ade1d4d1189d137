"""The customers' directory: found only by an exact number or reference, never browsed (rule I1)."""

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
ALREADY_KNOWN_MESSAGE = "A customer with this number is already known."
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
    """What is needed to add a customer. ``phone`` is E.164; ``timezone`` an IANA name or empty
    to take the number's; ``locale`` a language we speak."""

    phone: str
    name: str
    locale: str
    timezone: str = ""
    external_ref: str = ""


@dataclass(frozen=True)
class CustomerDetails:
    """A customer's opened record."""

    id: UUID
    name: str
    phone: str
    locale: str
    timezone: str

    @property
    def phone_masked(self) -> str:
        return phone_numbers.mask_phone(self.phone)


def find_by_phone(session: Session, phone: str) -> Customer | None:
    """The customer with exactly this number (E.164). For a number that nobody has it takes the same
    statements and ciphers (rule C5)."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    return _find_verified_customer(session, col(Customer.phone_index).in_(forms), open_phone, phone)


def find_by_external_ref(session: Session, ref: str) -> Customer | None:
    """The customer with exactly this reference of the company's own."""
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
    """The customer found by an index whose sealed value is what was asked for. Raises
    ``KeyUnavailable`` where their key is gone (rule F1)."""
    rows = session.exec(_WITH_KEY.where(found_by)).all()
    for customer, wrapped in rows:
        if customer.erased_at is None:
            key = field_encryption.unwrap_data_key(session, wrapped, customer.id)
            if matches_sealed_value("customer", customer.id, partial(opened, key, customer), asked):
                return customer
    if not rows:
        nobodys = FieldKey(
            keyring.current_keyring(session).unwrap_decoy(field_encryption.DECOY_KEY.key)
        ).open_field(*_DECOY)
        hmac.compare_digest(nobodys.encode(), asked.encode())
    return None


def phone_seal_context(customer_id: UUID, waits_until: datetime | None) -> str:
    """What a number is sealed to: its customer and, once it was changed, until when it waits, so
    that nobody ends that time who has no key."""
    if waits_until is None:
        return str(customer_id)
    return f"{customer_id}:{waits_until.astimezone(UTC).isoformat(timespec='microseconds')}"


def seal_phone(key: FieldKey, customer: Customer, phone: str) -> None:
    """Keep a number, sealed to the time that the customer's row has for it."""
    row = phone_seal_context(customer.id, customer.number_waits_until)
    customer.phone = key.seal_field("customer", "phone", row, phone)


def open_phone(key: FieldKey, customer: Customer) -> str:
    """The number of a customer. Raises ``Tampered``. One that was changed before numbers were
    sealed to their waiting time is not: it cannot do more for having one."""
    waits = customer.number_waits_until
    try:
        return key.open_field(
            "customer", "phone", phone_seal_context(customer.id, waits), customer.phone
        )
    except Tampered:
        if waits is None:
            raise
        return key.open_field("customer", "phone", customer.id, customer.phone)


def open_external_ref(key: FieldKey, customer: Customer) -> str:
    """The company's own reference of a customer; empty for none."""
    if customer.external_ref is None:
        return ""
    return key.open_field("customer", "external_ref", customer.id, customer.external_ref)


def clean_name(typed: str) -> str:
    """A customer's name. Raises ``InvalidInput``."""
    return clean_text_input(
        "name", typed, limit=NAME_LIMIT, what="name", allowed=AllowedContent.WORDS
    )


def add_customer(
    session: Session,
    new: NewCustomer,
    actor: audit_log.Actor,
    now: datetime,
    *,
    countries: Collection[str] = (),
    default_zone: str,
) -> Customer:
    """Add a customer under a fresh key. Raises ``InvalidInput``; a number that is taken too."""
    name = clean_name(new.name)
    phone_numbers.require_callable(new.phone, countries)
    zone = new.timezone or phone_numbers.guess_phone_zone(new.phone, default_zone)
    phone_numbers.parse_time_zone(zone)
    keyring.lock_index_keys(session)
    if find_by_phone(session, new.phone):
        raise InvalidInput("phone", ALREADY_KNOWN_MESSAGE)
    try:
        with session.begin_nested():
            customer = _seal_new_customer(session, new, name, zone, now)
            session.add(customer)
            session.flush()
    except IntegrityError:  # somebody else added the same number at this moment
        raise InvalidInput("phone", ALREADY_KNOWN_MESSAGE) from None
    audit_log.record_act(session, actor, AuditAct.CUSTOMER_ADD, now, customer_id=customer.id)
    return customer


def clean_external_ref(typed: str, *, required: bool = False) -> str:
    """The company's own reference of a customer, or nothing. Raises ``InvalidInput``."""
    return clean_text_input(
        "external_ref",
        typed,
        limit=EXTERNAL_REF_LIMIT,
        what="reference",
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
        raise InvalidInput("external_ref", "Another customer already has this reference.")
    key = field_encryption.create_data_key(session, row)
    made = replace(new, name=name, external_ref=ref, timezone=zone)
    return Customer(**sealed_customer_columns(ring, key, row, made, now))


def sealed_customer_columns(
    ring: keyring.Keyring,
    key: field_encryption.FieldKey,
    row: UUID,
    new: NewCustomer,
    now: datetime,
) -> dict[str, Any]:
    """The columns of a new customer, sealed; every value of ``new`` has been made sure of."""
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
    """The record in plain. The caller has written the audit entry, or knows whose act it is. Of
    an erased one nothing is left but language and zone."""
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
    """The safe phrase that somebody sent: letters and single spaces alone, so that neither a link
    nor a number can be smuggled into our texts. Empty for what is none."""
    phrase = " ".join(text.split())
    fits = len(phrase) in PHRASE_LENGTHS and all(c.isalpha() or c == " " for c in phrase)
    if fits and find_contact(phrase):  # bank dot com
        return ""
    return phrase if fits else ""


def save_safe_phrase(session: Session, customer: Customer, phrase: str, now: datetime) -> None:
    """Show this phrase in each text to the customer from now on."""
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
    """The customer's own choice of a language that we speak and of a zone. Raises
    ``InvalidInput``."""
    phone_numbers.parse_time_zone(timezone)
    customer.locale, customer.timezone = locale, timezone
    session.add(customer)
    session.flush()
    audit_log.record_act(
        session, audit_log.CUSTOMER, AuditAct.CUSTOMER_CHOOSE, now, customer_id=customer.id
    )


def read_safe_phrase(session: Session, customer: Customer, now: datetime, purpose: str) -> str:
    """The customer's phrase, empty where none was chosen; written down as a reading."""
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
