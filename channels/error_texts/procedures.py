"""Sentences of the codes in ``procedures/error_codes.py``."""

from __future__ import annotations

from collections.abc import Mapping

from config.domain_errors import ErrorCode
from procedures.error_codes import ProcedureErrorCode as Code

N_ = str

SENTENCES: Mapping[ErrorCode, str] = {
    Code.COLLEAGUE_HAS_CALLS: N_("Calls are booked with this person. Hand them over first."),
    Code.CUSTOMER_ALREADY_ERASED: N_("This customer has been erased already."),
    Code.CUSTOMER_HAS_CALLBACK: N_("A call is booked with this customer. Call it off first."),
    Code.NUMBER_CHANGED_SINCE: N_(
        "The number has been changed since this was requested. Refuse this."
    ),
    Code.NUMBER_CUSTOMER_ERASED: N_("This customer's data has been erased."),
    Code.NUMBER_REQUEST_CUSTOMER_ERASED: N_("This customer's data has been erased. Refuse this."),
    Code.NUMBER_UNCHANGED: N_("This is the number that we have."),
    Code.REQUESTER_LOST_CALLBACK: N_(
        "The person who asked no longer holds this customer's callback. Refuse this."
    ),
    Code.ROLE_CHANGED_SINCE: N_(
        "This person has another role by now, or does not work here. Refuse this."
    ),
    Code.ROLE_UNCHANGED: N_("Choose another role of: %(roles)s."),
    Code.TOO_FEW_APPROVERS: N_("Too few people would be left who can approve. Add somebody first."),
}
