"""How many customers one person may open (rule I1): so many different ones an hour and a day.

An opening is counted in the transaction of its audit entry, in turn with the person's others, so
that racing tabs cannot have more. Look-ups that find nobody have a budget of their own, for they
tell who is no customer. When either is used up, no new look-up is answered, so that a refusal does
not tell it. Whom the person has opened already within the time can be opened again.
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

from messaging.sending_limits import Limit, limits
from people.errors import BudgetSpent
from people.models import BudgetUnlock, Opening, Role, Staff
from storage import advisory_lock
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

LONGEST = timedelta(days=1)
_INFO = "budgets"
_PRUNED_AT_A_TIME = 2000


class Kind(StrEnum):
    """What is counted: customers opened or found, look-ups that found nobody, and ids and
    references of what is not there, or not theirs."""

    OPENED = "opened"
    MISSED = "missed"
    UNKNOWN = "unknown"


class Spared(IntEnum):
    """From which windows an opening is spared: an agent on the phone is never stopped, and today's
    own calls are not held up by a busy hour. It counts all the same."""

    NOTHING = 0
    HOUR = 1
    ALL = 2


@dataclass(frozen=True)
class Budgets:
    """What each role may open, how often a look-up may find nobody, and how often anybody may ask
    for what is not there: wide, since ids cannot be guessed and pages grow old."""

    roles: Mapping[Role, Sequence[Limit]] = field(
        default_factory=lambda: {
            Role.AGENT: limits("30/hour;120/day"),
            Role.INVESTIGATOR: limits("20/hour;60/day"),
        }
    )
    misses: Sequence[Limit] = limits("10/hour;40/day")
    unknown: Sequence[Limit] = limits("60/hour;240/day")


DEFAULTS = Budgets()


def carried(budgets: Budgets) -> dict[Any, Any]:
    """What to put into a session's ``info``."""
    return {_INFO: budgets}


def of(session: Session) -> Budgets:
    """The budgets of this installation."""
    found = session.info.get(_INFO, DEFAULTS)
    return found if isinstance(found, Budgets) else DEFAULTS


def take_turn(session: Session, staff_id: UUID) -> None:
    """Wait for the person's other openings. Whoever locks rows of callbacks as well takes the turn
    first; what the request has changed before is written out, so that all wait in one order."""
    session.flush()
    advisory_lock.take(session, sha256(b"budget" + staff_id.bytes).digest())


def open_customer(
    session: Session,
    staff_id: UUID,
    customer_id: UUID,
    now: datetime,
    spared: Spared = Spared.NOTHING,
) -> None:
    """Count the opening of a customer. Raises ``BudgetSpent`` instead of the one too many."""
    take_turn(session, staff_id)
    spent = _Spent(session, staff_id, now)
    spent.require(Kind.OPENED, customer_id, _limits(session, staff_id), spared)
    _keep(session, staff_id, Kind.OPENED, customer_id, now)


def look_up(
    session: Session, staff_id: UUID, found: UUID | None, asked: str, now: datetime
) -> None:
    """Count a look-up of what was ``asked`` (one form for one number or ticket) that ``found`` a
    customer or nobody. Raises ``BudgetSpent``, which tells neither."""
    take_turn(session, staff_id)
    spent, opened, missed = (
        _Spent(session, staff_id, now),
        _limits(session, staff_id),
        of(session).misses,
    )
    kind = Kind.OPENED if found else Kind.MISSED
    subject = found or _mark(session, asked)
    if not spent.has(kind, subject):
        spent.require(Kind.OPENED, subject, opened)
        spent.require(Kind.MISSED, subject, missed)
    _keep(session, staff_id, kind, subject, now)


def ask_for_unknown(session: Session, staff_id: UUID, asked: str, now: datetime) -> str:
    """Count that somebody asked for what is not there for them; gives a keyed fingerprint of what
    was asked. The same counts once in a day. Raises ``BudgetSpent``."""
    take_turn(session, staff_id)
    spent, subject = _Spent(session, staff_id, now), _mark(session, asked)
    if not spent.has(Kind.UNKNOWN, subject):
        spent.require(Kind.UNKNOWN, subject, of(session).unknown)
        _keep(session, staff_id, Kind.UNKNOWN, subject, now)
    return subject.hex[:12]


def _mark(session: Session, asked: str) -> UUID:
    return UUID(bytes=keyring.of(session).blind_index("budget", asked)[:16])


def _limits(session: Session, staff_id: UUID) -> Sequence[Limit]:
    member = session.get_one(Staff, staff_id)
    return of(session).roles.get(Role(member.role), ())


def _keep(session: Session, staff_id: UUID, kind: Kind, subject: UUID, now: datetime) -> None:
    session.add(Opening(staff_id=staff_id, kind=kind, subject=subject, at=now))
    session.flush()


class _Spent:
    """What a person has opened within a day, or since they were unlocked."""

    def __init__(self, session: Session, staff_id: UUID, now: datetime) -> None:
        unlock = session.get(BudgetUnlock, staff_id, populate_existing=True)
        since = max(now - LONGEST, unlock.at) if unlock else now - LONGEST
        rows = session.exec(
            select(Opening.kind, Opening.subject, Opening.at)
            .where(col(Opening.staff_id) == staff_id, col(Opening.at) > since)
            .order_by(col(Opening.at))
        )
        self._staff_id, self._now = staff_id, now
        self._last = {(kind, subject): at for kind, subject, at in rows}

    def has(self, kind: Kind, subject: UUID, within: timedelta = LONGEST) -> bool:
        at = self._last.get((kind, subject))
        return at is not None and at > self._now - within

    def require(
        self,
        kind: Kind,
        subject: UUID,
        allowed: Sequence[Limit],
        spared: Spared = Spared.NOTHING,
    ) -> None:
        """Raise ``BudgetSpent`` unless one more fits into each window."""
        for limit in allowed:
            if spared is Spared.ALL or (spared is Spared.HOUR and limit.within < LONGEST):
                continue
            ats = [
                at
                for (each, _), at in self._last.items()
                if each == kind and at > self._now - limit.within
            ]
            if len(ats) >= limit.most and not self.has(kind, subject, limit.within):
                again = min(ats, default=self._now) + limit.within - self._now
                raise BudgetSpent(self._staff_id, kind, limit.most, limit.within, len(ats), again)


def unlock(session: Session, staff_id: UUID, by: audit_log.Actor, now: datetime) -> None:
    """Let somebody who was stopped begin anew. That it takes two people, the caller sees to."""
    take_turn(session, staff_id)
    session.merge(BudgetUnlock(staff_id=staff_id, at=now))
    session.flush()
    audit_log.record(session, by, AuditAct.BUDGET_UNLOCK, now, detail=str(staff_id))


def forget_old(session: Session, now: datetime) -> None:
    """Remove what counts no more (a job of the worker)."""
    old = select(Opening.id).where(col(Opening.at) <= now - LONGEST).limit(_PRUNED_AT_A_TIME)
    session.exec(delete(Opening).where(col(Opening.id).in_(old)))
