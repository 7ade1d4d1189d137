"""The states of a callback, and the table of allowed transitions."""

from __future__ import annotations

from enum import StrEnum

from scheduling.error_codes import SchedulingErrorCode
from scheduling.errors import WrongState


class CallbackState(StrEnum):
    """The state of a callback."""

    BOOKED = "booked"
    STARTED = "started"
    CONFIRMED = "confirmed"
    ENDED = "ended"
    MISSED = "missed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


#: From each state, the states that may follow. A missed or cancelled callback can be booked again;
#: a refused one cannot.
TRANSITIONS: dict[CallbackState, frozenset[CallbackState]] = {
    CallbackState.BOOKED: frozenset(
        {
            CallbackState.STARTED,
            CallbackState.MISSED,
            CallbackState.REFUSED,
            CallbackState.CANCELLED,
        }
    ),
    CallbackState.STARTED: frozenset({CallbackState.CONFIRMED, CallbackState.ENDED}),
    CallbackState.CONFIRMED: frozenset({CallbackState.ENDED}),
    CallbackState.ENDED: frozenset(),
    CallbackState.MISSED: frozenset({CallbackState.BOOKED}),
    CallbackState.REFUSED: frozenset(),
    CallbackState.CANCELLED: frozenset({CallbackState.BOOKED}),
}

#: States in which the agent is, or may be, on the phone with the customer.
LIVE_STATES = (CallbackState.STARTED, CallbackState.CONFIRMED)

_STATE_CODES = {
    CallbackState.BOOKED: SchedulingErrorCode.CALLBACK_BOOKED,
    CallbackState.STARTED: SchedulingErrorCode.CALLBACK_STARTED,
    CallbackState.CONFIRMED: SchedulingErrorCode.CALLBACK_CONFIRMED,
    CallbackState.ENDED: SchedulingErrorCode.CALLBACK_ENDED,
    CallbackState.MISSED: SchedulingErrorCode.CALLBACK_MISSED,
    CallbackState.REFUSED: SchedulingErrorCode.CALLBACK_REFUSED,
    CallbackState.CANCELLED: SchedulingErrorCode.CALLBACK_CANCELLED,
}


def require_transition(current: CallbackState, wanted: CallbackState) -> None:
    """Raise :class:`WrongState` unless ``wanted`` may follow ``current``."""
    if wanted not in TRANSITIONS[current]:
        raise WrongState(_STATE_CODES[current])


def require_state(current: CallbackState, *allowed: CallbackState) -> None:
    """Raise :class:`WrongState` unless ``current`` is one of the allowed states."""
    if current not in allowed:
        raise WrongState(_STATE_CODES[current])


class CallOutcome(StrEnum):
    """The outcome of a call, as its agent reports it at the end."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    WRONG_NUMBER = "wrong_number"
    REFUSED = "refused"
    NOT_CONFIRMED = "not_confirmed"
