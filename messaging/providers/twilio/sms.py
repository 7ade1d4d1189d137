"""Texts by Twilio, through its official client.

Twilio documents no idempotency key for messages, so a try whose outcome is unknown is looked up
by recipient, time and body before there is another.
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
LOOK_BACK = 100  # more than go to one number within any lease
LONGEST_VALIDITY = 36_000  # seconds, the provider's own limit
RING_SECONDS = 40
_BUSY_PAUSE = timedelta(seconds=2)  # what the client's errors do not carry: how long to wait
CLOCK_SKEW = timedelta(minutes=2)
#: No answer, or one that cannot be read. A list that is refused raises the client's plainest kind.
UNCLEAR_ERRORS = (requests.RequestException, TwilioException, ValueError)

#: Twilio's error codes that no later try can mend, in our words.
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
    """A gateway to Twilio's Programmable Messaging."""

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
        """Our webhook says what is to be said, once somebody has pressed a key."""
        made = self._client.calls.create(
            to=letter.to,
            from_=self._voice_from,
            url=f"{self._base}/twilio/voice/spoken/{letter.reference}",
            timeout=RING_SECONDS,
        )
        return str(made.sid)

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
        """A call of ours to this number, that is not one which an agent was bridged to."""
        try:
            made = self._client.calls.list(to=letter.to, limit=LOOK_BACK)
        except UNCLEAR_ERRORS as error:
            raise Unavailable from error
        since = letter.first_tried_at - CLOCK_SKEW
        for item in made:
            late = item.date_created is None or item.date_created >= since
            if late and not item.parent_call_sid:
                return str(item.sid)
        return None

    def _find_twilio_message(self, letter: OutboundMessage) -> str | None:
        try:
            # Newest first. The provider's filter by time leaves out what still waits to be sent.
            since = letter.first_tried_at - CLOCK_SKEW
            sent = self._client.messages.list(to=letter.to, limit=LOOK_BACK)
        except UNCLEAR_ERRORS as error:
            raise Unavailable from error
        for message in sent:
            made = message.date_created
            if message.body == letter.body and (made is None or made >= since):
                return str(message.sid)
        return None

    def look_up_line_type(self, phone: str) -> str:
        """By Lookup v2, line type intelligence, which costs money."""
        try:
            asked = self._client.lookups.v2.phone_numbers(phone)
            found: object = asked.fetch(fields="line_type_intelligence").line_type_intelligence
        except UNCLEAR_ERRORS as error:
            raise Unavailable from error
        kind = found.get("type") if isinstance(found, dict) else None
        return str(kind or "unknown")


def _map_twilio_sms_error(error: TwilioRestException) -> Exception:
    if error.code in PERMANENT_ERRORS:
        return Rejected(PERMANENT_ERRORS[error.code])
    if error.status == 429:
        return Unavailable(_BUSY_PAUSE)
    if error.status >= 500:
        return OutcomeUnknown()
    if error.status in (401, 403):
        return Unavailable()  # our account is at fault, not the text: keep it until mended
    return Rejected(f"provider_{error.code or error.status}")
