"""A customer's own callbacks in plain, for themselves. Each reading is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people import password_seal
from people.errors import NotFound
from scheduling import callbacks
from scheduling.booking import bookings
from scheduling.models import Callback, FollowUp, FormerTime
from scheduling.notifications import callback_notifier
from scheduling.states import State, require
from vault.audit import audit_log
from vault.audit.acts import AuditAct

MOST_BOOKED = 3
_SHOWN = 50


@dataclass(frozen=True)
class OwnCall:
    """A callback as its customer sees it. ``agent`` is a first name; ``former`` are the times it
    had before, ``next_id`` is the callback that was booked after it."""

    id: UUID
    state: State
    starts_at: datetime
    minutes: int
    ends_at: datetime
    agent: str
    topic: str
    moves: int
    wants_earlier: bool
    started_at: datetime | None
    confirmed_at: datetime | None
    confirmed_by: str | None
    outcome: str | None
    former: tuple[datetime, ...]
    next_id: UUID | None


def booked(session: Session, customer_id: UUID, now: datetime) -> list[OwnCall]:
    """What is booked or going on, soonest first."""
    found = callbacks.upcoming(session, customer_id, now)
    return _opened(session, customer_id, found, now)


def past(session: Session, customer_id: UUID, now: datetime) -> list[OwnCall]:
    """Every call that we made, and every one that we had announced and did not make, newest
    first; the latest fifty."""
    over = (State.ENDED, State.MISSED, State.REFUSED, State.CANCELLED)
    statement = (
        select(Callback)
        .where(col(Callback.customer_id) == customer_id, col(Callback.state).in_(over))
        .order_by(col(Callback.starts_at).desc(), col(Callback.id))
        .limit(_SHOWN)
    )
    return _opened(session, customer_id, session.exec(statement).all(), now)


def held(session: Session, customer_id: UUID, callback_id: UUID, *, lock: bool = False) -> Callback:
    """A callback of this customer. Raises ``NotFound`` for any other, whether or not it exists."""
    statement = select(Callback).where(
        col(Callback.id) == callback_id, col(Callback.customer_id) == customer_id
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = session.exec(statement).first()
    if found is None or not password_seal.holds(session, found):
        raise NotFound("There is no such call of yours.")
    return found


def opened(session: Session, callback: Callback, now: datetime) -> OwnCall:
    """One callback in plain."""
    return _opened(session, callback.customer_id, [callback], now)[0]


def _opened(
    session: Session, customer_id: UUID, rows: Sequence[Callback], now: datetime
) -> list[OwnCall]:
    """A call that was changed past us is not shown: it would tell of what we did not do."""
    whole = [row for row in rows if password_seal.holds(session, row)]
    audit_log.record_many(
        session,
        audit_log.CUSTOMER,
        AuditAct.CUSTOMER_READ,
        now,
        about=[(customer_id, row.id) for row in whole],
        purpose="own page",
    )
    return [_one(session, row) for row in whole]


def _one(session: Session, row: Callback) -> OwnCall:
    former = session.exec(
        select(FormerTime.starts_at)
        .where(col(FormerTime.callback_id) == row.id)
        .order_by(col(FormerTime.id))
    ).all()
    following = session.exec(
        select(FollowUp.callback_id).where(col(FollowUp.earlier_id) == row.id)
    ).first()
    return OwnCall(
        id=row.id,
        state=State(row.state),
        starts_at=row.starts_at,
        minutes=row.minutes,
        ends_at=row.ends_at,
        agent=callback_notifier.agent_name(session, row.agent_id),
        topic=callbacks.topic_of(session, row),
        moves=row.moves,
        wants_earlier=row.earlier_wanted_at is not None,
        started_at=row.started_at,
        confirmed_at=row.confirmed_at,
        confirmed_by=row.confirmed_by,
        outcome=row.outcome,
        former=tuple(former),
        next_id=following,
    )


def want_earlier(session: Session, callback: Callback, wanted: bool, now: datetime) -> None:
    """Whether the customer wants to be told of earlier times. Raises ``WrongState``."""
    require(State(callback.state), State.BOOKED)
    callback.earlier_wanted_at = now if wanted else None
    session.add(callback)
    session.flush()
    detail = "" if wanted else "no more"
    bookings.record(session, callback, audit_log.CUSTOMER, AuditAct.CALLBACK_EARLIER, now, detail)
