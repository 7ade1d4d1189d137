"""Builds the destinations of audit log checkpoints and of case alerts from the settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from standardwebhooks.webhooks import EmptyWebhookSecretError

from channels.error_texts import describe_error_in_english
from config.server_checks import LOOPBACK_HOSTS
from config.settings import Settings
from messaging.providers.base import (
    OutboundMessage,
    OutcomeUnknown,
    Rejected,
    SmsProvider,
    Unavailable,
)
from people import phone_numbers
from people.errors import InvalidInput
from storage.column_types import new_id
from vault import destinations
from vault.destinations import Destination, DestinationUnreachable, Mailer, Notification

_ADDRESS_ADVICE = "Write places like file:/path, https://host/path, mailto:name@host or sms:+44…"


class InvalidDestination(ValueError):
    """A setting does not name a destination; the message says what to write."""


@dataclass(frozen=True)
class DeliveryPolicy:
    """The shortest time between two mails and between two texts. With a ``secret``, web addresses
    get signed webhooks."""

    mail_every: timedelta = timedelta(0)
    text_every: timedelta = timedelta(0)
    secret: str | None = None


CHECKPOINT_POLICY = DeliveryPolicy(timedelta(hours=1), timedelta(days=1))


def checkpoint_destinations(
    settings: Settings, gateway: SmsProvider, clock: Callable[[], datetime]
) -> list[Destination]:
    """Return the destinations of ``VOUCHLINE_CHECKPOINTS_TO``, by default a file in the instance
    folder.

    Raises :class:`InvalidDestination`.
    """
    addresses = settings.checkpoints_to or (f"file:{settings.instance / 'checkpoints'}",)
    return [
        _destination_for_address(address, settings, gateway, clock, CHECKPOINT_POLICY)
        for address in addresses
    ]


def alert_destinations(
    settings: Settings, gateway: SmsProvider, clock: Callable[[], datetime]
) -> list[Destination]:
    """Return the destinations of ``VOUCHLINE_ALERTS_TO``, each with a unique name. Raises
    :class:`InvalidDestination`."""
    form = DeliveryPolicy(secret=settings.alerts_secret.get_secret_value())
    places = [
        _destination_for_address(address, settings, gateway, clock, form)
        for address in settings.alerts_to
    ]
    name_counts = Counter[str]()
    for n, place in enumerate(places):
        name_counts[place.name] += 1
        if name_counts[place.name] > 1:
            places[n] = replace(place, name=f"{place.name} ({name_counts[place.name]})")
    return places


def _destination_for_address(
    address: str,
    settings: Settings,
    gateway: SmsProvider,
    clock: Callable[[], datetime],
    form: DeliveryPolicy,
) -> Destination:
    kind, _, rest = address.partition(":")
    if kind == "file" and rest:
        return destinations.file_destination(Path(rest))
    parts = urlsplit(address)
    if parts.hostname and (
        kind == "https" or (kind == "http" and parts.hostname in LOOPBACK_HOSTS)
    ):
        return (
            destinations.http_destination(address)
            if form.secret is None
            else _signed_webhook_destination(address, form.secret)
        )
    if kind == "mailto" and "@" in rest:
        server = mailer_from_settings(settings)
        if server is None:
            raise InvalidDestination("A mailbox needs VOUCHLINE_SMTP_URL and VOUCHLINE_MAIL_FROM.")
        return destinations.mailbox_destination(server, rest, form.mail_every)
    if kind == "sms":
        return _text_destination(rest, settings, gateway, clock, form)
    raise InvalidDestination(_ADDRESS_ADVICE)


def mailer_from_settings(settings: Settings) -> Mailer | None:
    """Return the mail server of the settings, or ``None``."""
    server = settings.smtp_url.get_secret_value()
    if not server or not settings.mail_from:
        return None
    return Mailer(server, settings.mail_from, settings.smtp_ca_file)


def _signed_webhook_destination(address: str, secret: str) -> Destination:
    try:
        return destinations.webhook_destination(address, secret)
    except (ValueError, EmptyWebhookSecretError):
        raise InvalidDestination(
            "A web address needs VOUCHLINE_ALERTS_SECRET: whsec_ and 32 random bytes in base64."
        ) from None


def _text_destination(
    number: str,
    settings: Settings,
    gateway: SmsProvider,
    clock: Callable[[], datetime],
    form: DeliveryPolicy,
) -> Destination:
    try:
        to = phone_numbers.parse_phone(number, settings.default_region)
    except InvalidInput as error:
        raise InvalidDestination(describe_error_in_english(error)) from None

    def send_notification_text(note: Notification) -> None:
        moment = clock()
        reference = UUID(note.id) if note.id else new_id()
        message = OutboundMessage(
            reference, to, note.short, note.at or moment, moment + timedelta(hours=1)
        )
        try:
            if not note.again or gateway.find_message(message) is None:
                gateway.send_message(message, moment)
        except (Rejected, Unavailable, OutcomeUnknown) as error:
            raise DestinationUnreachable(type(error).__name__) from None

    return destinations.phone_destination(
        f"sms:{phone_numbers.mask_phone(to)}", send_notification_text, form.text_every
    )
