"""The call that is coming in on a simulated phone, and what its owner does with it: the same
events as a provider's webhooks tell of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext
from sqlmodel import Session

from messaging import call_queue
from messaging.call_states import CallState
from messaging.models import PhoneCall
from scheduling.policy import Policy
from verification import bridged_calls, call_session

#: What each act makes the provider say, in this order.
_STATES_BY_ACTION = {
    "answer": (CallState.ANSWERED, CallState.LIVE),
    "decline": (CallState.BUSY,),
    "ignore": (CallState.NO_ANSWER,),
    "voicemail": (CallState.ANSWERED, CallState.VOICEMAIL),
    "hang_up": (CallState.ENDED,),
}
_CONNECTED_STATES = (CallState.ANSWERED, CallState.LIVE)


@dataclass(frozen=True)
class IncomingCall:
    """``stage`` is ``notice`` (a call by another phone), ``ringing`` or ``on``."""

    stage: str
    acts: list[tuple[str, str]]


def find_incoming_call(session: Session, number: str, now: datetime) -> IncomingCall | None:
    """What this phone shows of a call to it."""
    callback = call_session.find_active_call(session, number, now)
    if callback is None:
        return None
    call = call_queue.find_latest_call(session, callback.id)
    if call is None:
        return IncomingCall("notice", [])
    acts = _available_phone_actions(call)
    return (
        IncomingCall("on" if call.state in _CONNECTED_STATES else "ringing", acts) if acts else None
    )


def apply_phone_action(
    session: Session, number: str, what: str, policy: Policy, now: datetime
) -> None:
    """Do one of the acts that are offered; anything else changes nothing."""
    callback = call_session.find_active_call(session, number, now)
    call = call_queue.find_latest_call(session, callback.id) if callback else None
    if call is None or what not in dict(_available_phone_actions(call)):
        return
    for state in _STATES_BY_ACTION[what]:
        bridged_calls.record_call_progress(session, call.id, state, policy, now)


def _available_phone_actions(call: PhoneCall) -> list[tuple[str, str]]:
    if call.state == CallState.RINGING:
        return [
            ("answer", gettext("Answer")),
            ("decline", gettext("Decline")),
            ("voicemail", gettext("Voicemail")),
            ("ignore", gettext("Let it ring")),
        ]
    return [("hang_up", gettext("Hang up"))] if call.state in _CONNECTED_STATES else []
