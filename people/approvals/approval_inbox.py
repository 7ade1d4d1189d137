"""What there is to decide, and what became of one's own requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, exists, func, or_, select

from people.approvals import independence, request_visibility, sealed_requests
from people.approvals.decisions import APPROVE, dependence
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.request_types import Act, Kinds
from people.approvals.states import OPEN, State
from people.staff.authentication import Principal
from vault.audit import audit_log
from vault.audit.acts import AuditAct

OWN_SHOWN = timedelta(days=30)
MOST = 100
FOR_APPROVERS = ("warning",)


@dataclass(frozen=True)
class Item:
    """A request as it is shown: ``facts`` say what exactly; ``approvals`` of ``needed`` are in;
    ``stuck`` is one's own that nobody who works here may approve."""

    act: Act
    facts: Sequence[tuple[str, str]]
    approvals: int
    needed: int
    stuck: bool = False


@dataclass(frozen=True)
class Pending:
    """To be decided; decided by oneself and waiting for others; one's own."""

    to_decide: Sequence[Item]
    waiting: Sequence[Item]
    own: Sequence[Item]


def count(session: Session, kinds: Kinds, who: Principal, now: datetime) -> int:
    """How many requests wait for this person's word."""
    return len(_undecided(session, kinds, who, now))


def _undecided(
    session: Session, kinds: Kinds, who: Principal, now: datetime
) -> list[ApprovalRequest]:
    """Requests that they may decide, earliest first: the first ``MOST``, without those of people
    they count as one with."""
    found = session.exec(
        select(ApprovalRequest)
        .where(*_theirs(kinds, who, now), ~_voted(who))
        .order_by(col(ApprovalRequest.id))
        .limit(MOST)
    ).all()
    given = _given(session, found)
    involved = {each for row in found for each in (row.asked_by, row.staff_id, *given[row.id])}
    groups = independence.groups(session, (who.id, *involved)) if found else {}
    return [
        row for row in found if not dependence(groups, kinds[row.kind], row, given[row.id], who.id)
    ]


def _given(session: Session, rows: Sequence[ApprovalRequest]) -> Mapping[UUID, list[UUID]]:
    """Who has decided on each."""
    found: dict[UUID, list[UUID]] = {row.id: [] for row in rows}
    if not found:
        return found
    votes = select(ApprovalVote.request_id, ApprovalVote.staff_id).where(
        col(ApprovalVote.request_id).in_(found)
    )
    for request_id, staff_id in session.exec(votes):
        found[request_id].append(staff_id)
    return found


def pending(session: Session, kinds: Kinds, who: Principal, now: datetime) -> Pending:
    """All that has to do with this person, in plain, earliest first; their own newest first, of the
    last month. What is closed to them is in none of it. What is about customers is written down as
    a reading."""
    undecided, order = _undecided(session, kinds, who, now), col(ApprovalRequest.id)
    decided = (
        select(ApprovalRequest)
        .where(_open(now), col(ApprovalRequest.kind).in_(list(kinds)), _voted(who))
        .where(request_visibility.open_to(kinds, who.id))
        .order_by(order)
        .limit(MOST)
    )
    own = (
        select(ApprovalRequest)
        .where(
            col(ApprovalRequest.asked_by) == who.id,
            col(ApprovalRequest.kind).in_(list(kinds)),
            col(ApprovalRequest.asked_at) > now - OWN_SHOWN,
            request_visibility.open_to(kinds, who.id),
        )
        .order_by(order.desc())
        .limit(MOST)
    )
    parts = [undecided, *(session.exec(each).all() for each in (decided, own))]
    read = [(row.customer_id, row.callback_id) for part in parts for row in part if row.customer_id]
    audit_log.record_many(
        session, who.actor, AuditAct.APPROVAL_READ, now, about=read, purpose="approvals"
    )
    undone, waits = ([_item(session, kinds, row) for row in part] for part in parts[:2])
    return Pending(undone, waits, [_own(session, kinds, row, now) for row in parts[2]])


def _own(session: Session, kinds: Kinds, row: ApprovalRequest, now: datetime) -> Item:
    """One's own request; while it is open, with whether anybody is there to approve it."""
    found = _for_asker(_item(session, kinds, row))
    if row.state != State.ASKED or now >= row.expires_at:
        return found
    able = request_visibility.can_be_decided(session, kinds[row.kind], row, found.approvals)
    return replace(found, stuck=not able)


def _for_asker(item: Item) -> Item:
    """What is for whoever approves alone: that a number is another customer's would make asking a
    way to look customers up."""
    facts = [each for each in item.facts if each[0] not in FOR_APPROVERS]
    return replace(item, facts=facts)


def of_operator(session: Session, kinds: Kinds, now: datetime) -> list[Item]:
    """What the command line has asked for and is still open."""
    rows = session.exec(
        select(ApprovalRequest)
        .where(_open(now), col(ApprovalRequest.asked_by).is_(None))
        .where(col(ApprovalRequest.kind).in_(list(kinds)))
        .order_by(col(ApprovalRequest.id))
    )
    return [_item(session, kinds, row) for row in rows]


def _open(now: datetime) -> ColumnElement[bool]:
    return and_(col(ApprovalRequest.state).in_(OPEN), col(ApprovalRequest.expires_at) > now)


def _theirs(kinds: Kinds, who: Principal, now: datetime) -> list[ColumnElement[bool]]:
    """Open requests that this person may decide on."""
    names = [each.name for each in kinds.values() if who.role in each.approves]
    return [
        _open(now),
        col(ApprovalRequest.kind).in_(names),
        request_visibility.open_to(kinds, who.id),
        *(
            or_(column.is_(None), column != who.id)
            for column in (col(ApprovalRequest.asked_by), col(ApprovalRequest.staff_id))
        ),
    ]


def _voted(who: Principal) -> ColumnElement[bool]:
    return exists().where(
        col(ApprovalVote.request_id) == col(ApprovalRequest.id),
        col(ApprovalVote.staff_id) == who.id,
    )


def _item(session: Session, kinds: Kinds, row: ApprovalRequest) -> Item:
    kind, act = kinds[row.kind], sealed_requests.opened(session, row)
    given = session.exec(
        select(func.count()).where(
            col(ApprovalVote.request_id) == row.id, col(ApprovalVote.verdict) == APPROVE
        )
    ).one()
    facts = kind.facts(session, act) if act.payload else ()
    return Item(act, facts, given, kind.needed(row.asked_by))
