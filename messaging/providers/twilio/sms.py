"""Texts by Twilio, through its official client.

Twilio documents no idempotency key for messages, so a try with an unknown outcome is looked up by
recipient, time and body before it is repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import requests
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from messaging.providers.base import VOICE, OutboundMessage, OutcomeUnknown, Rejected, Unavailable

TIMEOUT_SECONDS = 10.0
LOOK_BACK = 100  # more than are sent to one number within any lease
LONGEST_VALIDITY = 36_000  # seconds, the provider's own limit
RING_SECONDS = 40
_BUSY_PAUSE = timedelta(seconds=2)  # the client's errors do not say how long to wait
CLOCK_SKEW = timedelta(minutes=2)
#: No response, or an unreadable one. A rejected list request raises the client's base exception.
UNCLEAR_ERRORS = (requests.RequestException, TwilioException, ValueError)

#: Twilio's permanent error codes, mapped to our own.
PERMANENT_ERRORS = {
    21211: "invalid_number",
    21214: "invalid_number",
    21217: "invalid_number",
    21408: "country_not_enabled",
    21606: "sender_not_ours",
    21608: "trial_account",
    21610: "opted_out",
    21612: "unreachable",
    21614: "landline",
    21617: "too_long",
    30003: "unreachable",
    30004: "blocked",
    30005: "unknown_number",
    30006: "landline",
    30007: "filtered",
}


class TwilioSmsProvider:
    """A provider for Twilio's Programmable Messaging."""

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        from_number: str = "",
        messaging_service_sid: str = "",
        api_base: str = "",
        status_callback: str = "",
        voice_from: str = "",
        base_url: str = "",
        name: str = "twilio",
        connections: int = 10,
    ) -> None:
        self.name = name
        http = TwilioHttpClient(pool_connections=True, timeout=TIMEOUT_SECONDS)
        if http.session is not None:
            for scheme in ("https://", "http://"):
                http.session.mount(scheme, HTTPAdapter(pool_maxsize=connections))
        self._client = Client(account_sid, auth_token, http_client=http)
        if api_base:
            self._client.api.base_url = api_base.rstrip("/")
            self._client.lookups.base_url = api_base.rstrip("/")
        self._always: dict[str, str] = (
            {"messaging_service_sid": messaging_service_sid}
            if messaging_service_sid
            else {"from_": from_number}
        )
        self._voice_from, self._base = voice_from, base_url
        if status_callback:
            self._always["status_callback"] = status_callback

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:
        if letter.medium == VOICE:
            return self._with_mapped_errors(lambda: self._create_voice_message_call(letter))
        return self._with_mapped_errors(lambda: self._create_twilio_message(letter, now))

    def _create_twilio_message(self, letter: OutboundMessage, now: datetime) -> str:
        validity = (letter.expires_at - now) // timedelta(seconds=1)
        sent = self._client.messages.create(
            to=letter.to,
            body=letter.body,
            validity_period=max(1, min(validity, LONGEST_VALIDITY)),
            **self._always,
        )
        return str(sent.sid)

    def _create_voice_message_call(self, letter: OutboundMessage) -> str:
        """Place a call; our webhook returns the message after a keypress."""
        call = self._client.calls.create(
            to=letter.to,
            from_=self._voice_from,
            url=f"{self._base}/twilio/voice/spoken/{letter.reference}",
            timeout=RING_SECONDS,
        )
        return str(call.sid)

    def _with_mapped_errors(self, act: Callable[[], str]) -> str:
        try:
            return act()
        except TwilioRestException as error:
            raise _map_twilio_sms_error(error) from error
        except requests.ConnectTimeout as error:
            raise Unavailable from error
        except UNCLEAR_ERRORS as error:
            raise OutcomeUnknown from error

    def find_message(self, letter: OutboundMessage) -> str | None:
        return (
            self._find_twilio_call(letter)
            if letter.medium == VOICE
            else self._find_twilio_message(letter)
        )

    def _find_twilio_call(self, letter: OutboundMessage) -> str | None:
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

    def _find_twilio_message(self, letter: OutboundMessage) -> str | None:
        try:
            # Newest first. The provider's time filter omits messages that are not sent yet.
            since = letter.first_tried_at - CLOCK_SKEW
            sent = self._client.messages.list(to=letter.to, limit=LOOK_BACK)
        except UNCLEAR_ERRORS as error:
            raise Unavailable from error
        for message in sent:
            created_at = message.date_created
            if message.body == letter.body and (created_at is None or created_at >= since):
                return str(message.sid)
        return None

    def look_up_line_type(self, phone: str) -> str:
        """Use Lookup v2 with line type intelligence, which costs money."""
        try:
            asked = self._client.lookups.v2.phone_numbers(phone)
            intelligence: object = asked.fetch(
                fields="line_type_intelligence"
            ).line_type_intelligence
        except UNCLEAR_ERRORS as error:
            raise Unavailable from error
        kind = intelligence.get("type") if isinstance(intelligence, dict) else None
        return str(kind or "unknown")


def _map_twilio_sms_error(error: TwilioRestException) -> Exception:
    if error.code in PERMANENT_ERRORS:
        return Rejected(PERMANENT_ERRORS[error.code])
    if error.status == 429:
        return Unavailable(_BUSY_PAUSE)
    if error.status >= 500:
        return OutcomeUnknown()
    if error.status in (401, 403):
        return Unavailable()  # a problem of our account, not of the text: keep it until fixed
    return Rejected(f"provider_{error.code or error.status}")
