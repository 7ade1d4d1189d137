"""Translated labels for states, outcomes and channels. Each state has a label, an icon and a
colour."""

from __future__ import annotations

from flask_babel import gettext

from messaging.call_states import CallState
from people.customers.lookup_purposes import CONSOLE_PURPOSES, LookupPurpose
from people.models import Role
from scheduling.states import CallbackState, CallOutcome

#: The icon of each state, in ``console/_icons.html``; CSS picks the colour by the state's name.
ICONS = {
    CallbackState.BOOKED: "clock",
    CallbackState.STARTED: "wait",
    CallbackState.CONFIRMED: "tick",
    CallbackState.ENDED: "done",
    CallbackState.MISSED: "gap",
    CallbackState.REFUSED: "cross",
    CallbackState.CANCELLED: "cross",
}


def describe_callback_state(value: CallbackState) -> str:
    return {
        CallbackState.BOOKED: gettext("Booked"),
        CallbackState.STARTED: gettext("Calling, not confirmed yet"),
        CallbackState.CONFIRMED: gettext("Confirmed"),
        CallbackState.ENDED: gettext("Ended"),
        CallbackState.MISSED: gettext("Missed"),
        CallbackState.REFUSED: gettext("Refused by the customer"),
        CallbackState.CANCELLED: gettext("Cancelled"),
    }[value]


def describe_call_outcome(value: str) -> str:
    return {
        CallOutcome.REACHED: gettext("Reached"),
        CallOutcome.NO_ANSWER: gettext("No answer"),
        CallOutcome.VOICEMAIL: gettext("Voicemail"),
        CallOutcome.WRONG_NUMBER: gettext("Wrong number"),
        CallOutcome.REFUSED: gettext("Did not want to talk"),
        CallOutcome.NOT_CONFIRMED: gettext("Could not or would not check us"),
    }[CallOutcome(value)]


def list_call_outcomes() -> list[tuple[str, str]]:
    """Return the (value, label) pairs an agent chooses from at the end of a call."""
    return [(outcome.value, describe_call_outcome(outcome)) for outcome in CallOutcome]


def describe_channel(value: str | None) -> str:
    return {
        "text": gettext("by text message"),
        "web": gettext("on our page"),
        "api": gettext("in our app"),
        "keypad": gettext("by phone keypad"),
    }.get(value or "", "")


def describe_call_state(value: CallState) -> str:
    return {
        CallState.WANTED: gettext("Ringing you"),
        CallState.DIALLING: gettext("Ringing you"),
        CallState.RINGING_YOU: gettext("Ringing you"),
        CallState.AGENT_ON: gettext("Press 1 on your phone to ring the customer"),
        CallState.RINGING: gettext("Ringing the customer"),
        CallState.ANSWERED: gettext("Answered: hearing whether it is a person"),
        CallState.LIVE: gettext("On the phone"),
        CallState.HUNG_UP: gettext("Your phone hung up"),
        CallState.FAILED: gettext("The call failed"),
        CallState.BUSY: gettext("Busy"),
        CallState.NO_ANSWER: gettext("No answer"),
        CallState.ENDED: gettext("The call is over"),
        CallState.VOICEMAIL: gettext("Voicemail"),
    }[value]


def describe_call_error(value: str | None) -> str:
    """Return why a call failed, for the agent."""
    known = {
        "too_late": gettext("It could not be placed within a minute."),
        "ceiling": gettext("The ceiling on spending is reached."),
        "agent_busy": gettext("Your own phone was busy."),
        "agent_no-answer": gettext("You did not pick up."),
    }
    return known.get(value or "", gettext("Reason: %(code)s.", code=value) if value else "")


def describe_role(value: Role) -> str:
    return {
        Role.AGENT: gettext("agent"),
        Role.SUPERVISOR: gettext("supervisor"),
        Role.INVESTIGATOR: gettext("investigator"),
    }[value]


def describe_lookup_purpose(value: LookupPurpose) -> str:
    """Return why a customer was looked up."""
    return {
        LookupPurpose.ASKED: gettext("The customer asks for a call"),
        LookupPurpose.ANSWER: gettext("We owe them an answer"),
        LookupPurpose.GOES_ON: gettext("An earlier call goes on"),
        LookupPurpose.CHANGE: gettext("A booked call changes"),
        LookupPurpose.BOOKING: gettext("A call was booked"),
    }[value]


def list_lookup_purposes() -> list[tuple[str, str]]:
    """Return the (value, label) pairs an agent chooses from before a look-up."""
    return [(purpose.value, describe_lookup_purpose(purpose)) for purpose in CONSOLE_PURPOSES]


def describe_access_purpose(value: str) -> str:
    """Return the label of an access purpose as stored in the audit log."""
    if value in set(LookupPurpose):
        return describe_lookup_purpose(LookupPurpose(value))
    return {
        "card": gettext("The card of a callback"),
        "own day": gettext("My day"),
        "in the call": gettext("The call"),
        "to ring them": gettext("To ring the customer"),
        "API": gettext("The API"),
    }.get(value, value or "–")


def describe_report_channel(value: str) -> str:
    """Return how a report reached us."""
    return (
        {
            "voice": gettext("by phone"),
            "agent": gettext("taken by a colleague"),
        }.get(value)
        or describe_channel(value)
        or value
    )


def describe_requested_item(value: str) -> str:
    """Return the label of what a caller asked for or was given."""
    return {
        "code": gettext("code"),
        "password": gettext("password or PIN"),
        "remote": gettext("access to a computer or phone"),
        "money": gettext("money or gift cards"),
        "card": gettext("card or account"),
        "install": gettext("installing something"),
        "other": gettext("something else"),
        "nothing": gettext("nothing"),
    }.get(value, value)


def describe_claimed_identity(value: str) -> str:
    """Return who a caller claimed to be: a known label, or the reporter's own words."""
    return {
        "us": gettext("us"),
        "bank": gettext("a bank"),
        "police": gettext("the police"),
        "computer": gettext("a computer company"),
        "parcel": gettext("a shop or a parcel service"),
    }.get(value, value)


def quote_reporter(value: str) -> str:
    """Return text or figures in the reporter's own words, unchanged."""
    return value


def describe_known_detail(value: str) -> str:
    return {
        "name": gettext("name"),
        "phone": gettext("phone number"),
        "ticket": gettext("ticket"),
        "product": gettext("what they bought"),
        "address": gettext("address"),
        "other": gettext("something else"),
    }.get(value, value)
