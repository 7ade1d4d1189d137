"""Sessions of customers who have proven their number."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select, update

from people import row_mac
from people.credentials import new_token, token_hash
from people.models import CustomerSession
from vault.audit import audit_log
from vault.audit.acts import AuditAct

IDLE_LIMIT = timedelta(minutes=30)
MAX_LIFETIME = timedelta(hours=2)
_TOUCH_INTERVAL = timedelta(minutes=1)


def start_customer_session(session: Session, customer_id: UUID, now: datetime) -> str:
    """Start a session; return its token, which is stored only in the browser."""
    token = new_token()
    started = CustomerSession(
        token_hash=token_hash(token), customer_id=customer_id, created_at=now, seen_at=now
    )
    session.add(row_mac.attach_mac(session, started))
    session.flush()
    audit_log.record_act(
        session, audit_log.CUSTOMER, AuditAct.OWN_PAGE_ENTER, now, customer_id=customer_id
    )
    return token


def find_session_customer(session: Session, token: str, now: datetime) -> UUID | None:
    """Return the customer of a session; ``None`` after half an hour of inactivity, or after two
    hours."""
    row = session.exec(
        select(CustomerSession).where(
            col(CustomerSession.token_hash) == token_hash(token),
            col(CustomerSession.ended_at).is_(None),
        )
    ).first()
    if row is None or now >= min(row.seen_at + IDLE_LIMIT, row.created_at + MAX_LIFETIME):
        return None
    if not row_mac.is_row_intact(session, row):
        return None
    if now - row.seen_at >= _TOUCH_INTERVAL:
        row.seen_at = now
        session.add(row_mac.refresh_mac(session, row))
        session.flush()
    return row.customer_id


def end_customer_session(session: Session, token: str, now: datetime) -> None:
    """End this session."""
    session.exec(
        update(CustomerSession)
        .where(
            col(CustomerSession.token_hash) == token_hash(token),
            col(CustomerSession.ended_at).is_(None),
        )
        .values(ended_at=now, bound=None)
    )


def end_all_customer_sessions(session: Session, customer_id: UUID, now: datetime) -> None:
    """End every session of a customer."""
    session.exec(
        update(CustomerSession)
        .where(
            col(CustomerSession.customer_id) == customer_id,
            col(CustomerSession.ended_at).is_(None),
        )
        .values(ended_at=now, bound=None)
    )
