"""States of bridged calls, in a total order.

A report can only advance the state, so the same reports give the same result in any order and with
any repetition.
"""

from __future__ import annotations

from enum import StrEnum


class CallState(StrEnum):
    """States from first to last; a later one in this list takes precedence."""

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
#: The call has ended or must end.
OVER_STATES = frozenset(STATE_ORDER[STATE_RANK[CallState.HUNG_UP] :])
#: Ended without reaching the customer: the agent may call again.
MISSED_STATES = frozenset(
    {CallState.HUNG_UP, CallState.FAILED, CallState.BUSY, CallState.NO_ANSWER}
)


def furthest_state(current: CallState, told: CallState) -> CallState:
    """Return the later one of the current and the reported state."""
    return max(current, told, key=STATE_RANK.__getitem__)
