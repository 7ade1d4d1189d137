"""How far a bridged call got. A report can only push it further along one line, so that the same
reports end at the same state in whatever order and however often they come."""

from __future__ import annotations

from enum import StrEnum


class CallState(StrEnum):
    """From the first to the furthest; what comes later here outweighs what comes before."""

    WANTED = "wanted"
    DIALLING = "dialling"
    RINGING_YOU = "ringing_you"
    AGENT_ON = "agent_on"
    RINGING = "ringing"
    ANSWERED = "answered"
    LIVE = "live"
    HUNG_UP = "hung_up"
    FAILED = "failed"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    ENDED = "ended"
    VOICEMAIL = "voicemail"


STATE_ORDER = tuple(CallState)
STATE_RANK = {state: rank for rank, state in enumerate(STATE_ORDER)}
#: Nobody is on the line any more, or should be.
OVER_STATES = frozenset(STATE_ORDER[STATE_RANK[CallState.HUNG_UP] :])
#: Over without the customer: the agent may ring again.
MISSED_STATES = frozenset(
    {CallState.HUNG_UP, CallState.FAILED, CallState.BUSY, CallState.NO_ANSWER}
)


def furthest_state(current: CallState, told: CallState) -> CallState:
    """The state after a report: whichever of both is further, never back."""
    return max(current, told, key=STATE_RANK.__getitem__)
