"""The incoming call on a simulated phone. Its actions cause the same events as a provider's
webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext
from sqlmodel import Session

from messaging import call_queue
from messaging.call_states import CallState
from messaging.models import PhoneCall
from scheduling.policy import Policy
from verification import bridged_calls, call_status

#: The call states the provider reports for each action, in order.
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
    """An incoming call. ``stage`` is ``notice`` (a call by another phone), ``ringing`` or
    ``on``."""

    stage: str
    acts: list[tuple[str, str]]


def find_incoming_call(session: Session, number: str, now: datetime) -> IncomingCall | None:
    """Return the call that this phone shows; None if there is none."""
    callback = call_status.find_active_call(session, number, now)
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
    """Apply one of the offered actions; ignore any other."""
    callback = call_status.find_active_call(session, number, now)
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
