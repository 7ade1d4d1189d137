"""Approves and refuses requests. An approval counts as long as its approver may still give it.

Every action that needs two people is decided here and nowhere else, by members of staff who are
proven to be different people (:mod:`people.approvals.independence`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people.approvals import independence, pins, repository, request_visibility, sealed_requests
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.request_types import ApprovalRequestView, RequestType, RequestTypes
from people.approvals.states import RequestState, require_request_move
from people.approvals.valid_approvals import APPROVE, REFUSE, find_dependence, list_valid_approvals
from people.error_codes import PeopleErrorCode
from people.errors import Conflict, NotAllowed, NotFound
from people.models import Staff
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct

_ACTS = {APPROVE: AuditAct.APPROVAL_APPROVE, REFUSE: AuditAct.APPROVAL_REFUSE}
_DEPENDENCE_CODES = {
    "asker": PeopleErrorCode.VOTER_DEPENDS_ON_REQUESTER,
    "subject": PeopleErrorCode.VOTER_DEPENDS_ON_SUBJECT,
    "approver": PeopleErrorCode.VOTER_DEPENDS_ON_APPROVER,
}


@dataclass(frozen=True)
class _LockedRequest:
    """A locked request and the people involved in it."""

    row: ApprovalRequest
    kind: RequestType
    people: dict[UUID, Staff]


@dataclass(frozen=True)
class ApprovalResult:
    """The state of a request after an approval, and the PIN that the approver hands over in person;
    empty if the request enrols nobody."""

    state: RequestState
    pin: str


def approve_issuing_pin(
    session: Session, kinds: RequestTypes, request_id: UUID, digest: str, by: UUID, now: datetime
) -> ApprovalResult:
    """Approve the request with this digest, and execute it if this was the last approval it needed.
    An earlier approval does not count if its approver may no longer approve.

    Raises ``NotFound`` for a request that is not theirs to decide; ``NotAllowed`` for their own
    requests, for requests about themself, and if they could be one person with the requester, the
    subject or another approver; ``Conflict``; and any error of the execution itself. After an error
    nothing is done and the approval is not given.
    """
    locked = _lock_for_decision(session, kinds, request_id, by)
    row, kind = locked.row, locked.kind
    repository.require_not_expired(row, now)
    repository.require_same_digest(row, digest)
    enrols = _grants_enrolment(kind, sealed_requests.open_approval_request(session, row))
    _require_valid_requester(session, locked)
    pin = _cast_vote(session, locked, APPROVE, by, now, with_pin=enrols)
    approvals = list_valid_approvals(session, kind, row)
    if len(approvals) >= kind.approvals_required(row.asked_by):
        repository.move_request_state(session, row, RequestState.APPROVED)
        _execute_if_immediate(session, locked, approvals, by, now)
    return ApprovalResult(RequestState(row.state), pin)


def _execute_if_immediate(
    session: Session,
    found: _LockedRequest,
    counted: Sequence[ApprovalVote],
    by: UUID,
    now: datetime,
) -> None:
    """Execute an approved request, unless a command executes it."""
    row, kind = found.row, found.kind
    if kind.run is None:
        return
    view = sealed_requests.open_approval_request(session, row)
    if _grants_enrolment(kind, view):
        view = replace(view, pins=pins.open_pins(session, counted))
    kind.run(session, view, now)
    repository.close_approval_request(session, row, RequestState.DONE, now)
    repository.record_approval_act(
        session, row, AuditAct.APPROVAL_DO, audit_log.staff_actor(by), now
    )


def _grants_enrolment(kind: RequestType, act: ApprovalRequestView) -> bool:
    return kind.enrols is not None and kind.enrols(act.payload)


def is_request_void(session: Session, kinds: RequestTypes, request_id: UUID, by: UUID) -> bool:
    """Return whether the request can no longer be executed. Raises ``NotFound``, also if it is
    hidden from them."""
    row = repository.lock_approval_request(session, request_id)
    kind = kinds.get(row.kind)
    if kind is None or request_visibility.is_hidden_from(session, kind, row, by):
        raise NotFound(PeopleErrorCode.REQUEST_NOT_FOUND)
    return row.state == RequestState.VOID


def refuse_request(
    session: Session, kinds: RequestTypes, request_id: UUID, by: UUID, now: datetime
) -> None:
    """Refuse a request. One approver is enough, until it is executed. Raises as
    :func:`approve_issuing_pin`."""
    locked = _lock_for_decision(session, kinds, request_id, by)
    repository.require_not_expired(locked.row, now)
    _cast_vote(session, locked, REFUSE, by, now)
    repository.close_approval_request(session, locked.row, RequestState.REFUSED, now)


def _lock_for_decision(
    session: Session, kinds: RequestTypes, request_id: UUID, by: UUID
) -> _LockedRequest:
    row = repository.lock_approval_request(session, request_id)
    kind = kinds.get(row.kind)
    deciders = [vote.staff_id for vote in repository.list_votes(session, row)]
    people = repository.lock_staff_members(session, [by, row.asked_by, row.staff_id, *deciders])
    if kind is None or not repository.is_active_in_role(people.get(by), kind.approves):
        raise NotFound(PeopleErrorCode.REQUEST_NOT_FOUND)
    request_visibility.require_visible_request(session, kind, row, by)
    if by == row.asked_by:
        raise NotAllowed(PeopleErrorCode.OWN_REQUEST)
    if by == row.staff_id:
        raise NotAllowed(PeopleErrorCode.REQUEST_ABOUT_YOURSELF)
    if by in deciders:
        raise Conflict(PeopleErrorCode.ALREADY_VOTED)
    _require_independent_voter(session, kind, row, deciders, by)
    return _LockedRequest(row, kind, people)


def _require_independent_voter(
    session: Session, kind: RequestType, row: ApprovalRequest, given: Sequence[UUID], by: UUID
) -> None:
    groups = independence.find_identity_groups(session, (by, row.asked_by, row.staff_id, *given))
    if why := find_dependence(groups, kind, row, given, by):
        raise NotAllowed(_DEPENDENCE_CODES[why])


def _require_valid_requester(session: Session, found: _LockedRequest) -> None:
    requester = found.row.asked_by
    if requester is None:
        return
    may = repository.is_active_in_role(found.people.get(requester), found.kind.asks)
    if not may or request_visibility.is_hidden_from(session, found.kind, found.row, requester):
        raise Conflict(PeopleErrorCode.REQUESTER_NO_LONGER_ALLOWED)


def _cast_vote(
    session: Session,
    found: _LockedRequest,
    verdict: str,
    by: UUID,
    now: datetime,
    *,
    with_pin: bool = False,
) -> str:
    """Store a vote; return the PIN of an approval ``with_pin``."""
    row = found.row
    require_request_move(
        RequestState(row.state),
        RequestState.APPROVED if verdict == APPROVE else RequestState.REFUSED,
    )
    vote = ApprovalVote(
        id=new_id(),
        request_id=row.id,
        staff_id=by,
        verdict=verdict,
        role=found.people[by].role,
        binding=b"",
        at=now,
    )
    sealed_requests.seal_vote(session, vote, row.digest)
    pin = pins.issue_pin(session, vote) if with_pin else ""
    session.add(vote)
    session.flush()
    repository.record_approval_act(session, row, _ACTS[verdict], audit_log.staff_actor(by), now)
    return pin
