"""All that takes two people, in one table (rule I4): who may ask, who may approve, what it does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from incidents.response import approval_types as acting
from people.approvals import bootstrap, invalidation
from people.approvals.request_types import Act, Kind, Kinds
from people.staff import budget_unlock, reset_links, staff_approvals
from procedures import erasure_request, number_change, role_change
from scheduling.policy import Policy

IMPORT, RETENTION = "customers.import", "customers.retention"
ROTATE, ROTATE_INDEX = "keys.rotate", "keys.rotate_index"


def kinds(policy: Policy) -> Kinds:
    """Every kind by its name, under the rules of this installation."""
    return {each.name: each for each in _table(policy)}


def void_hopeless(session: Session, policy: Policy, now: datetime) -> None:
    """Mark what can come to nothing any more (a job of the worker)."""
    invalidation.sweep(session, kinds(policy), now)


def _table(policy: Policy) -> tuple[Kind, ...]:
    return (
        number_change.kind(policy),
        staff_approvals.ADD,
        staff_approvals.INVITE,
        reset_links.RESET,
        role_change.ROLE,
        erasure_request.ERASE,
        budget_unlock.UNLOCK,
        acting.SUSPEND,
        acting.LIFT,
        acting.WARN,
        *(_by_command(each) for each in (IMPORT, RETENTION, ROTATE, ROTATE_INDEX)),
    )


def _by_command(name: str) -> Kind:
    """Something long that only the command line does, when it is run again."""
    return Kind(name, frozenset(), bootstrap.APPROVERS, _as_asked, by_operator=True)


def _as_asked(_: Session, act: Act) -> Sequence[tuple[str, str]]:
    return [(name, str(value)) for name, value in sorted(act.payload.items())]
