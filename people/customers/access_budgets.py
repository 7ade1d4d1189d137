"""Access budgets: how many different customers one person may open per hour and per day (rule I1).

An access is counted in the transaction of its audit entry, serialized per person, so that parallel
requests cannot exceed the budget. Look-ups without a match have a budget of their own, because they
reveal who is not a customer. When either is used up, no new look-up is answered, so that the
refusal itself reveals nothing. Customers that the person already opened within the window can be
opened again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, delete, select

from messaging.sending_limits import NumberLimit, parse_limits
from people.errors import BudgetExceeded
from people.models import BudgetUnlock, RecordAccess, Role, Staff
from storage import advisory_lock
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

LONGEST_WINDOW = timedelta(days=1)
_INFO_KEY = "budgets"
_PRUNE_BATCH_SIZE = 2000


class AccessKind(StrEnum):
    """What is counted: customers opened or found, look-ups without a match, and requests for ids or
    references that do not exist for the person."""

    OPENED = "opened"
    MISSED = "missed"
    UNKNOWN = "unknown"


class BudgetExemption(IntEnum):
    """The windows that an access is exempt from: an agent on the phone is never stopped, and a busy
    hour does not block today's own calls. The access is counted all the same."""

    NOTHING = 0
    HOUR = 1
    ALL = 2


@dataclass(frozen=True)
class AccessBudgets:
    """The limits on accesses per role, on look-ups without a match, and on requests for unknown
    objects. The last is wide, since ids cannot be guessed and pages go stale."""

    roles: Mapping[Role, Sequence[NumberLimit]] = field(
        default_factory=lambda: {
            Role.AGENT: parse_limits("30/hour;120/day"),
            Role.INVESTIGATOR: parse_limits("20/hour;60/day"),
        }
    )
    misses: Sequence[NumberLimit] = parse_limits("10/hour;40/day")
    unknown: Sequence[NumberLimit] = parse_limits("60/hour;240/day")


DEFAULTS = AccessBudgets()


def budget_session_info(budgets: AccessBudgets) -> dict[Any, Any]:
    """Return the entries for a session's ``info``."""
    return {_INFO_KEY: budgets}


def current_budgets(session: Session) -> AccessBudgets:
    """Return the budgets of this installation."""
    budgets = session.info.get(_INFO_KEY, DEFAULTS)
    return budgets if isinstance(budgets, AccessBudgets) else DEFAULTS


def lock_staff_budget(session: Session, staff_id: UUID) -> None:
    """Lock the person's budget until the transaction ends.

    Callers that also lock callback rows must take this lock first. Flushes pending changes before,
    so that all transactions lock in one order.
    """
    session.flush()
    advisory_lock.acquire_lock(session, sha256(b"budget" + staff_id.bytes).digest())


def count_customer_access(
    session: Session,
    staff_id: UUID,
    customer_id: UUID,
    now: datetime,
    spared: BudgetExemption = BudgetExemption.NOTHING,
) -> None:
    """Count an access to a customer. Raises ``BudgetExceeded`` instead of counting one above the
    limit."""
    lock_staff_budget(session, staff_id)
    usage = _BudgetUsage(session, staff_id, now)
    usage.require_budget_left(
        AccessKind.OPENED, customer_id, _role_access_limits(session, staff_id), spared
    )
    _store_budget_access(session, staff_id, AccessKind.OPENED, customer_id, now)


def count_customer_lookup(
    session: Session, staff_id: UUID, found: UUID | None, asked: str, now: datetime
) -> None:
    """Count a look-up of ``asked`` (a number or ticket in canonical form), which ``found`` a
    customer or none. Raises ``BudgetExceeded``, which reveals neither."""
    lock_staff_budget(session, staff_id)
    usage, opened, missed = (
        _BudgetUsage(session, staff_id, now),
        _role_access_limits(session, staff_id),
        current_budgets(session).misses,
    )
    kind = AccessKind.OPENED if found else AccessKind.MISSED
    subject = found or _lookup_fingerprint(session, asked)
    if not usage.was_counted(kind, subject):
        usage.require_budget_left(AccessKind.OPENED, subject, opened)
        usage.require_budget_left(AccessKind.MISSED, subject, missed)
    _store_budget_access(session, staff_id, kind, subject, now)


def count_unknown_request(session: Session, staff_id: UUID, asked: str, now: datetime) -> str:
    """Count a request for something that does not exist for this person; return a keyed fingerprint
    of ``asked``. The same request counts once a day. Raises ``BudgetExceeded``."""
    lock_staff_budget(session, staff_id)
    usage, subject = _BudgetUsage(session, staff_id, now), _lookup_fingerprint(session, asked)
    if not usage.was_counted(AccessKind.UNKNOWN, subject):
        usage.require_budget_left(AccessKind.UNKNOWN, subject, current_budgets(session).unknown)
        _store_budget_access(session, staff_id, AccessKind.UNKNOWN, subject, now)
    return subject.hex[:12]


def _lookup_fingerprint(session: Session, asked: str) -> UUID:
    return UUID(bytes=keyring.current_keyring(session).compute_blind_index("budget", asked)[:16])


def _role_access_limits(session: Session, staff_id: UUID) -> Sequence[NumberLimit]:
    member = session.get_one(Staff, staff_id)
    return current_budgets(session).roles.get(Role(member.role), ())


def _store_budget_access(
    session: Session, staff_id: UUID, kind: AccessKind, subject: UUID, now: datetime
) -> None:
    session.add(RecordAccess(staff_id=staff_id, kind=kind, subject=subject, at=now))
    session.flush()


class _BudgetUsage:
    """What a person has accessed within a day, or since their budget was unlocked."""

    def __init__(self, session: Session, staff_id: UUID, now: datetime) -> None:
        unlock = session.get(BudgetUnlock, staff_id, populate_existing=True)
        since = max(now - LONGEST_WINDOW, unlock.at) if unlock else now - LONGEST_WINDOW
        rows = session.exec(
            select(RecordAccess.kind, RecordAccess.subject, RecordAccess.at)
            .where(col(RecordAccess.staff_id) == staff_id, col(RecordAccess.at) > since)
            .order_by(col(RecordAccess.at))
        )
        self._staff_id, self._now = staff_id, now
        self._last = {(kind, subject): at for kind, subject, at in rows}

    def was_counted(
        self, kind: AccessKind, subject: UUID, within: timedelta = LONGEST_WINDOW
    ) -> bool:
        at = self._last.get((kind, subject))
        return at is not None and at > self._now - within

    def require_budget_left(
        self,
        kind: AccessKind,
        subject: UUID,
        allowed: Sequence[NumberLimit],
        spared: BudgetExemption = BudgetExemption.NOTHING,
    ) -> None:
        """Raise ``BudgetExceeded`` unless one more access fits into each window."""
        for limit in allowed:
            if spared is BudgetExemption.ALL or (
                spared is BudgetExemption.HOUR and limit.within < LONGEST_WINDOW
            ):
                continue
            counted_at = [
                at
                for (counted_kind, _), at in self._last.items()
                if counted_kind == kind and at > self._now - limit.within
            ]
            if len(counted_at) >= limit.most and not self.was_counted(kind, subject, limit.within):
                again = min(counted_at, default=self._now) + limit.within - self._now
                raise BudgetExceeded(
                    self._staff_id, kind, limit.most, limit.within, len(counted_at), again
                )


def reset_staff_budget(
    session: Session, staff_id: UUID, by: audit_log.Actor, now: datetime
) -> None:
    """Reset the budget of a person who was stopped. The caller ensures that a second person
    approved it."""
    lock_staff_budget(session, staff_id)
    session.merge(BudgetUnlock(staff_id=staff_id, at=now))
    session.flush()
    audit_log.record_act(session, by, AuditAct.BUDGET_UNLOCK, now, detail=str(staff_id))


def prune_record_accesses(session: Session, now: datetime) -> None:
    """Delete accesses that no longer count (a job of the worker)."""
    expired = (
        select(RecordAccess.id)
        .where(col(RecordAccess.at) <= now - LONGEST_WINDOW)
        .limit(_PRUNE_BATCH_SIZE)
    )
    session.exec(delete(RecordAccess).where(col(RecordAccess.id).in_(expired)))
