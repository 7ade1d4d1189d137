"""Approving and refusing. An approval counts as long as its approver may still give it.

Every action that takes two people is decided here and nowhere else, by members of staff who are
surely two different people (:mod:`people.approvals.independence`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people.approvals import independence, pins, repository, request_visibility, sealed_requests
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.request_types import Act, Kind, Kinds
from people.approvals.states import State, require_move
from people.errors import NoLonger, NotAllowed, NotFound
from people.models import Staff
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct

APPROVE, REFUSE = "approve", "refuse"
_ACTS = {APPROVE: AuditAct.APPROVAL_APPROVE, REFUSE: AuditAct.APPROVAL_REFUSE}
_DEPENDENT = {
    "asker": "You and the colleague who asked for this count as one person: one of you was enrolled"
    " with a PIN of the other, or of a third. It takes somebody else.",
    "subject": "You and the colleague whom this is about count as one person: one of you was"
    " enrolled with a PIN of the other, or of a third. It takes somebody else.",
    "approver": "You and a colleague who decided on this already count as one person: one of you"
    " was enrolled with a PIN of the other, or of a third. It takes somebody else.",
}


@dataclass(frozen=True)
class _Case:
    """A request that is locked, with everybody it has to do with."""

    row: ApprovalRequest
    kind: Kind
    people: dict[UUID, Staff]


@dataclass(frozen=True)
class Approval:
    """Where a request stands after an approval, and the PIN that its giver hands over in person;
    empty where nobody enrols."""

    state: State
    pin: str


def approve(
    session: Session, kinds: Kinds, request_id: UUID, digest: str, by: UUID, now: datetime
) -> State:
    """As :func:`approve_with_pin`, for what lets nobody enrol."""
    return approve_with_pin(session, kinds, request_id, digest, by, now).state


def approve_with_pin(
    session: Session, kinds: Kinds, request_id: UUID, digest: str, by: UUID, now: datetime
) -> Approval:
    """Approve the request with this digest, and execute it if this was the last approval it
    needed. An earlier approval does not count if its approver may no longer approve.

    Raises ``NotFound`` for a request that is not theirs to decide; ``NotAllowed`` for their own
    requests, for requests about themself, and if they could be one person with the asker, the
    subject or another approver; ``NoLonger``; and any error of the execution itself. After an error
    nothing is done and the approval is not given.
    """
    found = _to_decide(session, kinds, request_id, by)
    row, kind = found.row, found.kind
    repository.require_young(row, now)
    repository.require_unchanged(row, digest)
    enrols = _enrols(kind, sealed_requests.opened(session, row))
    _require_asker(session, found)
    pin = _vote(session, found, APPROVE, by, now, with_pin=enrols)
    counted = counting(session, kind, row)
    if len(counted) >= kind.needed(row.asked_by):
        repository.move(session, row, State.APPROVED)
        _do(session, found, counted, by, now)
    return Approval(State(row.state), pin)


def _do(
    session: Session, found: _Case, counted: Sequence[ApprovalVote], by: UUID, now: datetime
) -> None:
    """Do what was approved, unless a command does it."""
    row, kind = found.row, found.kind
    if kind.run is None:
        return
    act = sealed_requests.opened(session, row)
    if _enrols(kind, act):
        act = replace(act, pins=pins.of(session, counted))
    kind.run(session, act, now)
    repository.settle(session, row, State.DONE, now)
    repository.record(session, row, AuditAct.APPROVAL_DO, audit_log.staff(by), now)


def _enrols(kind: Kind, act: Act) -> bool:
    return kind.enrols is not None and kind.enrols(act.payload)


def is_void(session: Session, kinds: Kinds, request_id: UUID, by: UUID) -> bool:
    """Whether it can come to nothing any more. Raises ``NotFound``, for what is closed to them
    too."""
    row = repository.locked(session, request_id)
    kind = kinds.get(row.kind)
    if kind is None or request_visibility.is_closed(session, kind, row, by):
        raise NotFound(request_visibility.NONE_SUCH)
    return row.state == State.VOID


def refuse(session: Session, kinds: Kinds, request_id: UUID, by: UUID, now: datetime) -> None:
    """Refuse: one who may approve is enough, until it is done. Raises as :func:`approve`."""
    found = _to_decide(session, kinds, request_id, by)
    repository.require_young(found.row, now)
    _vote(session, found, REFUSE, by, now)
    repository.settle(session, found.row, State.REFUSED, now)


def _to_decide(session: Session, kinds: Kinds, request_id: UUID, by: UUID) -> _Case:
    row = repository.locked(session, request_id)
    kind = kinds.get(row.kind)
    given = [each.staff_id for each in repository.votes(session, row)]
    people = repository.people(session, [by, row.asked_by, row.staff_id, *given])
    if kind is None or not repository.may(people.get(by), kind.approves):
        raise NotFound(request_visibility.NONE_SUCH)
    request_visibility.require_open(session, kind, row, by)
    if by == row.asked_by:
        raise NotAllowed("You asked for this yourself. It takes somebody else.")
    if by == row.staff_id:
        raise NotAllowed("This is about yourself. It takes somebody else.")
    if by in given:
        raise NoLonger("You have decided on this already.")
    _require_independent(session, kind, row, given, by)
    return _Case(row, kind, people)


def _require_independent(
    session: Session, kind: Kind, row: ApprovalRequest, given: Sequence[UUID], by: UUID
) -> None:
    groups = independence.groups(session, (by, row.asked_by, row.staff_id, *given))
    if why := dependence(groups, kind, row, given, by):
        raise NotAllowed(_DEPENDENT[why])


def dependence(
    groups: Mapping[UUID, UUID], kind: Kind, row: ApprovalRequest, given: Sequence[UUID], by: UUID
) -> str:
    """The role of the person that ``by`` could be one person with, so that ``by`` may not decide:
    ``asker``, ``subject``, ``approver``, or empty. Enrolments do not compare the subject: an
    approver may let the same colleague enrol again, since that makes nobody another person."""
    parts: tuple[tuple[str, Sequence[UUID | None]], ...] = (
        ("asker", [row.asked_by]),
        ("subject", [] if kind.enrols else [row.staff_id]),
        ("approver", given),
    )
    same = {each for each in groups if groups[each] == groups[by]}
    return next((name for name, ids in parts if same.intersection(filter(None, ids))), "")


def _require_asker(session: Session, found: _Case) -> None:
    asker = found.row.asked_by
    if asker is None:
        return
    may = repository.may(found.people.get(asker), found.kind.asks)
    if not may or request_visibility.is_closed(session, found.kind, found.row, asker):
        raise NoLonger("Whoever asked for this may no longer ask for it. Refuse it.")


def _vote(
    session: Session, found: _Case, verdict: str, by: UUID, now: datetime, *, with_pin: bool = False
) -> str:
    """Keep a verdict; gives the PIN of an approval ``with_pin``."""
    row = found.row
    require_move(State(row.state), State.APPROVED if verdict == APPROVE else State.REFUSED)
    vote = ApprovalVote(
        id=new_id(),
        request_id=row.id,
        staff_id=by,
        verdict=verdict,
        role=found.people[by].role,
        binding=b"",
        at=now,
    )
    sealed_requests.bind(session, vote, row.digest)
    pin = pins.give(session, vote) if with_pin else ""
    session.add(vote)
    session.flush()
    repository.record(session, row, _ACTS[verdict], audit_log.staff(by), now)
    return pin


def standing(session: Session, kind: Kind, row: ApprovalRequest) -> int:
    """How many approvals of a request that is locked count at this moment."""
    return len(counting(session, kind, row))


def counting(session: Session, kind: Kind, row: ApprovalRequest) -> list[ApprovalVote]:
    """The approvals of a locked request that count at this moment. Each is for exactly this
    request, from a person who may still approve it, may see it, did not ask for it and is not its
    subject. All of them come from surely different people."""
    given = [each for each in repository.votes(session, row) if each.verdict == APPROVE]
    people = repository.people(session, [each.staff_id for each in given])
    groups = independence.groups(session, (row.asked_by, row.staff_id, *people))
    counted: list[ApprovalVote] = []
    for each in given:
        before = [other.staff_id for other in counted]
        if (
            repository.may(people.get(each.staff_id), kind.approves)
            and each.staff_id not in (row.asked_by, row.staff_id)
            and not request_visibility.is_closed(session, kind, row, each.staff_id)
            and not dependence(groups, kind, row, before, each.staff_id)
            and sealed_requests.is_bound(session, each, row.digest)
        ):
            counted.append(each)
    return counted
