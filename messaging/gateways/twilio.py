"""Texts by Twilio, through its official client.

Twilio documents no idempotency key for messages, so a try whose outcome is unknown is looked up
by recipient, time and body before there is another.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import requests
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from messaging.gateways.base import Letter, OutcomeUnknown, Rejected, Unavailable

TIMEOUT_SECONDS = 10.0
LOOK_BACK = 100  # more than go to one number within any lease
LONGEST_VALIDITY = 36_000  # seconds, the provider's own limit
_BUSY = timedelta(seconds=2)  # what the client's errors do not carry: how long to wait
CLOCKS_DIFFER = timedelta(minutes=2)
#: No answer, or one that cannot be read. A list that is refused raises the client's plainest kind.
UNCLEAR = (requests.RequestException, TwilioException, ValueError)

#: Twilio's error codes that no later try can mend, in our words.
PERMANENT = {
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


class Twilio:
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
        if status_callback:
            self._always["status_callback"] = status_callback

    def send(self, letter: Letter, now: datetime) -> str:
        validity = (letter.expires_at - now) // timedelta(seconds=1)
        try:
            sent = self._client.messages.create(
                to=letter.to,
                body=letter.body,
                validity_period=max(1, min(validity, LONGEST_VALIDITY)),
                **self._always,
            )
        except TwilioRestException as error:
            raise _meaning(error) from error
        except requests.ConnectTimeout as error:
            raise Unavailable from error
        except UNCLEAR as error:
            raise OutcomeUnknown from error
        return str(sent.sid)

    def find(self, letter: Letter) -> str | None:
        try:
            # Newest first. The provider's filter by time leaves out what still waits to be sent.
            since = letter.first_tried_at - CLOCKS_DIFFER
            sent = self._client.messages.list(to=letter.to, limit=LOOK_BACK)
        except UNCLEAR as error:
            raise Unavailable from error
        for message in sent:
            made = message.date_created
            if message.body == letter.body and (made is None or made >= since):
                return str(message.sid)
        return None

    def line_kind(self, phone: str) -> str:
        """By Lookup v2, line type intelligence, which costs money."""
        try:
            asked = self._client.lookups.v2.phone_numbers(phone)
            found: object = asked.fetch(fields="line_type_intelligence").line_type_intelligence
        except UNCLEAR as error:
            raise Unavailable from error
        kind = found.get("type") if isinstance(found, dict) else None
        return str(kind or "unknown")


def _meaning(error: TwilioRestException) -> Exception:
    if error.code in PERMANENT:
        return Rejected(PERMANENT[error.code])
    if error.status == 429:
        return Unavailable(_BUSY)
    if error.status >= 500:
        return OutcomeUnknown()
    if error.status in (401, 403):
        return Unavailable()  # our account is at fault, not the text: keep it until mended
    return Rejected(f"provider_{error.code or error.status}")
