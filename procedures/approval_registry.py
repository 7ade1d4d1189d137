"""Registry of every request type that needs a second approver (rule I4): who may ask, who may
approve and what is executed."""

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
    """Return every request type by name, built for this installation's policy."""
    return {type_.name: type_ for type_ in _registered_request_types(policy)}


def void_invalid_requests(session: Session, policy: Policy, now: datetime) -> None:
    """Void requests that can no longer be executed (a job of the worker)."""
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
            _command_request_type(name)
            for name in (IMPORT_CUSTOMERS, APPLY_RETENTION, ROTATE_MASTER_KEY, ROTATE_INDEX_KEY)
        ),
    )


def _command_request_type(name: str) -> RequestType:
    """Build the type of a long-running command that only the command line executes, when it is run
    again."""
    return RequestType(name, frozenset(), bootstrap.APPROVERS, _payload_facts, by_operator=True)


def _payload_facts(_: Session, act: ApprovalRequestView) -> Sequence[tuple[str, str]]:
    return [(name, str(value)) for name, value in sorted(act.payload.items())]
