"""Justification of accesses to customers' records: the one definition shared by evening notes and
anomaly detection.

An *access* is an audit entry of a staff member who read a customer's record (``customer.read``) or
looked one up and found it (``customer.look_up``). It is justified if, at the time of the check, it
has

- *a call*: the reader holds, or held when they read it, a callback with this customer that is
  upcoming, in progress or was made, or that the customer cancelled. This lasts until a day after
  the callback ended.
- *a booking*: within half an hour after the access (or five minutes before it, for forms that look
  up again on submission) the reader booked a callback with this customer, for themselves or for a
  colleague, and did not cancel it.
- *a case*: its purpose names a case that was open then.

A callback does not justify an access if its own agent cancelled it, if it passed without a call, or
if the customer says that they never asked for it. So an access by way of a made-up booking becomes
unjustified as soon as that booking is cancelled or passes without a call.
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
    """What justifies an access."""

    CALL = "call"
    BOOKING = "booking"
    CASE = "case"


@dataclass(frozen=True)
class Access:
    """A staff member opened or found a customer's record."""

    entry_id: int
    at: datetime
    staff_id: UUID
    customer_id: UUID
    callback_id: UUID | None
    action: str
    purpose: str


def access_from_entry(entry: AuditEntry) -> Access | None:
    """Return the access that an audit entry records, or ``None``."""
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
    """Return the justification of each justified access, by audit entry id.

    ``now`` is the time of the check: a booking may still follow, or be cancelled.
    """
    justifications: dict[int, Justification] = {}
    waiting = iter(accesses)
    while some := list(islice(waiting, _BATCH_SIZE)):
        known = _CustomerFacts(session, some)
        justifications |= {
            access.entry_id: reason
            for access in some
            if (reason := known.justify_access(access, now)) is not None
        }
    return justifications


def list_unjustified_accesses(
    session: Session, staff_id: UUID, since: datetime, until: datetime, now: datetime
) -> list[Access]:
    """Return a staff member's unjustified accesses from ``since`` until before ``until``, earliest
    first."""
    own = list(_iterate_staff_accesses(session, staff_id, since, until))
    known = find_justifications(session, own, now)
    return [access for access in reversed(own) if access.entry_id not in known]


def _iterate_staff_accesses(
    session: Session, staff_id: UUID, since: datetime, until: datetime
) -> Iterator[Access]:
    """Yield accesses latest first, by the index on staff. An entry may be slightly older than its
    id suggests."""
    statement = (
        select(AuditEntry)
        .where(col(AuditEntry.staff_id) == staff_id)
        .order_by(col(AuditEntry.id).desc())
        .limit(_BATCH_SIZE)
    )
    rows = session.exec(statement).all()
    while rows and rows[0].at >= since - JUSTIFIED_AFTER_CALL:
        for row in rows:
            access = access_from_entry(row)
            if access is not None and since <= row.at < until:
                yield access
        rows = session.exec(statement.where(col(AuditEntry.id) < rows[-1].id)).all()


class _CustomerFacts:
    """Callbacks, bookings and cases of the customers of a batch of accesses."""

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
        cases = session.exec(select(Case).where(col(Case.reference).in_(purposes)))
        self._cases = {case.reference: case for case in cases}

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
        """Return whether the call is upcoming, in progress or was made, or failed through no act of
        the reader."""
        if row.state == CallbackState.CANCELLED:
            return (staff_id, row.id) not in self._taken_back
        if row.state == CallbackState.BOOKED:
            return row.ends_at > now
        return row.state not in (CallbackState.MISSED, CallbackState.REFUSED)
