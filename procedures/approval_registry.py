"""All that takes two people, in one table (rule I4): who may ask, who may approve, what it does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from incidents.response import approval_types as acting
from people.approvals import bootstrap, invalidation
from people.approvals.request_types import ApprovalRequestView, RequestType, RequestTypes
from people.staff import budget_unlock, reset_links, staff_approvals
from procedures import erasure_request, number_change, role_change
from scheduling.policy import Policy

IMPORT_CUSTOMERS, APPLY_RETENTION = "customers.import", "customers.retention"
ROTATE_MASTER_KEY, ROTATE_INDEX_KEY = "keys.rotate", "keys.rotate_index"


def collect_request_types(policy: Policy) -> RequestTypes:
    """Every kind by its name, under the rules of this installation."""
    return {type_.name: type_ for type_ in _registered_request_types(policy)}


def void_invalid_requests(session: Session, policy: Policy, now: datetime) -> None:
    """Mark what can come to nothing any more (a job of the worker)."""
    invalidation.void_unexecutable_requests(session, collect_request_types(policy), now)


def _registered_request_types(policy: Policy) -> tuple[RequestType, ...]:
    return (
        number_change.build_number_change_type(policy),
        staff_approvals.ADD,
        staff_approvals.INVITE,
        reset_links.RESET,
        role_change.CHANGE_ROLE,
        erasure_request.ERASE_CUSTOMER,
        budget_unlock.UNLOCK,
        acting.SUSPEND,
        acting.LIFT,
        acting.WARN,
        *(
            _command_request_type(item)
            for item in (IMPORT_CUSTOMERS, APPLY_RETENTION, ROTATE_MASTER_KEY, ROTATE_INDEX_KEY)
        ),
    )


def _command_request_type(name: str) -> RequestType:
    """Something long that only the command line does, when it is run again."""
    return RequestType(name, frozenset(), bootstrap.APPROVERS, _payload_facts, by_operator=True)


def _payload_facts(_: Session, act: ApprovalRequestView) -> Sequence[tuple[str, str]]:
    return [(name, str(value)) for name, value in sorted(act.payload.items())]
