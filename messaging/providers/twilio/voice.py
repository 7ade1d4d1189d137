"""Calls by Twilio, through its official client: bridged ones, and ones that speak a message."""

from __future__ import annotations

from datetime import datetime

from twilio.base.exceptions import TwilioRestException

from messaging.call_states import CallState
from messaging.providers.base import OutboundMessage, Unavailable
from messaging.providers.twilio.client import (
    CLOCK_SKEW,
    LOOK_BACK,
    UNCLEAR_ERRORS,
    make_client,
    with_mapped_errors,
)
from messaging.providers.voice_base import OutboundCall

RING_SECONDS, MESSAGE_RING_SECONDS = 30, 40
_NO_LIVE_CALL = frozenset({404, 400})  # ended already, or never existed


class TwilioVoiceProvider:
    """Places calls; when one is answered, Twilio asks our webhooks what to do."""

    placed = CallState.RINGING_YOU

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        from_number: str,
        base_url: str,
        api_base: str,
        name: str = "twilio",
        connections: int = 10,
    ) -> None:
        self.name = name
        self._client = make_client(account_sid, auth_token, api_base, connections)
        self._from, self._base = from_number, base_url

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:  # noqa: ARG002 (the protocol's)
        """Place a call; our webhook returns the message after a keypress."""
        return with_mapped_errors(lambda: self._create_message_call(letter))

    def _create_message_call(self, letter: OutboundMessage) -> str:
        call = self._client.calls.create(
            to=letter.to,
            from_=self._from,
            url=f"{self._base}/twilio/voice/spoken/{letter.reference}",
            timeout=MESSAGE_RING_SECONDS,
        )
        return str(call.sid)

    def find_message(self, letter: OutboundMessage) -> str | None:
        """Return a call of ours to this number that is not a leg of a bridged call."""
        try:
            calls = self._client.calls.list(to=letter.to, limit=LOOK_BACK)
        except UNCLEAR_ERRORS as error:
            raise Unavailable from error
        since = letter.first_tried_at - CLOCK_SKEW
        for call in calls:
            late = call.date_created is None or call.date_created >= since
            if late and not call.parent_call_sid:
                return str(call.sid)
        return None

    def place_call(self, call: OutboundCall) -> str:
        return with_mapped_errors(lambda: self._create_bridged_call(call))

    def _create_bridged_call(self, call: OutboundCall) -> str:
        placed_call = self._client.calls.create(
            to=call.to,
            from_=self._from,
            url=f"{self._base}/twilio/voice/bridge/{call.reference}",
            status_callback=f"{self._base}/twilio/status/call?call={call.reference}&leg=agent",
            status_callback_event=["initiated", "ringing", "answered", "completed"],
            timeout=RING_SECONDS,
        )
        return str(placed_call.sid)

    def find_placed_call(self, call: OutboundCall) -> str | None:
        try:
            since = call.first_tried_at - CLOCK_SKEW
            # Newest first. The provider's time filter omits calls that do not ring yet.
            calls = self._client.calls.list(to=call.to, limit=LOOK_BACK)
        except UNCLEAR_ERRORS as error:
            raise Unavailable from error
        for candidate in calls:
            late = candidate.date_created is None or candidate.date_created >= since
            if late and str(candidate.sid) not in call.known:
                return str(candidate.sid)
        return None

    def hang_up(self, provider_id: str) -> None:
        try:
            self._client.calls(provider_id).update(status="completed")
        except TwilioRestException as error:
            if error.status not in _NO_LIVE_CALL:
                raise Unavailable from error
        except UNCLEAR_ERRORS as error:
            raise Unavailable from error
