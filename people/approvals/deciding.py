"""Approving and refusing. An approval counts while whoever gave it may still give it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people.approvals import binding, rows
from people.approvals.kinds import Kind, Kinds
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.states import State, require_move
from people.errors import NoLonger, NotAllowed, NotFound
from people.models import Staff
from storage.types import new_id
from vault import audit
from vault.acts import AuditAct

APPROVE, REFUSE = "approve", "refuse"
_ACTS = {APPROVE: AuditAct.APPROVAL_APPROVE, REFUSE: AuditAct.APPROVAL_REFUSE}


@dataclass(frozen=True)
class _Case:
    """A request that is locked, with everybody it has to do with."""

    row: ApprovalRequest
    kind: Kind
    people: dict[UUID, Staff]


def approve(
    session: Session, kinds: Kinds, request_id: UUID, digest: str, by: UUID, now: datetime
) -> State:
    """Approve what has this digest, and do it if that was the last approval it needed; gives where
    it stands now. Whoever approved lately and may no longer do so does not count.

    Raises ``NotFound`` for what is not theirs to decide, ``NotAllowed`` for their own requests and
    for what is about themself, ``NoLonger``; and whatever stands against doing it, so that nothing
    is done and the approval is not given.
    """
    found = _to_decide(session, kinds, request_id, by)
    row, kind = found.row, found.kind
    rows.require_young(row, now)
    rows.require_unchanged(row, digest)
    binding.opened(session, row)
    _require_asker(found)
    _vote(session, found, APPROVE, by, now)
    if standing(session, kind, row) < kind.needed(row.asked_by):
        return State(row.state)
    rows.move(session, row, State.APPROVED)
    if kind.run is not None:
        kind.run(session, binding.opened(session, row), now)
        rows.settle(session, row, State.DONE, now)
        rows.record(session, row, AuditAct.APPROVAL_DO, audit.staff(by), now)
    return State(row.state)


def is_void(session: Session, request_id: UUID) -> bool:
    """Whether it can come to nothing any more. Raises ``NotFound``."""
    return rows.locked(session, request_id).state == State.VOID


def refuse(session: Session, kinds: Kinds, request_id: UUID, by: UUID, now: datetime) -> None:
    """Refuse: one who may approve is enough, until it is done. Raises as :func:`approve`."""
    found = _to_decide(session, kinds, request_id, by)
    rows.require_young(found.row, now)
    _vote(session, found, REFUSE, by, now)
    rows.settle(session, found.row, State.REFUSED, now)


def _to_decide(session: Session, kinds: Kinds, request_id: UUID, by: UUID) -> _Case:
    row = rows.locked(session, request_id)
    kind = kinds.get(row.kind)
    given = [each.staff_id for each in rows.votes(session, row)]
    people = rows.people(session, [by, row.asked_by, row.staff_id, *given])
    if kind is None or not rows.may(people.get(by), kind.approves):
        raise NotFound("There is no such request.")
    if by == row.asked_by:
        raise NotAllowed("You asked for this yourself. It takes somebody else.")
    if by == row.staff_id:
        raise NotAllowed("This is about yourself. It takes somebody else.")
    if by in given:
        raise NoLonger("You have decided on this already.")
    return _Case(row, kind, people)


def _require_asker(found: _Case) -> None:
    asker = found.row.asked_by
    if asker is not None and not rows.may(found.people.get(asker), found.kind.asks):
        raise NoLonger("Whoever asked for this may no longer ask for it. Refuse it.")


def _vote(session: Session, found: _Case, verdict: str, by: UUID, now: datetime) -> None:
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
    binding.bind(session, vote, row.digest)
    session.add(vote)
    session.flush()
    rows.record(session, row, _ACTS[verdict], audit.staff(by), now)


def standing(session: Session, kind: Kind, row: ApprovalRequest) -> int:
    """How many approvals of a request that is locked count at this moment: given for exactly this,
    by people who may still approve it, are not who asked, and are not whom it is about."""
    given = [each for each in rows.votes(session, row) if each.verdict == APPROVE]
    people = rows.people(session, [each.staff_id for each in given])
    return sum(
        rows.may(people.get(each.staff_id), kind.approves)
        and each.staff_id not in (row.asked_by, row.staff_id)
        and binding.is_bound(session, each, row.digest)
        for each in given
    )
