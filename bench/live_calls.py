"""Calls in progress, created by the same domain functions as real ones."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from random import Random
from unittest.mock import patch
from uuid import UUID

from sqlmodel import Session, col, select

from bench.callback_history import YEARS_MS
from bench.request_mix import number
from people.customers import customer_creation
from people.models import Customer
from people.staff import staff_records
from scheduling.booking import bookings
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import CallbackState
from storage.column_types import new_id
from vault.audit import audit_log
from verification import call_session, open_codes
from verification.models import Code

CALLS_OF_AN_AGENT = 10
ORGANISATION = "Bench Bank"
POLICY = Policy(
    organisation=ORGANISATION,
    official_phone="+442079460999",
    languages=("en",),
    default_region="GB",
    countries=(),
    default_zone="Europe/London",
    min_notice_minutes=0,
    max_ahead_days=180,
    window_lead_minutes=60,  # so that one agent's next calls can all be started now
    calling_hours=(time(0), None),
    code_digits=6,
    code_minutes=10,
)


def agent(session: Session, i: int, now: datetime) -> UUID:
    """Create an agent."""
    address = f"agent{i}@example.org"
    return staff_records.add_staff_member(
        session, address, f"Ana{i} Silva", "agent", now, timezone="Europe/London"
    ).id


def customer(session: Session, i: int, now: datetime) -> Customer:
    """Create customer ``i`` with an id at a random time in the years of the call history.

    So customers who are in a call are not adjacent in an index.
    """
    when = clock.time_ns() - Random(i).randrange(YEARS_MS) * 1_000_000
    with patch("storage.column_types.time.time_ns", return_value=when):
        row = new_id()
    with patch("people.customers.customer_creation.new_id", return_value=row):
        new = customer_creation.NewCustomer(number(i), "Gwen Jones", "en", "Europe/London")
        return customer_creation.add_customer(
            session, new, audit_log.OPERATOR, now, default_zone=POLICY.default_zone
        )


def start(
    session: Session, people: list[Customer], agents: list[UUID], now: datetime
) -> Iterator[str]:
    """Book and start a call to each customer; yield the codes."""
    first = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0) + timedelta(minutes=5)
    for i, person in enumerate(people):
        starts_at = first + timedelta(minutes=5 * (i % CALLS_OF_AN_AGENT))
        wish = bookings.BookingRequest(starts_at, 5, "your router", f"T-{i}")
        holder = agents[i // CALLS_OF_AN_AGENT]
        booked = bookings.book_callback(session, person, holder, wish, POLICY, now)
        yield call_session.start_call(session, booked, POLICY, now).code


def rewind(session: Session) -> None:
    """Reset all calls to just started and unchecked.

    The same codes go to new rows, since confirmations are also recorded outside the database, by
    row.
    """
    now = datetime.now(UTC)
    live = select(Code).where(col(Code.callback_id).is_not(None), col(Code.closed_at).is_(None))
    for code in session.exec(live).all():
        secret = open_codes.open_code_secret(session, code)
        callback = session.get_one(Callback, code.callback_id)
        callback.state = CallbackState.STARTED
        callback.confirmed_at = callback.confirmed_by = None
        fresh = Code(
            phone_index=code.phone_index,
            callback_id=code.callback_id,
            customer_id=code.customer_id,
            digits=code.digits,
            counter=code.counter,
            valid_from=now,
            valid_until=now + timedelta(minutes=10),
        )
        open_codes.seal_code_secret(session, fresh, secret)
        session.delete(code)
        session.flush()
        session.add_all([fresh, callback])
        session.flush()
