"""The worker's anomaly detection job: reads new audit entries, settles accesses whose grace period
is over, and reports anomalies.

An unjustified access counts once it is four minutes old, so that a booking can follow; a booking
that follows later, up to half an hour, withdraws the count. With a run every five seconds, a case
is open within five minutes of the act.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import Session, col, delete, select

from incidents.access.justification import (
    BOOK_ACT,
    BOOKED_AFTER,
    CANCEL_ACT,
    Access,
    access_from_entry,
    find_justifications,
)
from incidents.anomaly_detection import access_cases, audit_cursor, detector
from incidents.anomaly_detection import staff_profile as counting
from incidents.anomaly_detection.models import PendingAccess
from incidents.anomaly_detection.monitored_staff import MonitoredStaff, PeerBaselines
from people.models import Role, Staff
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import CallbackState
from vault.audit.acts import CUSTOMER_ACCESS_ACTS
from vault.models import AuditEntry

GRACE = timedelta(minutes=4)
MISSES_PER_CUSTOMER = 3  # look-ups explained by one new customer: numbers get mistyped
_BATCH_SIZE = 2000
_VOID_STATES = (CallbackState.CANCELLED, CallbackState.MISSED, CallbackState.REFUSED)


class AccessAnomalyJob:
    """Any number of workers may have the job; one runs at a time."""

    def __init__(self, policy: Policy) -> None:
        self._policy, self._peers = policy, PeerBaselines()

    @property
    def __name__(self) -> str:
        return "access_watch"

    def __call__(self, session: Session, now: datetime) -> None:
        """Run the detection once."""
        reached = audit_cursor.lock_cursor(session)
        if reached is None:
            return
        self._peers.refresh_baselines(session, now)
        look = DetectionRun(session, self._policy, self._peers, now)
        look.classify_entries(audit_cursor.read_new_entries(session, reached))
        look.settle_pending_accesses()
        look.report_findings()


class DetectionRun:
    """State of one run."""

    def __init__(
        self, session: Session, policy: Policy, peers: PeerBaselines, now: datetime
    ) -> None:
        self._session, self._policy, self._peers, self._now = session, policy, peers, now
        self._watched: dict[UUID, MonitoredStaff | None] = {}

    def classify_entries(self, entries: Sequence[AuditEntry]) -> None:
        """Count justified accesses at once; hold the others for the grace period."""
        accesses = [access for entry in entries if (access := access_from_entry(entry)) is not None]
        known = find_justifications(self._session, accesses, self._now)
        for access in accesses:
            if access.entry_id in known:
                self._count_justified_access(access)
        for entry in entries:
            if entry.action in (CANCEL_ACT, audit_cursor.MISS_ACT, audit_cursor.REFUSE_ACT):
                self._count_void_callback(entry)
            elif entry.action == audit_cursor.ADD_ACT:
                self._explain_missed_lookups(entry)
            elif entry.action in CUSTOMER_ACCESS_ACTS and entry.id not in known:
                self._await_justification(entry)
        self._session.flush()

    def _count_justified_access(self, each: Access) -> None:
        who = self._find_monitored_staff(each.staff_id)
        if who is not None:
            person = who.profile_at_work(each.at)
            off, hour = who.is_off_hours(each.at), who.local_hour_at(each.at)
            counting.record_justified_access(person, str(each.customer_id), each.at, hour, off=off)

    def _await_justification(self, entry: AuditEntry) -> None:
        if entry.id is None or entry.staff_id is None:
            return
        row = PendingAccess(
            entry_id=entry.id,
            staff_id=entry.staff_id,
            customer_id=entry.customer_id,
            callback_id=entry.callback_id,
            at=entry.at,
            action=entry.action,
            purpose=entry.purpose,
        )
        self._session.merge(row)

    def _explain_missed_lookups(self, entry: AuditEntry) -> None:
        """Withdraw look-ups that found nobody, if the customer was added afterwards."""
        rows = self._session.exec(
            select(PendingAccess)
            .where(
                col(PendingAccess.staff_id) == entry.staff_id,
                col(PendingAccess.customer_id).is_(None),
                col(PendingAccess.at) > entry.at - BOOKED_AFTER,
                col(PendingAccess.at) <= entry.at,
            )
            .order_by(col(PendingAccess.at).desc())
            .limit(MISSES_PER_CUSTOMER)
        ).all()
        for row in rows:
            self._withdraw_count(row)

    def _withdraw_count(self, row: PendingAccess) -> None:
        who = self._find_monitored_staff(row.staff_id)
        if row.counted and who is not None:
            customer = str(row.customer_id) if row.customer_id else None
            counting.withdraw_indicator(who.person, customer, row.at, off=row.off)
        self._session.delete(row)

    def _count_void_callback(self, entry: AuditEntry) -> None:
        """Count an unjustified access for a callback that its holder booked and that is void."""
        callback = self._session.get(Callback, entry.callback_id) if entry.callback_id else None
        if callback is None or callback.state not in _VOID_STATES:
            return
        holder = entry.staff_id if entry.action == CANCEL_ACT else callback.agent_id
        booked = self._session.exec(
            select(AuditEntry.id).where(
                col(AuditEntry.customer_id) == callback.customer_id,
                col(AuditEntry.action) == BOOK_ACT,
                col(AuditEntry.staff_id) == holder,
                col(AuditEntry.callback_id) == callback.id,
            )
        ).first()
        if holder is not None and booked is not None:
            self._count_unjustified_access(holder, str(callback.customer_id), entry.at)

    def _count_unjustified_access(self, staff_id: UUID, customer: str, at: datetime) -> bool:
        who = self._find_monitored_staff(staff_id)
        if who is None:
            return False
        off = who.is_off_hours(at)
        who.changed |= counting.record_unjustified_access(
            who.profile_at_work(at), customer, at, off=off
        )
        return off

    def settle_pending_accesses(self) -> None:
        """Count accesses whose grace period is over, withdraw those justified since, and delete
        expired ones."""
        rows = self._session.exec(
            select(PendingAccess)
            .where(
                or_(
                    and_(
                        col(PendingAccess.counted).is_(False),
                        col(PendingAccess.at) <= self._now - GRACE,
                    ),
                    and_(
                        col(PendingAccess.counted).is_(True),
                        col(PendingAccess.at) > self._now - BOOKED_AFTER,
                    ),
                )
            )
            .order_by(col(PendingAccess.at))
            .limit(_BATCH_SIZE)
        ).all()
        known = find_justifications(
            self._session, [a for row in rows if (a := _access_from_pending(row))], self._now
        )
        for row in rows:
            if row.entry_id in known:
                self._justify_late(row)
            elif not row.counted:
                self._count_pending_access(row)
        self._session.exec(
            delete(PendingAccess).where(
                col(PendingAccess.counted).is_(True),
                col(PendingAccess.at) <= self._now - BOOKED_AFTER,
            )
        )

    def _justify_late(self, row: PendingAccess) -> None:
        access = _access_from_pending(row)
        if not row.counted and access is not None:
            self._count_justified_access(access)
        self._withdraw_count(row)

    def _count_pending_access(self, row: PendingAccess) -> None:
        if row.customer_id is not None:
            row.off = self._count_unjustified_access(row.staff_id, str(row.customer_id), row.at)
        elif (who := self._find_monitored_staff(row.staff_id)) is not None:
            counting.record_lookup_miss(who.profile_at_work(row.at), row.at)
            who.changed = True
        row.counted = True
        self._session.add(row)

    def report_findings(self) -> None:
        """Open cases for anomalies, and save all profiles."""
        for staff_id, who in self._watched.items():
            if who is None:
                continue
            if who.changed and (findings := detector.find_anomalies(who.person, who.peers)):
                access_cases.open_access_case(self._session, staff_id, findings, self._now)
            who.save_profile()

    def _find_monitored_staff(self, staff_id: UUID) -> MonitoredStaff | None:
        """Return the staff member if they can open customers' records; supervisors and operators
        cannot."""
        if staff_id not in self._watched:
            member = self._session.get(Staff, staff_id)
            watched = member is not None and member.role in (Role.AGENT, Role.INVESTIGATOR)
            self._watched[staff_id] = (
                MonitoredStaff(self._session, member, self._peers, self._policy)
                if watched and member is not None
                else None
            )
        return self._watched[staff_id]


def _access_from_pending(row: PendingAccess) -> Access | None:
    if row.customer_id is None:
        return None
    return Access(
        row.entry_id,
        row.at,
        row.staff_id,
        row.customer_id,
        row.callback_id,
        row.action,
        row.purpose,
    )
