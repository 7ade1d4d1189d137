"""Codes of domain errors of what a form, an address or a command holds. Their sentences are in
``channels/error_texts/channels.py``."""

from __future__ import annotations

from config.domain_errors import ErrorCode


class ChannelErrorCode(ErrorCode):
    """Why something is refused."""

    ACT_UNKNOWN = "act_unknown"
    CALL_DAY_MISSING = "call_day_missing"
    CALL_DAY_OUT_OF_RANGE = "call_day_out_of_range"
    CASES_VIEW_UNKNOWN = "cases_view_unknown"
    CASE_REFERENCE_INVALID = "case_reference_invalid"
    CHECKPOINT_FILE_INVALID = "checkpoint_file_invalid"
    CHECK_NUMBER_LENGTH_WRONG = "check_number_length_wrong"
    CHOICE_UNKNOWN = "choice_unknown"
    CUSTOMER_GIVEN_TWICE = "customer_given_twice"
    CUSTOMER_NOT_FOUND = "customer_not_found"
    CUSTOMER_PAIR_UNKNOWN = "customer_pair_unknown"
    CUSTOMER_UNKNOWN = "customer_unknown"
    DAY_INVALID = "day_invalid"
    ERASED_CUSTOMER_UNKNOWN = "erased_customer_unknown"
    FORM_BOOKED_ALREADY = "form_booked_already"
    HOURS_END_TOO_EARLY = "hours_end_too_early"
    HOURS_INVALID = "hours_invalid"
    HOURS_OVERLAP = "hours_overlap"
    KNOWN_CUSTOMER_ERASED = "known_customer_erased"
    LAST_DAY_BEFORE_FIRST = "last_day_before_first"
    LENGTH_INVALID = "length_invalid"
    MEMBER_NOT_FOUND = "member_not_found"
    NUMBER_NOT_WHOLE = "number_not_whole"
    OPENING_UNKNOWN = "opening_unknown"
    PAGE_OF_OTHER_ROLE = "page_of_other_role"
    PAGE_UNKNOWN = "page_unknown"
    PERSON_NOT_NAMED = "person_not_named"
    RANGE_ENDS_BEFORE_BEGIN = "range_ends_before_begin"
    RANGE_TOO_LONG = "range_too_long"
    SHOWN_NUMBER_TOO_LONG = "shown_number_too_long"
    STAFF_ADDRESS_UNKNOWN = "staff_address_unknown"
    TIME_MISSING = "time_missing"
    TIME_NOT_OFFERED = "time_not_offered"
    TIME_OF_DAY_INVALID = "time_of_day_invalid"
    TOKEN_ROLE_WRONG = "token_role_wrong"
    TOO_MANY_CALLS_BOOKED = "too_many_calls_booked"
    TOO_MANY_WORDS = "too_many_words"
