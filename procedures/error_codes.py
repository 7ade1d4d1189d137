"""Codes of domain errors of what spans several subjects. Their sentences are in
``channels/error_texts/procedures.py``."""

from __future__ import annotations

from config.domain_errors import ErrorCode


class ProcedureErrorCode(ErrorCode):
    """Why something is refused."""

    COLLEAGUE_HAS_CALLS = "colleague_has_calls"
    CUSTOMER_ALREADY_ERASED = "customer_already_erased"
    CUSTOMER_HAS_CALLBACK = "customer_has_callback"
    NUMBER_CHANGED_SINCE = "number_changed_since"
    NUMBER_CUSTOMER_ERASED = "number_customer_erased"
    NUMBER_REQUEST_CUSTOMER_ERASED = "number_request_customer_erased"
    NUMBER_UNCHANGED = "number_unchanged"
    REQUESTER_LOST_CALLBACK = "requester_lost_callback"
    ROLE_CHANGED_SINCE = "role_changed_since"
    ROLE_UNCHANGED = "role_unchanged"
    TOO_FEW_APPROVERS = "too_few_approvers"
