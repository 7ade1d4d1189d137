"""Places outside the database that checkpoints of the audit log and alerts are written to: a
file, a web address, a mailbox, or whatever else takes a note."""

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

from config.settings_checks import LOOPBACK_HOSTS

TIMEOUT_SECONDS = 10
_NO_TLS = "the mail server offers no TLS (STARTTLS), and {what} is not sent in clear"


@dataclass(frozen=True)
class Notification:
    """What is written to a place: ``body`` whole, ``subject`` for a mail, ``short`` for a text,
    ``data`` (JSON) for a program. ``id`` is the same at every try, and ``again`` says that an
    earlier one may have reached the place."""

    body: str
    subject: str = ""
    short: str = ""
    data: str = ""
    id: str = ""
    at: datetime | None = None
    again: bool = False


SendNotification = Callable[[Notification], None]


class DestinationUnreachable(Exception):
    """The place did not take the note; the message says why, without the place's secrets."""


@dataclass(frozen=True)
class Destination:
    """A place by its ``name`` (without secrets); ``send`` writes a note there, or raises
    :class:`DestinationUnreachable`. It gets one every so often at the most."""

    name: str
    every: timedelta
    send: SendNotification


def file_destination(path: Path) -> Destination:
    """Notes one after the other in a file, with an empty line between them."""

    def append_to_file(note: Notification) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as opened:
                opened.write(f"{note.body}\n")
                opened.flush()
                os.fsync(opened.fileno())
        except OSError as error:
            raise DestinationUnreachable(error.strerror or "the file cannot be written") from None

    return Destination(f"file:{path}", timedelta(0), append_to_file)


def http_destination(address: str) -> Destination:
    """Each note as the body of a POST; any answer of 2xx has taken it."""
    parts = urlsplit(address)

    def post_plain_text(note: Notification) -> None:
        _post_body(address, note.body, {"Content-Type": "text/plain; charset=utf-8"})

    return Destination(f"{parts.scheme}://{parts.hostname}", timedelta(0), post_plain_text)


def webhook_destination(address: str, secret: str) -> Destination:
    """The note's data as the body of a POST, signed as Standard Webhooks has it. The id of a note
    is the same at every try, so that whoever gets it twice can tell. Raises ``ValueError`` for a
    secret that is none."""
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
    """A redirect has not taken the note: followed, it is a GET without a body, over http too."""

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
    """A mail server as ``smtp://user:password@host:port`` (STARTTLS) or ``smtps://`` (TLS from the
    start), and the sender's address.

    The server's certificate and host name are always verified: against the system's authorities,
    or those of ``ca_file`` (PEM) where it is set. Without TLS nothing is sent, except to a server
    on this machine that wants no password.
    """

    server: str
    sender: str
    ca_file: Path | None = None

    def send_mail(self, to: str, subject: str, body: str) -> None:
        """Hand a mail over. Raises :class:`DestinationUnreachable`."""
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
            opened: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            opened = smtplib.SMTP(host, parts.port or 587, timeout=TIMEOUT_SECONDS)
        with opened as smtp:
            smtp.ehlo()
            if parts.scheme != "smtps":
                _start_tls(smtp, context, host, secret=bool(parts.username))
            if parts.username:
                smtp.login(unquote(parts.username), unquote(parts.password or ""))
            smtp.send_message(message)


def _start_tls(smtp: smtplib.SMTP, context: ssl.SSLContext, host: str, *, secret: bool) -> None:
    """Raises :class:`DestinationUnreachable` where there is no TLS and something would be read on
    the way."""
    if smtp.has_extn("starttls"):
        smtp.starttls(context=context)
        smtp.ehlo()
    elif secret:
        raise DestinationUnreachable(_NO_TLS.format(what="the password"))
    elif host not in LOOPBACK_HOSTS:
        raise DestinationUnreachable(_NO_TLS.format(what="mail"))


def mailbox_destination(mailer: Mailer, to: str, every: timedelta) -> Destination:
    """A mailbox."""

    def mail_notification(note: Notification) -> None:
        mailer.send_mail(to, note.subject, note.body)

    return Destination(f"mailto:{to}", every, mail_notification)


def phone_destination(name: str, send_text: SendNotification, every: timedelta) -> Destination:
    """A phone, which gets what is short."""
    return Destination(name, every, send_text)
