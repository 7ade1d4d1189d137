"""The life of a callback: its states, and the one table of allowed moves."""

from __future__ import annotations

from enum import StrEnum

from scheduling.errors import WrongState


class State(StrEnum):
    """Where a callback stands."""

    BOOKED = "booked"
    STARTED = "started"
    CONFIRMED = "confirmed"
    ENDED = "ended"
    MISSED = "missed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


#: From each state, the states that may follow. What was missed or cancelled can be booked anew;
#: what the customer refused, nobody brings back.
MOVES: dict[State, frozenset[State]] = {
    State.BOOKED: frozenset({State.STARTED, State.MISSED, State.REFUSED, State.CANCELLED}),
    State.STARTED: frozenset({State.CONFIRMED, State.ENDED}),
    State.CONFIRMED: frozenset({State.ENDED}),
    State.ENDED: frozenset(),
    State.MISSED: frozenset({State.BOOKED}),
    State.REFUSED: frozenset(),
    State.CANCELLED: frozenset({State.BOOKED}),
}

#: States in which the agent is, or may be, on the phone with the customer.
LIVE = (State.STARTED, State.CONFIRMED)

_WORDS = {
    State.BOOKED: "is booked and has not started",
    State.STARTED: "has started",
    State.CONFIRMED: "has been confirmed by the customer",
    State.ENDED: "has ended",
    State.MISSED: "was missed",
    State.REFUSED: "was refused by the customer",
    State.CANCELLED: "was cancelled",
}


def require_move(current: State, wanted: State) -> None:
    """Raise :class:`WrongState` unless ``wanted`` may follow ``current``."""
    if wanted not in MOVES[current]:
        raise WrongState(f"This callback {_WORDS[current]}.")


def require(current: State, *allowed: State) -> None:
    """Raise :class:`WrongState` unless the callback is in one of the allowed states."""
    if current not in allowed:
        raise WrongState(f"This callback {_WORDS[current]}.")


class Outcome(StrEnum):
    """How a call went, as its agent says at its end."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    WRONG_NUMBER = "wrong_number"
    REFUSED = "refused"
    NOT_CONFIRMED = "not_confirmed"
