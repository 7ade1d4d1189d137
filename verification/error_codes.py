"""Codes of domain errors of calls. Their sentences are in
``channels/error_texts/verification.py``."""

from __future__ import annotations

from config.domain_errors import ErrorCode


class VerificationErrorCode(ErrorCode):
    """Why something is refused."""

    AGENT_PHONE_MISSING = "agent_phone_missing"
    ANOTHER_CALL_GOING_ON = "another_call_going_on"
    BOOKED_TIME_OVER = "booked_time_over"
    CALL_HAS_ENDED = "call_has_ended"
    CALL_NOT_REPEATABLE = "call_not_repeatable"
    CALL_ON_PHONE = "call_on_phone"
    CALL_TAMPERED = "call_tampered"
    CHECK_NUMBER_EXPIRED = "check_number_expired"
    CUSTOMER_NOT_ON_PHONE = "customer_not_on_phone"
    NO_CHECK_NUMBERS_LEFT = "no_check_numbers_left"
    OUTCOME_UNKNOWN = "outcome_unknown"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
