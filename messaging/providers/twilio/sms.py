"""Texts by Twilio, through its official client.

Twilio documents no idempotency key for messages, so a try with an unknown outcome is looked up by
recipient, time and body before it is repeated.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from messaging.providers.base import OutboundMessage, Unavailable
from messaging.providers.twilio.client import (
    CLOCK_SKEW,
    LOOK_BACK,
    UNCLEAR_ERRORS,
    make_client,
    with_mapped_errors,
)

LONGEST_VALIDITY = 36_000  # seconds, the provider's own limit


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
        name: str = "twilio",
        connections: int = 10,
    ) -> None:
        self.name = name
        self._client = make_client(account_sid, auth_token, api_base, connections)
        self._always: dict[str, str] = (
            {"messaging_service_sid": messaging_service_sid}
            if messaging_service_sid
            else {"from_": from_number}
        )
        if status_callback:
            self._always["status_callback"] = status_callback

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:
        return with_mapped_errors(lambda: self._create_message(letter, now))

    def _create_message(self, letter: OutboundMessage, now: datetime) -> str:
        validity = (letter.expires_at - now) // timedelta(seconds=1)
        sent = self._client.messages.create(
            to=letter.to,
            body=letter.body,
            validity_period=max(1, min(validity, LONGEST_VALIDITY)),
            **self._always,
        )
        return str(sent.sid)

    def find_message(self, letter: OutboundMessage) -> str | None:
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
