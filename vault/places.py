"""Places outside the database that checkpoints of the audit log and alerts are written to: a
file, a web address, a mailbox, or whatever else takes a note."""

from __future__ import annotations

import os
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from standardwebhooks import Webhook

SECONDS = 10


@dataclass(frozen=True)
class Note:
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


Send = Callable[[Note], None]


class Unreachable(Exception):
    """The place did not take the note; the message says why, without the place's secrets."""


@dataclass(frozen=True)
class Place:
    """A place by its ``name`` (without secrets); ``send`` writes a note there, or raises
    :class:`Unreachable`. It gets one every so often at the most."""

    name: str
    every: timedelta
    send: Send


def file(path: Path) -> Place:
    """Notes one after the other in a file, with an empty line between them."""

    def send(note: Note) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as opened:
                opened.write(f"{note.body}\n")
                opened.flush()
                os.fsync(opened.fileno())
        except OSError as error:
            raise Unreachable(error.strerror or "the file cannot be written") from None

    return Place(f"file:{path}", timedelta(0), send)


def web(address: str) -> Place:
    """Each note as the body of a POST; any answer of 2xx has taken it."""
    parts = urlsplit(address)

    def send(note: Note) -> None:
        _post(address, note.body, {"Content-Type": "text/plain; charset=utf-8"})

    return Place(f"{parts.scheme}://{parts.hostname}", timedelta(0), send)


def webhook(address: str, secret: str) -> Place:
    """The note's data as the body of a POST, signed as Standard Webhooks has it. The id of a note
    is the same at every try, so that whoever gets it twice can tell. Raises ``ValueError`` for a
    secret that is none."""
    parts, signer = urlsplit(address), Webhook(secret)

    def send(note: Note) -> None:
        if note.at is None:
            raise ValueError("a webhook is signed over its time")
        headers = {
            "Content-Type": "application/json",
            "webhook-id": note.id,
            "webhook-timestamp": str(int(note.at.timestamp())),
            "webhook-signature": signer.sign(note.id, note.at, note.data),
        }
        _post(address, note.data, headers)

    return Place(f"webhook:{parts.scheme}://{parts.hostname}", timedelta(0), send)


def _post(address: str, body: str, headers: dict[str, str]) -> None:
    request = Request(address, body.encode(), headers, method="POST")  # noqa: S310  (https alone)
    try:
        with urlopen(request, timeout=SECONDS):  # noqa: S310
            pass
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise Unreachable(str(reason)) from None


@dataclass(frozen=True)
class Mailer:
    """A mail server as ``smtp://user:password@host:port`` (STARTTLS where it is offered), or
    ``smtps://`` (TLS from the start), and the sender's address."""

    server: str
    sender: str

    def send(self, to: str, subject: str, body: str) -> None:
        """Hand a mail over. Raises :class:`Unreachable`."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, subject
        message.set_content(body)
        try:
            self._hand_over(message)
        except (smtplib.SMTPException, OSError) as error:
            raise Unreachable(type(error).__name__) from None

    def _hand_over(self, message: EmailMessage) -> None:
        parts = urlsplit(self.server)
        host = parts.hostname or ""
        if parts.scheme == "smtps":
            opened: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=SECONDS)
        else:
            opened = smtplib.SMTP(host, parts.port or 587, timeout=SECONDS)
        with opened as smtp:
            smtp.ehlo()
            if parts.scheme == "smtp" and smtp.has_extn("starttls"):
                smtp.starttls()
                smtp.ehlo()
            if parts.username:
                smtp.login(unquote(parts.username), unquote(parts.password or ""))
            smtp.send_message(message)


def mail(mailer: Mailer, to: str, every: timedelta) -> Place:
    """A mailbox."""

    def send(note: Note) -> None:
        mailer.send(to, note.subject, note.body)

    return Place(f"mailto:{to}", every, send)


def text(name: str, send_text: Send, every: timedelta) -> Place:
    """A phone, which gets what is short."""
    return Place(name, every, send_text)
