"""Sentences of the codes in ``scheduling/error_codes.py``."""

from __future__ import annotations

from collections.abc import Mapping

from config.domain_errors import ErrorCode
from scheduling.error_codes import SchedulingErrorCode as Code

N_ = str

SENTENCES: Mapping[ErrorCode, str] = {
    Code.AGENT_CALLBACK_NOT_FOUND: N_("This agent has no such callback."),
    Code.AGENT_HAS_CALLBACK_ALREADY: N_("This agent has the callback already. Choose another."),
    Code.AGENT_NOT_FOUND: N_("There is no such agent."),
    Code.ASSIGNMENT_UNKNOWN: N_("Choose how calls are shared out."),
    Code.BUFFER_OUT_OF_RANGE: N_("Write minutes from 0 to %(most)s."),
    Code.CALLBACK_BOOKED: N_("This callback is booked and has not started."),
    Code.CALLBACK_CANCELLED: N_("This callback was cancelled."),
    Code.CALLBACK_CONFIRMED: N_("This callback has been confirmed by the customer."),
    Code.CALLBACK_ENDED: N_("This callback has ended."),
    Code.CALLBACK_MISSED: N_("This callback was missed."),
    Code.CALLBACK_NOT_FOUND: N_("You have no such callback."),
    Code.CALLBACK_REFUSED: N_("This callback was refused by the customer."),
    Code.CALLBACK_STARTED: N_("This callback has started."),
    Code.CALL_LENGTH_OUT_OF_RANGE: N_("A call takes from %(least)s to %(most)s minutes."),
    Code.CAPACITY_INVALID: N_("Write how many calls at a time, or nothing for any number."),
    Code.CUSTOMER_DATA_GONE: N_("This customer's data has been erased. Book a new callback."),
    Code.DAYS_OFF_END_BEFORE_BEGIN: N_("The last day off must not be before the first."),
    Code.HOLIDAY_REGION_UNKNOWN: N_(
        "Write a country like GB, or a country and region like GB-ENG."
    ),
    Code.HOURS_END_BEFORE_BEGIN: N_("Working hours must end later than they begin."),
    Code.IDEMPOTENCY_KEY_INVALID: N_("Use a key of 1 to 255 printable characters."),
    Code.IDEMPOTENCY_KEY_REUSED: N_("This key was used for another request. Use a new one."),
    Code.NOBODY_ELSE_FREE_SOON: N_(
        "Nobody else is free within two weeks of this time. Call it off."
    ),
    Code.NOBODY_ELSE_FREE_THEN: N_(
        "Nobody else is free at this time. Book another time, or call it off."
    ),
    Code.NOBODY_FREE_SOON: N_("Nobody is free within two weeks of this time."),
    Code.NOBODY_FREE_THEN: N_("Nobody is free at this time."),
    Code.NOTICE_TOO_SHORT: N_(
        "Leave at least %(minutes)s minutes, so that the customer can be told."
    ),
    Code.NUMBER_CHANGE_ON_HOLD: N_(
        "The customer's number was changed a short while ago. Until the waiting time is"
        " over, no call to the new number can be booked or started."
    ),
    Code.OFFER_PAST: N_("This time has passed."),
    Code.OWN_CALL_NOT_FOUND: N_("You have no such call."),
    Code.SKILLS_INVALID: N_("Write up to 20 words with commas between them, like: de, en."),
    Code.SLOT_ALREADY_TAKEN: N_("This time is already taken."),
    Code.SLOT_CUSTOMER_OR_TEAM_BUSY: N_("The customer or the team has another call at this time."),
    Code.SLOT_OUTSIDE_CALLING_HOURS: N_(
        "It is too early or too late in the day where the customer lives."
    ),
    Code.SLOT_OUTSIDE_WORKING_HOURS: N_("This time is outside the agent's working hours."),
    Code.TEAM_NAME_TAKEN: N_("Another team has this name."),
    Code.TEAM_NOT_FOUND: N_("There is no such team."),
    Code.TEAM_UNKNOWN: N_("Choose a team from the list."),
    Code.TICKET_NOT_FOUND: N_("We have no such ticket. For a new customer: %(problem)s"),
    Code.TIME_AMBIGUOUS: N_("%(at)s occurs twice on %(on)s: the clocks go back. Choose which one."),
    Code.TIME_NOT_ON_MINUTE: N_("Choose a time on a full minute."),
    Code.TIME_OFF_NOT_FOUND: N_("There is no such time off."),
    Code.TIME_PAST: N_("This time is past. Choose a later one."),
    Code.TIME_SKIPPED: N_(
        "There is no %(at)s on %(on)s: the clocks go forward. Choose another time."
    ),
    Code.TOO_FAR_AHEAD: N_("Book at most %(days)s days ahead."),
}
