"""The approval inbox: requests to decide, and the state of one's own requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, exists, func, or_, select

from people.approvals import independence, request_visibility, sealed_requests
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.request_types import ApprovalRequestView, RequestTypes
from people.approvals.states import OPEN_STATES, RequestState
from people.approvals.valid_approvals import APPROVE, find_dependence
from people.principal import Principal
from vault.audit import audit_log
from vault.audit.acts import AuditAct

OWN_HISTORY = timedelta(days=30)
MAX_REQUESTS = 100
APPROVER_ONLY_FACTS = ("warning",)


@dataclass(frozen=True)
class InboxItem:
    """A request as it is shown. ``facts`` are its details; ``approvals`` of ``needed`` have been
    given; ``stuck`` is set on one's own request if no active member of staff may approve it."""

    act: ApprovalRequestView
    facts: Sequence[tuple[str, str]]
    approvals: int
    needed: int
    stuck: bool = False


@dataclass(frozen=True)
class ApprovalInbox:
    """Requests to decide, requests already decided by the reader that wait for others, and the
    reader's own."""

    to_decide: Sequence[InboxItem]
    waiting: Sequence[InboxItem]
    own: Sequence[InboxItem]


def count_undecided_requests(
    session: Session, kinds: RequestTypes, who: Principal, now: datetime
) -> int:
    """Count the requests that wait for this person's decision."""
    return len(_list_undecided_requests(session, kinds, who, now))


def _list_undecided_requests(
    session: Session, kinds: RequestTypes, who: Principal, now: datetime
) -> list[ApprovalRequest]:
    """List requests that this person may decide, earliest first, from the first ``MAX_REQUESTS``;
    leaves out those they are not independent of."""
    rows = session.exec(
        select(ApprovalRequest)
        .where(*_decidable_conditions(kinds, who, now), ~_has_voted_condition(who))
        .order_by(col(ApprovalRequest.id))
        .limit(MAX_REQUESTS)
    ).all()
    deciders = _deciders_by_request(session, rows)
    involved = {item for row in rows for item in (row.asked_by, row.staff_id, *deciders[row.id])}
    groups = independence.find_identity_groups(session, (who.id, *involved)) if rows else {}
    return [
        row
        for row in rows
        if not find_dependence(groups, kinds[row.kind], row, deciders[row.id], who.id)
    ]


def _deciders_by_request(
    session: Session, rows: Sequence[ApprovalRequest]
) -> Mapping[UUID, list[UUID]]:
    """Return who has decided on each request."""
    deciders: dict[UUID, list[UUID]] = {row.id: [] for row in rows}
    if not deciders:
        return deciders
    votes = select(ApprovalVote.request_id, ApprovalVote.staff_id).where(
        col(ApprovalVote.request_id).in_(deciders)
    )
    for request_id, staff_id in session.exec(votes):
        deciders[request_id].append(staff_id)
    return deciders


def load_approval_inbox(
    session: Session, kinds: RequestTypes, who: Principal, now: datetime
) -> ApprovalInbox:
    """Load the inbox of this person, decrypted, earliest first; own requests of the last month,
    newest first.

    Leaves out requests that are hidden from them. Requests about customers are audited as reads.
    """
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
    """Return one's own request; while it is open, with whether anybody can approve it."""
    view = _without_approver_facts(_inbox_item(session, kinds, row))
    if row.state != RequestState.ASKED or now >= row.expires_at:
        return view
    able = request_visibility.has_enough_approvers(session, kinds[row.kind], row, view.approvals)
    return replace(view, stuck=not able)


def _without_approver_facts(item: InboxItem) -> InboxItem:
    """Remove the facts for approvers only. Otherwise submitting a request would be a way to look
    customers up: a warning says that a number is another customer's."""
    facts = [fact for fact in item.facts if fact[0] not in APPROVER_ONLY_FACTS]
    return replace(item, facts=facts)


def list_operator_requests(session: Session, kinds: RequestTypes, now: datetime) -> list[InboxItem]:
    """List the open requests of the command line."""
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
    """Return the conditions for open requests that this person may decide on."""
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
    kind, view = kinds[row.kind], sealed_requests.open_approval_request(session, row)
    approvals = session.exec(
        select(func.count()).where(
            col(ApprovalVote.request_id) == row.id, col(ApprovalVote.verdict) == APPROVE
        )
    ).one()
    facts = kind.facts(session, view) if view.payload else ()
    return InboxItem(view, facts, approvals, kind.approvals_required(row.asked_by))
