"""A customer's number: who may act by it, and how it is changed.

After a change, whoever holds the new number waits: until that time is over the number opens,
proves and is told nothing, so that somebody who had it changed by a trick gains nothing before the
customer has heard of it at the old one.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from people import phone_numbers
from people.customers import customer_records
from people.customers.customer_records import ALREADY_KNOWN_MESSAGE
from people.errors import InvalidInput
from people.models import Customer, NumberProof
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption, keyring


def is_number_on_hold(customer: Customer, now: datetime) -> bool:
    """Whether the number was changed so lately that nobody is rung there yet."""
    until = customer.number_waits_until
    return until is not None and now < until


def find_active_holder(session: Session, phone: str, now: datetime) -> Customer | None:
    """The customer for whom whoever holds this number (E.164) may act; as long as a changed number
    waits, nobody."""
    found = customer_records.find_by_phone(session, phone)
    return None if found is not None and is_number_on_hold(found, now) else found


def last_proof_time(session: Session, phone: str) -> datetime | None:
    """When somebody last typed a page number that was sent to this number (E.164)."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    return session.exec(
        select(func.max(NumberProof.proven_at)).where(col(NumberProof.phone_index).in_(forms))
    ).one()


def set_number_hold(session: Session, customer: Customer, until: datetime) -> None:
    """Let a number that was changed wait until another time."""
    key = field_encryption.load_data_key(session, customer.id)
    phone = customer_records.open_phone(key, customer)
    customer.number_waits_until = until
    customer_records.seal_phone(key, customer, phone)
    session.add(customer)
    session.flush()


def change_customer_number(
    session: Session,
    customer: Customer,
    phone: str,
    waits_until: datetime,
    by: audit_log.Actor,
    now: datetime,
    *,
    countries: Collection[str] = (),
) -> None:
    """Give a customer, whose row is locked, another number (E.164). Raises ``InvalidInput``; for a
    number that is taken too."""
    phone_numbers.require_callable(phone, countries)
    keyring.lock_index_keys(session)
    if customer_records.find_by_phone(session, phone):
        raise InvalidInput("phone", ALREADY_KNOWN_MESSAGE)
    key = field_encryption.load_data_key(session, customer.id)
    try:
        with session.begin_nested():
            customer.number_waits_until = waits_until
            customer_records.seal_phone(key, customer, phone)
            customer.phone_index = keyring.current_keyring(session).compute_blind_index(
                "phone", phone
            )
            session.add(customer)
            session.flush()
    except IntegrityError:  # somebody else took the number at this moment
        raise InvalidInput("phone", ALREADY_KNOWN_MESSAGE) from None
    audit_log.record_act(session, by, AuditAct.CUSTOMER_NUMBER, now, customer_id=customer.id)
