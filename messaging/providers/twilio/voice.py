"""Calls by Twilio, through its official client."""

from __future__ import annotations

import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from messaging.call_states import CallState
from messaging.providers.base import OutcomeUnknown, Rejected, Unavailable
from messaging.providers.twilio.sms import (
    CLOCK_SKEW,
    LOOK_BACK,
    PERMANENT_ERRORS,
    TIMEOUT_SECONDS,
    UNCLEAR_ERRORS,
)
from messaging.providers.voice_base import OutboundCall

RING_SECONDS = 30
_NO_LIVE_CALL = frozenset({404, 400})  # ended already, or never existed


class TwilioVoiceProvider:
    """Calls the agent; when the call is answered, Twilio asks our webhooks what to do."""

    placed = CallState.RINGING_YOU

    def __init__(
        self, account_sid: str, auth_token: str, *, from_number: str, base_url: str, api_base: str
    ) -> None:
        http = TwilioHttpClient(pool_connections=True, timeout=TIMEOUT_SECONDS)
        self._client = Client(account_sid, auth_token, http_client=http)
        if api_base:
            self._client.api.base_url = api_base.rstrip("/")
        self._from, self._base = from_number, base_url

    def place_call(self, call: OutboundCall) -> str:
        try:
            placed_call = self._client.calls.create(
                to=call.to,
                from_=self._from,
                url=f"{self._base}/twilio/voice/bridge/{call.reference}",
                status_callback=f"{self._base}/twilio/status/call?call={call.reference}&leg=agent",
                status_callback_event=["initiated", "ringing", "answered", "completed"],
                timeout=RING_SECONDS,
            )
        except TwilioRestException as error:
            raise _map_twilio_call_error(error) from error
        except requests.ConnectTimeout as error:
            raise Unavailable from error
        except UNCLEAR_ERRORS as error:
            raise OutcomeUnknown from error
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


def _map_twilio_call_error(error: TwilioRestException) -> Exception:
    if error.code in PERMANENT_ERRORS:
        return Rejected(PERMANENT_ERRORS[error.code])
    if error.status == 429 or error.status in (401, 403):
        return Unavailable()
    if error.status >= 500:
        return OutcomeUnknown()
    return Rejected(f"provider_{error.code or error.status}")
