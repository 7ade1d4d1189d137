"""The life of a request: its states, and the one table of allowed moves."""

from __future__ import annotations

from enum import StrEnum

from people.errors import NoLonger


class State(StrEnum):
    """Where a request stands."""

    ASKED = "asked"
    APPROVED = "approved"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VOID = "void"


#: From each state, the states that may follow. What was approved and waits for its command falls
#: back to asked when an approval no longer counts.
MOVES: dict[State, frozenset[State]] = {
    State.ASKED: frozenset(
        {State.APPROVED, State.REFUSED, State.WITHDRAWN, State.EXPIRED, State.VOID}
    ),
    State.APPROVED: frozenset(
        {State.ASKED, State.DONE, State.REFUSED, State.WITHDRAWN, State.EXPIRED, State.VOID}
    ),
    State.DONE: frozenset(),
    State.REFUSED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.EXPIRED: frozenset(),
    State.VOID: frozenset(),
}
OPEN = (State.ASKED, State.APPROVED)

_WORDS = {
    State.ASKED: "waits for approval",
    State.APPROVED: "is approved already",
    State.DONE: "is done already",
    State.REFUSED: "was refused",
    State.WITHDRAWN: "was withdrawn",
    State.EXPIRED: "is too old: ask again",
    State.VOID: "can come to nothing any more",
}


def require_move(current: State, wanted: State) -> None:
    """Raise :class:`NoLonger` unless ``wanted`` may follow ``current``."""
    if wanted not in MOVES[current]:
        raise NoLonger(f"This request {_WORDS[current]}.")
