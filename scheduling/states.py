"""The states of a callback, and the table of allowed transitions."""

from __future__ import annotations

from enum import StrEnum

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

_STATE_DESCRIPTIONS = {
    CallbackState.BOOKED: "is booked and has not started",
    CallbackState.STARTED: "has started",
    CallbackState.CONFIRMED: "has been confirmed by the customer",
    CallbackState.ENDED: "has ended",
    CallbackState.MISSED: "was missed",
    CallbackState.REFUSED: "was refused by the customer",
    CallbackState.CANCELLED: "was cancelled",
}


def require_transition(current: CallbackState, wanted: CallbackState) -> None:
    """Raise :class:`WrongState` unless ``wanted`` may follow ``current``."""
    if wanted not in TRANSITIONS[current]:
        raise WrongState(f"This callback {_STATE_DESCRIPTIONS[current]}.")


def require_state(current: CallbackState, *allowed: CallbackState) -> None:
    """Raise :class:`WrongState` unless ``current`` is one of the allowed states."""
    if current not in allowed:
        raise WrongState(f"This callback {_STATE_DESCRIPTIONS[current]}.")


class CallOutcome(StrEnum):
    """The outcome of a call, as its agent reports it at the end."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    WRONG_NUMBER = "wrong_number"
    REFUSED = "refused"
    NOT_CONFIRMED = "not_confirmed"
