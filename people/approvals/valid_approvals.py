"""The approvals of a request that count: independent ones, by people who may still give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlmodel import Session

from people.approvals import independence, repository, request_visibility, sealed_requests
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.request_types import RequestType

APPROVE, REFUSE = "approve", "refuse"


def find_dependence(
    groups: Mapping[UUID, UUID],
    kind: RequestType,
    row: ApprovalRequest,
    given: Sequence[UUID],
    by: UUID,
) -> str:
    """Return the role of the person that ``by`` could be one person with, so that ``by`` may not
    decide: ``asker``, ``subject``, ``approver``, or empty.

    Enrolments do not compare the subject: an approver may enrol the same colleague again, since
    that makes nobody another person.
    """
    parts: tuple[tuple[str, Sequence[UUID | None]], ...] = (
        ("asker", [row.asked_by]),
        ("subject", [] if kind.enrols else [row.staff_id]),
        ("approver", given),
    )
    group_members = {group for group in groups if groups[group] == groups[by]}
    return next((name for name, ids in parts if group_members.intersection(filter(None, ids))), "")


def count_valid_approvals(session: Session, kind: RequestType, row: ApprovalRequest) -> int:
    """Count the approvals of a locked request that are currently valid."""
    return len(list_valid_approvals(session, kind, row))


def list_valid_approvals(
    session: Session, kind: RequestType, row: ApprovalRequest
) -> list[ApprovalVote]:
    """List the approvals of a locked request that are currently valid.

    Each is for exactly this request, from a person who may still approve it, may see it, did not
    request it and is not its subject. All of them come from people proven to be different.
    """
    approvals = [vote for vote in repository.list_votes(session, row) if vote.verdict == APPROVE]
    people = repository.lock_staff_members(session, [approval.staff_id for approval in approvals])
    groups = independence.find_identity_groups(session, (row.asked_by, row.staff_id, *people))
    valid: list[ApprovalVote] = []
    for approval in approvals:
        before = [other.staff_id for other in valid]
        if (
            repository.is_active_in_role(people.get(approval.staff_id), kind.approves)
            and approval.staff_id not in (row.asked_by, row.staff_id)
            and not request_visibility.is_hidden_from(session, kind, row, approval.staff_id)
            and not find_dependence(groups, kind, row, before, approval.staff_id)
            and sealed_requests.is_vote_bound(session, approval, row.digest)
        ):
            valid.append(approval)
    return valid
