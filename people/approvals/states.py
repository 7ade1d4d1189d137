"""The states of a request, and the table of allowed moves."""

from __future__ import annotations

from enum import StrEnum

from people.error_codes import PeopleErrorCode
from people.errors import Conflict


class RequestState(StrEnum):
    """The state of a request."""

    ASKED = "asked"
    APPROVED = "approved"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VOID = "void"


#: From each state, the states that may follow. An approved request that waits for its command falls
#: back to asked when an approval is no longer valid.
MOVES: dict[RequestState, frozenset[RequestState]] = {
    RequestState.ASKED: frozenset(
        {
            RequestState.APPROVED,
            RequestState.REFUSED,
            RequestState.WITHDRAWN,
            RequestState.EXPIRED,
            RequestState.VOID,
        }
    ),
    RequestState.APPROVED: frozenset(
        {
            RequestState.ASKED,
            RequestState.DONE,
            RequestState.REFUSED,
            RequestState.WITHDRAWN,
            RequestState.EXPIRED,
            RequestState.VOID,
        }
    ),
    RequestState.DONE: frozenset(),
    RequestState.REFUSED: frozenset(),
    RequestState.WITHDRAWN: frozenset(),
    RequestState.EXPIRED: frozenset(),
    RequestState.VOID: frozenset(),
}
OPEN_STATES = (RequestState.ASKED, RequestState.APPROVED)

_STATE_CODES = {
    RequestState.ASKED: PeopleErrorCode.REQUEST_WAITS,
    RequestState.APPROVED: PeopleErrorCode.REQUEST_APPROVED_ALREADY,
    RequestState.DONE: PeopleErrorCode.REQUEST_DONE_ALREADY,
    RequestState.REFUSED: PeopleErrorCode.REQUEST_REFUSED,
    RequestState.WITHDRAWN: PeopleErrorCode.REQUEST_WITHDRAWN,
    RequestState.EXPIRED: PeopleErrorCode.REQUEST_EXPIRED,
    RequestState.VOID: PeopleErrorCode.REQUEST_VOID,
}


def require_request_move(current: RequestState, wanted: RequestState) -> None:
    """Raise :class:`Conflict` unless ``wanted`` may follow ``current``."""
    if wanted not in MOVES[current]:
        raise Conflict(_STATE_CODES[current])
