"""Texts by Telnyx, through its API.

Each text is sent with our reference as the idempotency key: Telnyx answers a repeated request
within 24 hours with the text it has made already. So a text of unknown outcome is sent again to
Telnyx, with the same key, and to no other provider.

That a text is not found says little: Telnyx lists detail records with a delay that it does not
document. What is found is certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from urllib.parse import quote
from uuid import UUID

import requests

from messaging.i18n import GSM7
from messaging.providers.base import OutboundMessage, OutcomeUnknown, Unavailable
from messaging.providers.telnyx.api import TIMEOUT_SECONDS, TelnyxApi
from messaging.providers.telnyx.errors import map_error, read_error

REPEAT_SAFE_FOR = timedelta(hours=23)  # Telnyx keeps its answers for 24
CLOCK_SKEW = timedelta(minutes=2)
LOOK_BACK = 20  # more texts than are sent to one number within any lease
FIND_SECONDS = 8.0  # with one more request and the try after it, within the lease's reserve
_LINE_TYPES = {"fixed line": "landline", "mobile": "mobile", "": "unknown"}


class TelnyxSmsProvider:
    """A provider for Telnyx's programmable messaging."""

    def __init__(
        self,
        api_key: str,
        *,
        from_number: str = "",
        messaging_profile_id: str = "",
        api_base: str = "",
        webhook_url: str = "",
        name: str = "telnyx",
        connections: int = 10,
    ) -> None:
        self.name = name
        self._api = TelnyxApi(api_key, api_base, connections)
        always = {
            "from": from_number,
            "messaging_profile_id": messaging_profile_id,
            "webhook_url": webhook_url,
        }
        self._always = {key: value for key, value in always.items() if value}

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:  # noqa: ARG002 (the protocol's)
        return self._create_message(letter, self._always, TIMEOUT_SECONDS)

    def send_answer(self, letter: OutboundMessage, sender: str, seconds: float) -> str:
        """Answer a text from the number it was sent to; raise as :meth:`send_message` does."""
        return self._create_message(letter, {**self._always, "from": sender}, seconds)

    def is_repeat_safe(self, letter: OutboundMessage, now: datetime) -> bool:
        return now - letter.first_tried_at < REPEAT_SAFE_FOR

    def _create_message(
        self, letter: OutboundMessage, always: Mapping[str, str], seconds: float
    ) -> str:
        """Send the text; the body must be the same at each try, or the key does not fit it."""
        encoding = "gsm7" if GSM7.issuperset(letter.body) else "ucs2"  # keeps each character
        body = {**always, "to": letter.to, "text": letter.body, "type": "SMS", "encoding": encoding}
        try:
            status, answer, headers = self._api.post(
                "/messages", body, str(letter.reference), seconds
            )
        except requests.ConnectTimeout as error:
            raise Unavailable from error
        except requests.RequestException as error:
            raise OutcomeUnknown from error
        if status not in (200, 201, 202):
            code, words = read_error(answer)
            raise map_error(status, code, words, headers.get("Retry-After"))
        provider_id = _message_id(_data(answer), "id")
        if not provider_id:
            raise OutcomeUnknown
        return provider_id

    def find_message(self, letter: OutboundMessage) -> str | None:
        """Return the id of a text with this body to this number since the first try."""
        since, deadline = letter.first_tried_at - CLOCK_SKEW, monotonic() + FIND_SECONDS
        for provider_id in self._list_sent(letter.to, since):
            if monotonic() > deadline:
                raise Unavailable
            sent = self._get(f"/messages/{provider_id}", {}, missing={})
            if isinstance(sent, Mapping) and sent.get("text") == letter.body:
                return provider_id
        return None

    def _list_sent(self, phone: str, since: datetime) -> Iterator[str]:
        """Yield the ids of the latest texts to a number, newest first."""
        query: dict[str, str | int] = {
            "filter[record_type]": "messaging",
            "filter[direction]": "outbound",
            "filter[cld]": phone,
            "filter[created_at][gte]": since.date().isoformat(),
            "sort": "-created_at",
            "page[size]": LOOK_BACK,
        }
        records = self._get("/detail_records", query, missing=[])
        if not isinstance(records, list):
            raise Unavailable
        for record in records:
            if isinstance(record, Mapping) and _is_since(record.get("created_at"), since):
                provider_id = _message_id(record, "uuid")
                if provider_id:
                    yield provider_id

    def look_up_line_type(self, phone: str) -> str:
        """Use Number Lookup, which costs money."""
        found = self._get(f"/number_lookup/{quote(phone)}", {"type": "carrier"}, missing={})
        carrier = found.get("carrier") if isinstance(found, Mapping) else None
        kind = str((carrier.get("type") if isinstance(carrier, Mapping) else "") or "")
        return _LINE_TYPES.get(kind, kind)

    def _get(self, path: str, query: Mapping[str, str | int], missing: object) -> object:
        """Return the data of an answer, ``missing`` if there is no such thing."""
        try:
            status, answer, headers = self._api.get(path, query)
        except requests.RequestException as error:
            raise Unavailable from error
        if status == 404:
            return missing
        if status != 200:
            error_for = map_error(status, *read_error(answer), headers.get("Retry-After"))
            raise Unavailable(error_for.rest if isinstance(error_for, Unavailable) else None)
        return _data(answer)


def _data(answer: Any) -> object:
    return answer.get("data") if isinstance(answer, Mapping) else None


def _message_id(values: object, name: str) -> str:
    """Return Telnyx's id of a text, which is a UUID; empty for anything else."""
    try:
        return str(UUID(str(values.get(name)))) if isinstance(values, Mapping) else ""
    except ValueError:
        return ""


def _is_since(text: object, since: datetime) -> bool:
    """Return whether an instant is that late; one that cannot be read may be."""
    try:
        return datetime.fromisoformat(str(text)) >= since
    except (ValueError, TypeError):
        return True
