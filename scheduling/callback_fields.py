"""Sealed fields of callbacks: topic and ticket, and the look-up of a customer by ticket."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session, col, select

from people import row_mac
from scheduling.models import Callback
from vault.keys import field_encryption, keyring
from vault.keys.blind_index_check import matches_sealed_value


def callback_topic(session: Session, callback: Callback) -> str:
    """Return the topic of the call, for messages to its customer."""
    return decrypt_topic_and_ticket(session, callback)[0]


def decrypt_topic_and_ticket(session: Session, callback: Callback) -> tuple[str, str]:
    """Return topic and ticket; both are empty once the customer has been erased."""
    if not callback.topic:
        return "", ""
    key = field_encryption.load_data_key(session, callback.customer_id)
    topic = key.open_field("callback", "topic", callback.id, callback.topic)
    ticket = callback.ticket
    return topic, key.open_field("callback", "ticket", callback.id, ticket) if ticket else ""


def find_customer_by_ticket(session: Session, ticket: str) -> UUID | None:
    """Return the customer of the latest callback with exactly this ticket reference."""
    forms = keyring.current_keyring(session).compute_search_forms("ticket", ticket)
    row = session.exec(
        select(Callback)
        .where(col(Callback.ticket_index).in_(forms))
        .order_by(col(Callback.id).desc())
        .limit(1)
    ).first()
    if row is None or not row_mac.is_row_intact(session, row):
        return None
    own = matches_sealed_value(
        "callback", row.id, lambda: decrypt_topic_and_ticket(session, row)[1], ticket
    )
    return row.customer_id if own else None
