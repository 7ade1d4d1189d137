"""A customer's number: who may act by it, and how it is changed.

A changed number is on hold: until the hold ends it opens nothing, proves nothing and is sent
nothing. Somebody who had it changed by fraud gains nothing before the customer is notified at the
old number.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from people import phone_numbers
from people.customers import customer_records, sealed_columns
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput
from people.models import Customer, NumberProof
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption, keyring


def is_number_on_hold(customer: Customer, now: datetime) -> bool:
    """Return whether the number was changed so recently that it is not called yet."""
    until = customer.number_waits_until
    return until is not None and now < until


def find_active_holder(session: Session, phone: str, now: datetime) -> Customer | None:
    """Return the customer that the holder of this number (E.164) may act for; ``None`` while a
    changed number is on hold."""
    customer = customer_records.find_by_phone(session, phone)
    return None if customer is not None and is_number_on_hold(customer, now) else customer


def last_proof_time(session: Session, phone: str) -> datetime | None:
    """Return when a page number sent to this number (E.164) was last entered."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    return session.exec(
        select(func.max(NumberProof.proven_at)).where(col(NumberProof.phone_index).in_(forms))
    ).one()


def set_number_hold(session: Session, customer: Customer, until: datetime) -> None:
    """Set the end of the hold of a changed number."""
    key = field_encryption.load_data_key(session, customer.id)
    phone = sealed_columns.open_phone(key, customer)
    customer.number_waits_until = until
    sealed_columns.seal_phone(key, customer, phone)
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
    """Change the number (E.164) of a customer whose row is locked. Raises ``InvalidInput``, also if
    the number is taken."""
    phone_numbers.require_callable(phone, countries)
    keyring.lock_index_keys(session)
    if customer_records.find_by_phone(session, phone):
        raise InvalidInput("phone", PeopleErrorCode.PHONE_ALREADY_KNOWN)
    key = field_encryption.load_data_key(session, customer.id)
    try:
        with session.begin_nested():
            customer.number_waits_until = waits_until
            sealed_columns.seal_phone(key, customer, phone)
            customer.phone_index = keyring.current_keyring(session).compute_blind_index(
                "phone", phone
            )
            session.add(customer)
            session.flush()
    except IntegrityError:  # another transaction took the number
        raise InvalidInput("phone", PeopleErrorCode.PHONE_ALREADY_KNOWN) from None
    audit_log.record_act(session, by, AuditAct.CUSTOMER_NUMBER, now, customer_id=customer.id)
