"""Sentences of the codes in ``verification/error_codes.py``."""

from __future__ import annotations

from collections.abc import Mapping

from config.domain_errors import ErrorCode
from verification.error_codes import VerificationErrorCode as Code

N_ = str

SENTENCES: Mapping[ErrorCode, str] = {
    Code.AGENT_PHONE_MISSING: N_(
        "We ring you first, but we do not have your phone number. Ask the people who run"
        " the server."
    ),
    Code.ANOTHER_CALL_GOING_ON: N_("Another call to this customer's number is going on."),
    Code.BOOKED_TIME_OVER: N_("The booked time is over. End the call and book another."),
    Code.CALL_HAS_ENDED: N_("This call has ended."),
    Code.CALL_NOT_REPEATABLE: N_("The call is not over, or the customer was on the phone."),
    Code.CALL_ON_PHONE: N_(
        "You are on the phone with the customer. End the call, and book another with a colleague."
    ),
    Code.CALL_TAMPERED: N_(
        "This call was changed outside Vouchline. Do not make it, and tell the people who"
        " run the server."
    ),
    Code.CHECK_NUMBER_EXPIRED: N_("The check number has expired. Ask for a new one."),
    Code.CUSTOMER_NOT_ON_PHONE: N_("The customer is not on the phone."),
    Code.NO_CHECK_NUMBERS_LEFT: N_(
        "This callback has had its three new check numbers. End the call and book another."
    ),
    Code.OUTCOME_UNKNOWN: N_("The outcome is one of: %(outcomes)s."),
    Code.TOO_EARLY: N_("Too early: start at most %(minutes)s minutes before the booked time."),
    Code.TOO_LATE: N_("Too late: the booked time is over. Book a new callback."),
}
