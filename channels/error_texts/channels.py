"""Sentences of the codes in ``channels/error_codes.py``."""

from __future__ import annotations

from collections.abc import Mapping

from channels.error_codes import ChannelErrorCode as Code
from config.domain_errors import ErrorCode

N_ = str

SENTENCES: Mapping[ErrorCode, str] = {
    Code.ACT_UNKNOWN: N_("Choose what was done from the list."),
    Code.CALL_DAY_MISSING: N_("Choose the day of the call."),
    Code.CALL_DAY_OUT_OF_RANGE: N_("Choose the day of the call. It cannot be in the future."),
    Code.CASES_VIEW_UNKNOWN: N_("Choose open, mine or closed."),
    Code.CASE_REFERENCE_INVALID: N_("Write a case's reference, like C2345678."),
    Code.CHECKPOINT_FILE_INVALID: N_("This file holds no checkpoints, or was cut."),
    Code.CHECK_NUMBER_LENGTH_WRONG: N_("The check number has %(digits)s digits. Type just those."),
    Code.CHOICE_UNKNOWN: N_("Choose one from the list."),
    Code.CUSTOMER_GIVEN_TWICE: N_("Give either customer or customer_id."),
    Code.CUSTOMER_NOT_FOUND: N_("You have no such customer."),
    Code.CUSTOMER_PAIR_UNKNOWN: N_(
        "No customer has both this reference and this number. Nobody is erased."
    ),
    Code.CUSTOMER_UNKNOWN: N_("There is no such customer. Give --reference or --phone."),
    Code.DAY_INVALID: N_("Write the day like 2026-11-24."),
    Code.ERASED_CUSTOMER_UNKNOWN: N_("No customer has this reference or number. Write it exactly."),
    Code.FORM_BOOKED_ALREADY: N_(
        "This form has booked a call already. To book another, press Book once more."
    ),
    Code.HOURS_END_TOO_EARLY: N_("These hours end before they begin. Split a night at 24:00."),
    Code.HOURS_INVALID: N_("Write hours like 09:00-12:30, 13:30-17:00, or nothing for a day off."),
    Code.HOURS_OVERLAP: N_("These hours overlap."),
    Code.KNOWN_CUSTOMER_ERASED: N_("This customer's data has been erased. Book with their number."),
    Code.LAST_DAY_BEFORE_FIRST: N_("The last day is before the first."),
    Code.LENGTH_INVALID: N_("Write the length in minutes, like 15."),
    Code.MEMBER_NOT_FOUND: N_("There is no such member of staff."),
    Code.NUMBER_NOT_WHOLE: N_("Write a whole number."),
    Code.OPENING_UNKNOWN: N_("Choose one of the openings on the page."),
    Code.PAGE_OF_OTHER_ROLE: N_("You do not have access to this page. It is for: %(roles)s."),
    Code.PAGE_UNKNOWN: N_("There is no such page."),
    Code.PERSON_NOT_NAMED: N_("Name this person in the case first."),
    Code.RANGE_ENDS_BEFORE_BEGIN: N_("Give an end that is later than the beginning."),
    Code.RANGE_TOO_LONG: N_("Ask for at most %(days)s days at once."),
    Code.SHOWN_NUMBER_TOO_LONG: N_("This number is too long."),
    Code.STAFF_ADDRESS_UNKNOWN: N_("There is no active member of staff with this address."),
    Code.TIME_MISSING: N_("Choose a time, or write a day and time."),
    Code.TIME_NOT_OFFERED: N_("Choose one of the times offered."),
    Code.TIME_OF_DAY_INVALID: N_("Write the time like 14:00."),
    Code.TOKEN_ROLE_WRONG: N_("This is for staff with the role %(role)s."),
    Code.TOO_MANY_CALLS_BOOKED: N_("Three calls are booked already."),
    Code.TOO_MANY_WORDS: N_("Please use fewer words."),
}
