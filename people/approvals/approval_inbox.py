"""What there is to decide, and what became of one's own requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, exists, func, or_, select

from people.approvals import independence, request_visibility, sealed_requests
from people.approvals.decisions import APPROVE, find_dependence
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.request_types import ApprovalRequestView, RequestTypes
from people.approvals.states import OPEN_STATES, RequestState
from people.principal import Principal
from vault.audit import audit_log
from vault.audit.acts import AuditAct

OWN_HISTORY = timedelta(days=30)
MAX_REQUESTS = 100
APPROVER_ONLY_FACTS = ("warning",)


@dataclass(frozen=True)
class InboxItem:
    """A request as it is shown: ``facts`` say what exactly; ``approvals`` of ``needed`` are in;
    ``stuck`` is one's own that nobody who works here may approve."""

    act: ApprovalRequestView
    facts: Sequence[tuple[str, str]]
    approvals: int
    needed: int
    stuck: bool = False


@dataclass(frozen=True)
class ApprovalInbox:
    """To be decided; decided by oneself and waiting for others; one's own."""

    to_decide: Sequence[InboxItem]
    waiting: Sequence[InboxItem]
    own: Sequence[InboxItem]


def count_undecided_requests(
    session: Session, kinds: RequestTypes, who: Principal, now: datetime
) -> int:
    """How many requests wait for this person's word."""
    return len(_list_undecided_requests(session, kinds, who, now))


def _list_undecided_requests(
    session: Session, kinds: RequestTypes, who: Principal, now: datetime
) -> list[ApprovalRequest]:
    """Requests that they may decide, earliest first: the first ``MOST``, without those of people
    they count as one with."""
    found = session.exec(
        select(ApprovalRequest)
        .where(*_decidable_conditions(kinds, who, now), ~_has_voted_condition(who))
        .order_by(col(ApprovalRequest.id))
        .limit(MAX_REQUESTS)
    ).all()
    given = _deciders_by_request(session, found)
    involved = {item for row in found for item in (row.asked_by, row.staff_id, *given[row.id])}
    groups = independence.find_identity_groups(session, (who.id, *involved)) if found else {}
    return [
        row
        for row in found
        if not find_dependence(groups, kinds[row.kind], row, given[row.id], who.id)
    ]


def _deciders_by_request(
    session: Session, rows: Sequence[ApprovalRequest]
) -> Mapping[UUID, list[UUID]]:
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


def load_approval_inbox(
    session: Session, kinds: RequestTypes, who: Principal, now: datetime
) -> ApprovalInbox:
    """All that has to do with this person, in plain, earliest first; their own newest first, of the
    last month. What is closed to them is in none of it. What is about customers is written down as
    a reading."""
    undecided, order = _list_undecided_requests(session, kinds, who, now), col(ApprovalRequest.id)
    decided = (
        select(ApprovalRequest)
        .where(
            _open_requests_condition(now),
            col(ApprovalRequest.kind).in_(list(kinds)),
            _has_voted_condition(who),
        )
        .where(request_visibility.visible_to_reader(kinds, who.id))
        .order_by(order)
        .limit(MAX_REQUESTS)
    )
    own = (
        select(ApprovalRequest)
        .where(
            col(ApprovalRequest.asked_by) == who.id,
            col(ApprovalRequest.kind).in_(list(kinds)),
            col(ApprovalRequest.asked_at) > now - OWN_HISTORY,
            request_visibility.visible_to_reader(kinds, who.id),
        )
        .order_by(order.desc())
        .limit(MAX_REQUESTS)
    )
    parts = [undecided, *(session.exec(item).all() for item in (decided, own))]
    read = [(row.customer_id, row.callback_id) for part in parts for row in part if row.customer_id]
    audit_log.record_act_per_customer(
        session, who.actor, AuditAct.APPROVAL_READ, now, about=read, purpose="approvals"
    )
    undone, waits = ([_inbox_item(session, kinds, row) for row in part] for part in parts[:2])
    return ApprovalInbox(
        undone, waits, [_own_request_item(session, kinds, row, now) for row in parts[2]]
    )


def _own_request_item(
    session: Session, kinds: RequestTypes, row: ApprovalRequest, now: datetime
) -> InboxItem:
    """One's own request; while it is open, with whether anybody is there to approve it."""
    found = _without_approver_facts(_inbox_item(session, kinds, row))
    if row.state != RequestState.ASKED or now >= row.expires_at:
        return found
    able = request_visibility.has_enough_approvers(session, kinds[row.kind], row, found.approvals)
    return replace(found, stuck=not able)


def _without_approver_facts(item: InboxItem) -> InboxItem:
    """What is for whoever approves alone: that a number is another customer's would make asking a
    way to look customers up."""
    facts = [fact for fact in item.facts if fact[0] not in APPROVER_ONLY_FACTS]
    return replace(item, facts=facts)


def list_operator_requests(session: Session, kinds: RequestTypes, now: datetime) -> list[InboxItem]:
    """What the command line has asked for and is still open."""
    rows = session.exec(
        select(ApprovalRequest)
        .where(_open_requests_condition(now), col(ApprovalRequest.asked_by).is_(None))
        .where(col(ApprovalRequest.kind).in_(list(kinds)))
        .order_by(col(ApprovalRequest.id))
    )
    return [_inbox_item(session, kinds, row) for row in rows]


def _open_requests_condition(now: datetime) -> ColumnElement[bool]:
    return and_(col(ApprovalRequest.state).in_(OPEN_STATES), col(ApprovalRequest.expires_at) > now)


def _decidable_conditions(
    kinds: RequestTypes, who: Principal, now: datetime
) -> list[ColumnElement[bool]]:
    """Open requests that this person may decide on."""
    names = [kind.name for kind in kinds.values() if who.role in kind.approves]
    return [
        _open_requests_condition(now),
        col(ApprovalRequest.kind).in_(names),
        request_visibility.visible_to_reader(kinds, who.id),
        *(
            or_(column.is_(None), column != who.id)
            for column in (col(ApprovalRequest.asked_by), col(ApprovalRequest.staff_id))
        ),
    ]


def _has_voted_condition(who: Principal) -> ColumnElement[bool]:
    return exists().where(
        col(ApprovalVote.request_id) == col(ApprovalRequest.id),
        col(ApprovalVote.staff_id) == who.id,
    )


def _inbox_item(session: Session, kinds: RequestTypes, row: ApprovalRequest) -> InboxItem:
    kind, act = kinds[row.kind], sealed_requests.open_approval_request(session, row)
    given = session.exec(
        select(func.count()).where(
            col(ApprovalVote.request_id) == row.id, col(ApprovalVote.verdict) == APPROVE
        )
    ).one()
    facts = kind.facts(session, act) if act.payload else ()
    return InboxItem(act, facts, given, kind.approvals_required(row.asked_by))
