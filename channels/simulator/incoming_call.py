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
_EVENTS = {
    "answer": (CallState.ANSWERED, CallState.LIVE),
    "decline": (CallState.BUSY,),
    "ignore": (CallState.NO_ANSWER,),
    "voicemail": (CallState.ANSWERED, CallState.VOICEMAIL),
    "hang_up": (CallState.ENDED,),
}
_ON = (CallState.ANSWERED, CallState.LIVE)


@dataclass(frozen=True)
class Incoming:
    """``stage`` is ``notice`` (a call by another phone), ``ringing`` or ``on``."""

    stage: str
    acts: list[tuple[str, str]]


def of(session: Session, number: str, now: datetime) -> Incoming | None:
    """What this phone shows of a call to it."""
    callback = call_session.ringing_now(session, number, now)
    if callback is None:
        return None
    call = call_queue.latest(session, callback.id)
    if call is None:
        return Incoming("notice", [])
    acts = _acts(call)
    return Incoming("on" if call.state in _ON else "ringing", acts) if acts else None


def act(session: Session, number: str, what: str, policy: Policy, now: datetime) -> None:
    """Do one of the acts that are offered; anything else changes nothing."""
    callback = call_session.ringing_now(session, number, now)
    call = call_queue.latest(session, callback.id) if callback else None
    if call is None or what not in dict(_acts(call)):
        return
    for state in _EVENTS[what]:
        bridged_calls.told(session, call.id, state, policy, now)


def _acts(call: PhoneCall) -> list[tuple[str, str]]:
    if call.state == CallState.RINGING:
        return [
            ("answer", gettext("Answer")),
            ("decline", gettext("Decline")),
            ("voicemail", gettext("Voicemail")),
            ("ignore", gettext("Let it ring")),
        ]
    return [("hang_up", gettext("Hang up"))] if call.state in _ON else []
