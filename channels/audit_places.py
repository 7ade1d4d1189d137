"""The places that checkpoints of the audit log are written to, from the settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from config.safety import LOOPBACK
from config.settings import Settings
from messaging.gateways.base import Gateway, Letter, OutcomeUnknown, Rejected, Unavailable
from people import phones
from people.errors import InvalidInput
from storage.types import new_id
from vault.log import places
from vault.log.places import Mailer, Place, Unreachable

_FORMS = "Write places like file:/path, https://host/path, mailto:name@host or sms:+44…"


class NotAPlace(ValueError):
    """A setting names no place; the message says what to write."""


def of(settings: Settings, gateway: Gateway, clock: Callable[[], datetime]) -> list[Place]:
    """The places of ``VOUCHLINE_CHECKPOINTS_TO``; a file in the instance folder unless it is set.

    Raises :class:`NotAPlace`.
    """
    wanted = settings.checkpoints_to or (f"file:{settings.instance / 'checkpoints'}",)
    return [_place(each, settings, gateway, clock) for each in wanted]


def _place(
    address: str, settings: Settings, gateway: Gateway, clock: Callable[[], datetime]
) -> Place:
    kind, _, rest = address.partition(":")
    if kind == "file" and rest:
        return places.file(Path(rest))
    parts = urlsplit(address)
    if parts.hostname and (kind == "https" or (kind == "http" and parts.hostname in LOOPBACK)):
        return places.web(address)
    if kind == "mailto" and "@" in rest:
        server = settings.smtp_url.get_secret_value()
        if not server or not settings.mail_from:
            raise NotAPlace("A mailbox needs VOUCHLINE_SMTP_URL and VOUCHLINE_MAIL_FROM.")
        return places.mail(Mailer(server, settings.mail_from), rest)
    if kind == "sms":
        return _phone(rest, settings, gateway, clock)
    raise NotAPlace(_FORMS)


def _phone(
    number: str, settings: Settings, gateway: Gateway, clock: Callable[[], datetime]
) -> Place:
    try:
        to = phones.parse(number, settings.default_region)
    except InvalidInput as error:
        raise NotAPlace(str(error)) from None

    def send(body: str) -> None:
        moment = clock()
        letter = Letter(new_id(), to, body, moment, moment + timedelta(hours=1))
        try:
            gateway.send(letter, moment)
        except (Rejected, Unavailable, OutcomeUnknown) as error:
            raise Unreachable(type(error).__name__) from None

    return places.text(f"sms:{phones.masked(to)}", send)
