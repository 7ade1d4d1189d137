"""The job of the worker that watches: what is new in the audit log, what its grace is over for, and
what that makes unusual.

An access with nothing behind it counts once it is four minutes old, so that a booking can follow;
one that follows later, up to half an hour, takes it back. With a look every five seconds a case is
open within five minutes of the act.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import Session, col, delete, select

from incidents.access.justification import BOOK, BOOKED_AFTER, CANCEL, Access, access, reasons
from incidents.anomaly_detection import access_cases, audit_cursor, detector
from incidents.anomaly_detection import staff_profile as counting
from incidents.anomaly_detection.models import WatchOpen
from incidents.anomaly_detection.monitored_staff import Peers, Watched
from people.models import Role, Staff
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import State
from vault.audit.acts import READINGS
from vault.models import AuditEntry

GRACE = timedelta(minutes=4)
MISSES_OF_ONE = 3  # how many look-ups a new customer explains: a number is mistyped at times
_AT_A_TIME = 2000
_NOTHING = (State.CANCELLED, State.MISSED, State.REFUSED)


class AccessWatch:
    """Any number of workers may have it; one looks at a time."""

    def __init__(self, policy: Policy) -> None:
        self._policy, self._peers = policy, Peers()

    @property
    def __name__(self) -> str:
        return "access_watch"

    def __call__(self, session: Session, now: datetime) -> None:
        """One look."""
        reached = audit_cursor.mark(session)
        if reached is None:
            return
        self._peers.learn(session, now)
        look = Look(session, self._policy, self._peers, now)
        look.take(audit_cursor.since(session, reached))
        look.judge()
        look.tell()


class Look:
    """What one look finds."""

    def __init__(self, session: Session, policy: Policy, peers: Peers, now: datetime) -> None:
        self._session, self._policy, self._peers, self._now = session, policy, peers, now
        self._watched: dict[UUID, Watched | None] = {}

    def take(self, entries: Sequence[AuditEntry]) -> None:
        """Count what has something behind it at once; let the rest wait for its grace."""
        found = [each for entry in entries if (each := access(entry)) is not None]
        known = reasons(self._session, found, self._now)
        for each in found:
            if each.entry_id in known:
                self._with_reason(each)
        for entry in entries:
            if entry.action in (CANCEL, audit_cursor.MISS, audit_cursor.REFUSE):
                self._came_to_nothing(entry)
            elif entry.action == audit_cursor.ADD:
                self._new_customer(entry)
            elif entry.action in READINGS and entry.id not in known:
                self._waits(entry)
        self._session.flush()

    def _with_reason(self, each: Access) -> None:
        who = self._who(each.staff_id)
        if who is not None:
            person = who.at_work(each.at)
            off, hour = who.is_off(each.at), who.hour(each.at)
            counting.with_reason(person, str(each.customer_id), each.at, hour, off=off)

    def _waits(self, entry: AuditEntry) -> None:
        if entry.id is None or entry.staff_id is None:
            return
        row = WatchOpen(
            entry_id=entry.id,
            staff_id=entry.staff_id,
            customer_id=entry.customer_id,
            callback_id=entry.callback_id,
            at=entry.at,
            action=entry.action,
            purpose=entry.purpose,
        )
        self._session.merge(row)

    def _new_customer(self, entry: AuditEntry) -> None:
        """Look-ups that found nobody were for the customer who was added after them."""
        rows = self._session.exec(
            select(WatchOpen)
            .where(
                col(WatchOpen.staff_id) == entry.staff_id,
                col(WatchOpen.customer_id).is_(None),
                col(WatchOpen.at) > entry.at - BOOKED_AFTER,
                col(WatchOpen.at) <= entry.at,
            )
            .order_by(col(WatchOpen.at).desc())
            .limit(MISSES_OF_ONE)
        ).all()
        for row in rows:
            self._explained(row)

    def _explained(self, row: WatchOpen) -> None:
        who = self._who(row.staff_id)
        if row.counted and who is not None:
            customer = str(row.customer_id) if row.customer_id else None
            counting.explained(who.person, customer, row.at, off=row.off)
        self._session.delete(row)

    def _came_to_nothing(self, entry: AuditEntry) -> None:
        """A callback that its holder had booked themself came to no call: an opening after all."""
        callback = self._session.get(Callback, entry.callback_id) if entry.callback_id else None
        if callback is None or callback.state not in _NOTHING:
            return
        holder = entry.staff_id if entry.action == CANCEL else callback.agent_id
        booked = self._session.exec(
            select(AuditEntry.id).where(
                col(AuditEntry.customer_id) == callback.customer_id,
                col(AuditEntry.action) == BOOK,
                col(AuditEntry.staff_id) == holder,
                col(AuditEntry.callback_id) == callback.id,
            )
        ).first()
        if holder is not None and booked is not None:
            self._bare(holder, str(callback.customer_id), entry.at)

    def _bare(self, staff_id: UUID, customer: str, at: datetime) -> bool:
        who = self._who(staff_id)
        if who is None:
            return False
        off = who.is_off(at)
        who.changed |= counting.bare(who.at_work(at), customer, at, off=off)
        return off

    def judge(self) -> None:
        """Count what has waited long enough, take back what something has followed, forget the
        rest."""
        rows = self._session.exec(
            select(WatchOpen)
            .where(
                or_(
                    and_(col(WatchOpen.counted).is_(False), col(WatchOpen.at) <= self._now - GRACE),
                    and_(
                        col(WatchOpen.counted).is_(True),
                        col(WatchOpen.at) > self._now - BOOKED_AFTER,
                    ),
                )
            )
            .order_by(col(WatchOpen.at))
            .limit(_AT_A_TIME)
        ).all()
        known = reasons(self._session, [a for row in rows if (a := _access(row))], self._now)
        for row in rows:
            if row.entry_id in known:
                self._late(row)
            elif not row.counted:
                self._counted(row)
        self._session.exec(
            delete(WatchOpen).where(
                col(WatchOpen.counted).is_(True), col(WatchOpen.at) <= self._now - BOOKED_AFTER
            )
        )

    def _late(self, row: WatchOpen) -> None:
        found = _access(row)
        if not row.counted and found is not None:
            self._with_reason(found)
        self._explained(row)

    def _counted(self, row: WatchOpen) -> None:
        if row.customer_id is not None:
            row.off = self._bare(row.staff_id, str(row.customer_id), row.at)
        elif (who := self._who(row.staff_id)) is not None:
            counting.missed(who.at_work(row.at), row.at)
            who.changed = True
        row.counted = True
        self._session.add(row)

    def tell(self) -> None:
        """Raise cases for what is unusual, and remember all."""
        for staff_id, who in self._watched.items():
            if who is None:
                continue
            if who.changed and (found := detector.check(who.person, who.peers)):
                access_cases.tell(self._session, staff_id, found, self._now)
            who.save()

    def _who(self, staff_id: UUID) -> Watched | None:
        """Somebody who opens customers; supervisors and operators have none to open."""
        if staff_id not in self._watched:
            member = self._session.get(Staff, staff_id)
            watched = member is not None and member.role in (Role.AGENT, Role.INVESTIGATOR)
            self._watched[staff_id] = (
                Watched(self._session, member, self._peers, self._policy)
                if watched and member is not None
                else None
            )
        return self._watched[staff_id]


def _access(row: WatchOpen) -> Access | None:
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
