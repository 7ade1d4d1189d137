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
from people.text_input import Allowed, clean
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.errors import Tampered
from vault.keys import field_encryption, keyring
from vault.keys.blind_index_check import is_own
from vault.keys.field_encryption import FieldKey
from vault.models import DataKey

NAME_LIMIT = 60
REF_LIMIT = 60
PHRASE_LETTERS = range(2, 21)
KNOWN_ALREADY = "A customer with this number is already known."
_WITH_KEY = select(Customer, DataKey.wrapped).outerjoin(
    DataKey, col(DataKey.owner_id) == col(Customer.id)
)
_DECOY = (
    "customer",
    "phone",
    "decoy",
    field_encryption.DECOY.seal("customer", "phone", "decoy", "0" * 13),
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
class Person:
    """A customer's opened record."""

    id: UUID
    name: str
    phone: str
    locale: str
    timezone: str

    @property
    def phone_masked(self) -> str:
        return phone_numbers.masked(self.phone)


def find_by_phone(session: Session, phone: str) -> Customer | None:
    """The customer with exactly this number (E.164). For a number that nobody has it takes the same
    statements and ciphers (rule C5)."""
    forms = keyring.of(session).forms("phone", phone)
    return _own(session, col(Customer.phone_index).in_(forms), open_phone, phone)


def find_by_external_ref(session: Session, ref: str) -> Customer | None:
    """The customer with exactly this reference of the company's own."""
    forms = keyring.of(session).forms("external_ref", ref)
    return _own(session, col(Customer.external_ref_index).in_(forms), open_external_ref, ref)


def _own(
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
            key = field_encryption.unwrapped(session, wrapped, customer.id)
            if is_own("customer", customer.id, partial(opened, key, customer), asked):
                return customer
    if not rows:
        nobodys = FieldKey(keyring.of(session).unwrap_decoy(field_encryption.DECOY.key)).open(
            *_DECOY
        )
        hmac.compare_digest(nobodys.encode(), asked.encode())
    return None


def phone_row(customer_id: UUID, waits_until: datetime | None) -> str:
    """What a number is sealed to: its customer and, once it was changed, until when it waits, so
    that nobody ends that time who has no key."""
    if waits_until is None:
        return str(customer_id)
    return f"{customer_id}:{waits_until.astimezone(UTC).isoformat(timespec='microseconds')}"


def seal_phone(key: FieldKey, customer: Customer, phone: str) -> None:
    """Keep a number, sealed to the time that the customer's row has for it."""
    row = phone_row(customer.id, customer.number_waits_until)
    customer.phone = key.seal("customer", "phone", row, phone)


def open_phone(key: FieldKey, customer: Customer) -> str:
    """The number of a customer. Raises ``Tampered``. One that was changed before numbers were
    sealed to their waiting time is not: it cannot do more for having one."""
    waits = customer.number_waits_until
    try:
        return key.open("customer", "phone", phone_row(customer.id, waits), customer.phone)
    except Tampered:
        if waits is None:
            raise
        return key.open("customer", "phone", customer.id, customer.phone)


def open_external_ref(key: FieldKey, customer: Customer) -> str:
    """The company's own reference of a customer; empty for none."""
    if customer.external_ref is None:
        return ""
    return key.open("customer", "external_ref", customer.id, customer.external_ref)


def clean_name(typed: str) -> str:
    """A customer's name. Raises ``InvalidInput``."""
    return clean("name", typed, limit=NAME_LIMIT, what="name", allowed=Allowed.WORDS)


def add(
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
    zone = new.timezone or phone_numbers.zone_of(new.phone, default_zone)
    phone_numbers.zone(zone)
    keyring.hold_index(session)
    if find_by_phone(session, new.phone):
        raise InvalidInput("phone", KNOWN_ALREADY)
    try:
        with session.begin_nested():
            customer = _sealed(session, new, name, zone, now)
            session.add(customer)
            session.flush()
    except IntegrityError:  # somebody else added the same number at this moment
        raise InvalidInput("phone", KNOWN_ALREADY) from None
    audit_log.record(session, actor, AuditAct.CUSTOMER_ADD, now, customer_id=customer.id)
    return customer


def clean_ref(typed: str, *, required: bool = False) -> str:
    """The company's own reference of a customer, or nothing. Raises ``InvalidInput``."""
    return clean(
        "external_ref",
        typed,
        limit=REF_LIMIT,
        what="reference",
        required=required,
        allowed=Allowed.ANYTHING,
    )


def _sealed(session: Session, new: NewCustomer, name: str, zone: str, now: datetime) -> Customer:
    ring = keyring.of(session)
    row = new_id()
    ref = clean_ref(new.external_ref)
    if ref and find_by_external_ref(session, ref):
        raise InvalidInput("external_ref", "Another customer already has this reference.")
    key = field_encryption.new_data_key(session, row)
    made = replace(new, name=name, external_ref=ref, timezone=zone)
    return Customer(**columns(ring, key, row, made, now))


def columns(
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
        "phone": key.seal("customer", "phone", row, new.phone),
        "phone_index": ring.blind_index("phone", new.phone),
        "name": key.seal("customer", "name", row, new.name),
        "external_ref": key.seal("customer", "external_ref", row, ref) if ref else None,
        "external_ref_index": ring.blind_index("external_ref", ref) if ref else None,
        "locale": new.locale,
        "timezone": new.timezone,
        "created_at": now,
    }


def opened(session: Session, customer: Customer) -> Person:
    """The record in plain. The caller has written the audit entry, or knows whose act it is. Of
    an erased one nothing is left but language and zone."""
    if customer.erased_at is not None:
        return Person(customer.id, "", "", customer.locale, customer.timezone)
    key = field_encryption.data_key(session, customer.id)
    return Person(
        id=customer.id,
        name=key.open("customer", "name", customer.id, customer.name),
        phone=open_phone(key, customer),
        locale=customer.locale,
        timezone=customer.timezone,
    )


def phrase_from(text: str) -> str:
    """The safe phrase that somebody sent: letters and single spaces alone, so that neither a link
    nor a number can be smuggled into our texts. Empty for what is none."""
    phrase = " ".join(text.split())
    fits = len(phrase) in PHRASE_LETTERS and all(c.isalpha() or c == " " for c in phrase)
    if fits and find_contact(phrase):  # bank dot com
        return ""
    return phrase if fits else ""


def keep_safe_phrase(session: Session, customer: Customer, phrase: str, now: datetime) -> None:
    """Show this phrase in each text to the customer from now on."""
    key = field_encryption.data_key(session, customer.id)
    customer.safe_phrase = key.seal("customer", "safe_phrase", customer.id, phrase)
    session.add(customer)
    session.flush()
    audit_log.record(
        session, audit_log.CUSTOMER, AuditAct.CUSTOMER_PHRASE, now, customer_id=customer.id
    )


def choose(
    session: Session, customer: Customer, now: datetime, *, locale: str, timezone: str
) -> None:
    """The customer's own choice of a language that we speak and of a zone. Raises
    ``InvalidInput``."""
    phone_numbers.zone(timezone)
    customer.locale, customer.timezone = locale, timezone
    session.add(customer)
    session.flush()
    audit_log.record(
        session, audit_log.CUSTOMER, AuditAct.CUSTOMER_CHOOSE, now, customer_id=customer.id
    )


def safe_phrase(session: Session, customer: Customer, now: datetime, purpose: str) -> str:
    """The customer's phrase, empty where none was chosen; written down as a reading."""
    if customer.safe_phrase is None:
        return ""
    audit_log.record(
        session,
        audit_log.SYSTEM,
        AuditAct.CUSTOMER_READ,
        now,
        customer_id=customer.id,
        purpose=purpose,
    )
    key = field_encryption.data_key(session, customer.id)
    return key.open("customer", "safe_phrase", customer.id, customer.safe_phrase)
