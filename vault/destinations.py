"""Destinations outside the database for checkpoints of the audit log and for alerts: a file, a URL,
a mailbox, or anything else that accepts a notification."""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from standardwebhooks import Webhook

from config.server_checks import LOOPBACK_HOSTS

TIMEOUT_SECONDS = 10
_NO_TLS = "the mail server offers no TLS (STARTTLS), and {what} is not sent in clear"


@dataclass(frozen=True)
class Notification:
    """A notification: ``body`` is the full text, ``subject`` for mail, ``short`` for a text
    message, ``data`` (JSON) for a program. ``id`` is the same for every attempt; ``again`` says
    that an earlier attempt may have arrived."""

    body: str
    subject: str = ""
    short: str = ""
    data: str = ""
    id: str = ""
    at: datetime | None = None
    again: bool = False


SendNotification = Callable[[Notification], None]


class DestinationUnreachable(Exception):
    """The destination did not accept the notification; the message says why, without secrets."""


@dataclass(frozen=True)
class Destination:
    """A destination with its ``name`` (without secrets). ``send`` delivers a notification, or
    raises :class:`DestinationUnreachable`. It gets at most one per ``every``."""

    name: str
    every: timedelta
    send: SendNotification


def file_destination(path: Path) -> Destination:
    """Append notifications to a file, separated by empty lines."""

    def append_to_file(note: Notification) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(f"{note.body}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DestinationUnreachable(error.strerror or "the file cannot be written") from None

    return Destination(f"file:{path}", timedelta(0), append_to_file)


def http_destination(address: str) -> Destination:
    """Send each notification as the body of a POST; any 2xx answer means accepted."""
    parts = urlsplit(address)

    def post_plain_text(note: Notification) -> None:
        _post_body(address, note.body, {"Content-Type": "text/plain; charset=utf-8"})

    return Destination(f"{parts.scheme}://{parts.hostname}", timedelta(0), post_plain_text)


def webhook_destination(address: str, secret: str) -> Destination:
    """Send the notification's data as the body of a POST, signed per Standard Webhooks.

    The notification id is the same for every attempt, so that receivers can deduplicate. Raises
    ``ValueError`` for an invalid secret.
    """
    parts, signer = urlsplit(address), Webhook(secret)

    def post_signed_json(note: Notification) -> None:
        if note.at is None:
            raise ValueError("a webhook is signed over its time")
        headers = {
            "Content-Type": "application/json",
            "webhook-id": note.id,
            "webhook-timestamp": str(int(note.at.timestamp())),
            "webhook-signature": signer.sign(note.id, note.at, note.data),
        }
        _post_body(address, note.data, headers)

    return Destination(f"webhook:{parts.scheme}://{parts.hostname}", timedelta(0), post_signed_json)


class _NoRedirect(HTTPRedirectHandler):
    """Treats a redirect as a failure: following it would send a GET without a body, over http
    too."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = build_opener(_NoRedirect)


def _post_body(address: str, body: str, headers: dict[str, str]) -> None:
    request = Request(address, body.encode(), headers, method="POST")  # noqa: S310  (https alone)
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS):
            pass
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise DestinationUnreachable(str(reason)) from None


@dataclass(frozen=True)
class Mailer:
    """A mail server as ``smtp://user:password@host:port`` (STARTTLS) or ``smtps://`` (implicit
    TLS), and the sender's address.

    Always verifies the server's certificate and host name: against the system's authorities, or
    those of ``ca_file`` (PEM) if it is set. Sends nothing without TLS, except to a server on this
    machine that needs no password.
    """

    server: str
    sender: str
    ca_file: Path | None = None

    def send_mail(self, to: str, subject: str, body: str) -> None:
        """Send a mail. Raises :class:`DestinationUnreachable`."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, subject
        message.set_content(body)
        try:
            self._submit_to_mail_server(message)
        except ssl.SSLCertVerificationError as error:
            reason = f"the mail server's certificate is not valid: {error.verify_message}"
            raise DestinationUnreachable(reason) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise DestinationUnreachable(type(error).__name__) from None

    def _submit_to_mail_server(self, message: EmailMessage) -> None:
        parts = urlsplit(self.server)
        host = parts.hostname or ""
        context = ssl.create_default_context(cafile=self.ca_file)
        if parts.scheme == "smtps":
            port = parts.port or 465
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            connection = smtplib.SMTP(host, parts.port or 587, timeout=TIMEOUT_SECONDS)
        with connection as smtp:
            smtp.ehlo()
            if parts.scheme != "smtps":
                _start_tls(smtp, context, host, secret=bool(parts.username))
            if parts.username:
                smtp.login(unquote(parts.username), unquote(parts.password or ""))
            smtp.send_message(message)


def _start_tls(smtp: smtplib.SMTP, context: ssl.SSLContext, host: str, *, secret: bool) -> None:
    """Start TLS. Raises :class:`DestinationUnreachable` if there is none and something could be
    read in transit."""
    if smtp.has_extn("starttls"):
        smtp.starttls(context=context)
        smtp.ehlo()
    elif secret:
        raise DestinationUnreachable(_NO_TLS.format(what="the password"))
    elif host not in LOOPBACK_HOSTS:
        raise DestinationUnreachable(_NO_TLS.format(what="mail"))


def mailbox_destination(mailer: Mailer, to: str, every: timedelta) -> Destination:
    """Send notifications to a mailbox."""

    def mail_notification(note: Notification) -> None:
        mailer.send_mail(to, note.subject, note.body)

    return Destination(f"mailto:{to}", every, mail_notification)


def phone_destination(name: str, send_text: SendNotification, every: timedelta) -> Destination:
    """Send the short form of notifications to a phone."""
    return Destination(name, every, send_text)
