"""The places that checkpoints of the audit log and alerts of new cases go to, from the settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from standardwebhooks.webhooks import EmptyWebhookSecretError

from config.settings import Settings
from config.settings_checks import LOOPBACK
from messaging.providers.base import Gateway, Letter, OutcomeUnknown, Rejected, Unavailable
from people import phone_numbers
from people.errors import InvalidInput
from storage.column_types import new_id
from vault import destinations
from vault.destinations import Mailer, Note, Place, Unreachable

_FORMS = "Write places like file:/path, https://host/path, mailto:name@host or sms:+44…"


class NotAPlace(ValueError):
    """A setting names no place; the message says what to write."""


@dataclass(frozen=True)
class Form:
    """How often a mailbox and a phone get something at the most; with a ``secret`` web addresses
    get signed webhooks."""

    mail_every: timedelta = timedelta(0)
    text_every: timedelta = timedelta(0)
    secret: str | None = None


CHECKPOINTS = Form(timedelta(hours=1), timedelta(days=1))


def for_checkpoints(
    settings: Settings, gateway: Gateway, clock: Callable[[], datetime]
) -> list[Place]:
    """The places of ``VOUCHLINE_CHECKPOINTS_TO``; a file in the instance folder unless it is set.

    Raises :class:`NotAPlace`.
    """
    wanted = settings.checkpoints_to or (f"file:{settings.instance / 'checkpoints'}",)
    return [_place(each, settings, gateway, clock, CHECKPOINTS) for each in wanted]


def for_alerts(settings: Settings, gateway: Gateway, clock: Callable[[], datetime]) -> list[Place]:
    """The places of ``VOUCHLINE_ALERTS_TO``, each under a name of its own. Raises
    :class:`NotAPlace`."""
    form = Form(secret=settings.alerts_secret.get_secret_value())
    found = [_place(each, settings, gateway, clock, form) for each in settings.alerts_to]
    named = Counter[str]()
    for n, place in enumerate(found):
        named[place.name] += 1
        if named[place.name] > 1:
            found[n] = replace(place, name=f"{place.name} ({named[place.name]})")
    return found


def _place(
    address: str, settings: Settings, gateway: Gateway, clock: Callable[[], datetime], form: Form
) -> Place:
    kind, _, rest = address.partition(":")
    if kind == "file" and rest:
        return destinations.file(Path(rest))
    parts = urlsplit(address)
    if parts.hostname and (kind == "https" or (kind == "http" and parts.hostname in LOOPBACK)):
        return destinations.web(address) if form.secret is None else _webhook(address, form.secret)
    if kind == "mailto" and "@" in rest:
        server = mailer(settings)
        if server is None:
            raise NotAPlace("A mailbox needs VOUCHLINE_SMTP_URL and VOUCHLINE_MAIL_FROM.")
        return destinations.mail(server, rest, form.mail_every)
    if kind == "sms":
        return _phone(rest, settings, gateway, clock, form)
    raise NotAPlace(_FORMS)


def mailer(settings: Settings) -> Mailer | None:
    """The mail server of the settings, where there is one."""
    server = settings.smtp_url.get_secret_value()
    if not server or not settings.mail_from:
        return None
    return Mailer(server, settings.mail_from, settings.smtp_ca_file)


def _webhook(address: str, secret: str) -> Place:
    try:
        return destinations.webhook(address, secret)
    except (ValueError, EmptyWebhookSecretError):
        raise NotAPlace(
            "A web address needs VOUCHLINE_ALERTS_SECRET: whsec_ and 32 random bytes in base64."
        ) from None


def _phone(
    number: str, settings: Settings, gateway: Gateway, clock: Callable[[], datetime], form: Form
) -> Place:
    try:
        to = phone_numbers.parse(number, settings.default_region)
    except InvalidInput as error:
        raise NotAPlace(str(error)) from None

    def send(note: Note) -> None:
        moment = clock()
        reference = UUID(note.id) if note.id else new_id()
        letter = Letter(reference, to, note.short, note.at or moment, moment + timedelta(hours=1))
        try:
            if not note.again or gateway.find(letter) is None:
                gateway.send(letter, moment)
        except (Rejected, Unavailable, OutcomeUnknown) as error:
            raise Unreachable(type(error).__name__) from None

    return destinations.text(f"sms:{phone_numbers.masked(to)}", send, form.text_every)
