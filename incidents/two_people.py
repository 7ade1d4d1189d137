"""All that takes two people, in one table (rule I4): who may ask, who may approve, what it does."""

from __future__ import annotations

from incidents.acting import kinds as acting
from people import staffing
from people.approvals.kinds import Kind, Kinds
from scheduling import roles
from scheduling.policy import Policy


def kinds(policy: Policy) -> Kinds:
    """Every kind by its name, under the rules of this installation."""
    return {each.name: each for each in _table(policy)}


def _table(_: Policy) -> tuple[Kind, ...]:
    return (staffing.ADD, staffing.INVITE, roles.ROLE, acting.SUSPEND, acting.LIFT, acting.WARN)
