"""What an access to a customer's record has behind it: the one definition that the evening note and
the watch share.

An *access* is an audit entry of a member of staff who read a customer's record (``customer.read``)
or looked one up and found it (``customer.look_up``). It has something behind it if, as things stand
when it is asked,

- *a call*: the reader holds, or held as they read it, a callback with this customer that is still
  to come, going on, or was made; or that the customer called off. Until a day after it ended.
- *a booking*: within half an hour after the access (or five minutes before it, for forms that look
  up again as they are sent) the reader booked a callback with this customer, for themselves or for
  a colleague, and did not take it back.
- *a case*: its purpose names a case that was open then.

A callback has no call behind it, and makes no reason, that its own agent called off, that went by
without a call, or that the customer says they never asked for. So a booking made up to reach a
record turns into an access with nothing behind it as soon as it comes to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases.models import Case
from scheduling.models import Callback
from scheduling.states import CallbackState
from vault.audit.acts import CUSTOMER_ACCESS_ACTS, AuditAct
from vault.models import AuditEntry

JUSTIFIED_AFTER_CALL = timedelta(days=1)
BOOKED_AFTER, BOOKED_BEFORE = timedelta(minutes=30), timedelta(minutes=5)
BOOK_ACT, CANCEL_ACT = AuditAct.CALLBACK_BOOK, AuditAct.CALLBACK_CANCEL
_BATCH_SIZE = 500


class Justification(StrEnum):
    """What is behind an access."""

    CALL = "call"
    BOOKING = "booking"
    CASE = "case"


@dataclass(frozen=True)
class Access:
    """A member of staff opened or found a customer's record."""

    entry_id: int
    at: datetime
    staff_id: UUID
    customer_id: UUID
    callback_id: UUID | None
    action: str
    purpose: str


def access_from_entry(entry: AuditEntry) -> Access | None:
    """The access that an audit entry tells of, if it tells of one."""
    if (
        entry.action not in CUSTOMER_ACCESS_ACTS
        or entry.staff_id is None
        or entry.customer_id is None
    ):
        return None
    return Access(
        entry.id or 0,
        entry.at,
        entry.staff_id,
        entry.customer_id,
        entry.callback_id,
        entry.action,
        entry.purpose,
    )


def find_justifications(
    session: Session, accesses: Iterable[Access], now: datetime
) -> dict[int, Justification]:
    """What is behind each access, by its entry's id; those with nothing behind them are left out.
    ``now`` is the moment at which it is asked: a booking may still follow, or come to nothing."""
    found: dict[int, Justification] = {}
    waiting = iter(accesses)
    while some := list(islice(waiting, _BATCH_SIZE)):
        known = _CustomerFacts(session, some)
        found |= {
            item.entry_id: reason
            for item in some
            if (reason := known.justify_access(item, now)) is not None
        }
    return found


def list_unjustified_accesses(
    session: Session, staff_id: UUID, since: datetime, until: datetime, now: datetime
) -> list[Access]:
    """A member of staff's accesses from ``since`` to before ``until`` that have nothing behind
    them, earliest first."""
    own = list(_iterate_staff_accesses(session, staff_id, since, until))
    known = find_justifications(session, own, now)
    return [item for item in reversed(own) if item.entry_id not in known]


def _iterate_staff_accesses(
    session: Session, staff_id: UUID, since: datetime, until: datetime
) -> Iterator[Access]:
    """Latest first, along the index by staff; an entry may be a little older than its id."""
    statement = (
        select(AuditEntry)
        .where(col(AuditEntry.staff_id) == staff_id)
        .order_by(col(AuditEntry.id).desc())
        .limit(_BATCH_SIZE)
    )
    rows = session.exec(statement).all()
    while rows and rows[0].at >= since - JUSTIFIED_AFTER_CALL:
        for row in rows:
            found = access_from_entry(row)
            if found is not None and since <= row.at < until:
                yield found
        rows = session.exec(statement.where(col(AuditEntry.id) < rows[-1].id)).all()


class _CustomerFacts:
    """What the store knows of the customers of a few accesses."""

    def __init__(self, session: Session, accesses: Sequence[Access]) -> None:
        customers = {access.customer_id for access in accesses}
        self._callbacks: dict[UUID, list[Callback]] = {}
        for row in session.exec(select(Callback).where(col(Callback.customer_id).in_(customers))):
            self._callbacks.setdefault(row.customer_id, []).append(row)
        acts = session.exec(
            select(AuditEntry).where(
                col(AuditEntry.customer_id).in_(customers),
                col(AuditEntry.action).in_((BOOK_ACT, CANCEL_ACT)),
                col(AuditEntry.staff_id).is_not(None),
            )
        ).all()
        self._taken_back = {(e.staff_id, e.callback_id) for e in acts if e.action == CANCEL_ACT}
        self._booked: dict[tuple[UUID | None, UUID | None], list[AuditEntry]] = {}
        for entry in acts:
            if entry.action == BOOK_ACT:
                self._booked.setdefault((entry.staff_id, entry.customer_id), []).append(entry)
        purposes = {access.purpose for access in accesses if access.purpose}
        found = session.exec(select(Case).where(col(Case.reference).in_(purposes)))
        self._cases = {item.reference: item for item in found}

    def justify_access(self, each: Access, now: datetime) -> Justification | None:
        callbacks = self._callbacks.get(each.customer_id, ())
        if any(self._is_justified_by_call(row, each, now) for row in callbacks):
            return Justification.CALL
        if any(
            self._is_justified_by_booking(entry, each, now)
            for entry in self._bookings_by_reader(each)
        ):
            return Justification.BOOKING
        case = self._cases.get(each.purpose)
        if case is not None and (case.closed_at is None or each.at <= case.closed_at):
            return Justification.CASE
        return None

    def _bookings_by_reader(self, each: Access) -> Sequence[AuditEntry]:
        return self._booked.get((each.staff_id, each.customer_id), ())

    def _is_justified_by_call(self, row: Callback, each: Access, now: datetime) -> bool:
        held = row.id == each.callback_id or row.agent_id == each.staff_id
        known_of = row.booked_at <= each.at <= (row.ended_at or row.ends_at) + JUSTIFIED_AFTER_CALL
        return held and known_of and self._is_effective_callback(row, each.staff_id, now)

    def _is_justified_by_booking(self, entry: AuditEntry, each: Access, now: datetime) -> bool:
        if not each.at - BOOKED_BEFORE <= entry.at <= each.at + BOOKED_AFTER:
            return False
        rows = self._callbacks.get(each.customer_id, ())
        return any(
            row.id == entry.callback_id and self._is_effective_callback(row, each.staff_id, now)
            for row in rows
        )

    def _is_effective_callback(self, row: Callback, staff_id: UUID, now: datetime) -> bool:
        """Whether a call is to come, is going on or was made; or it is not for the reader's want of
        one that there was none."""
        if row.state == CallbackState.CANCELLED:
            return (staff_id, row.id) not in self._taken_back
        if row.state == CallbackState.BOOKED:
            return row.ends_at > now
        return row.state not in (CallbackState.MISSED, CallbackState.REFUSED)
