"""A customer's preferences: their language, their time zone and the safe phrase."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from config.contact_details import find_contact
from people import phone_numbers
from people.models import Customer
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption

PHRASE_LENGTHS = range(2, 21)


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
