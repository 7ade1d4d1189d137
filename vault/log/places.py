"""Places outside the database that checkpoints are written to: a file, a web address, a mailbox, or
whatever else takes a note."""

from __future__ import annotations

import os
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

SECONDS = 10
Send = Callable[[str], None]


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

    def send(note: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as opened:
                opened.write(f"{note}\n")
                opened.flush()
                os.fsync(opened.fileno())
        except OSError as error:
            raise Unreachable(error.strerror or "the file cannot be written") from None

    return Place(f"file:{path}", timedelta(0), send)


def web(address: str) -> Place:
    """Each note as the body of a POST; any answer of 2xx has taken it."""
    parts = urlsplit(address)

    def send(note: str) -> None:
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        request = Request(address, note.encode(), headers, method="POST")  # noqa: S310  (https alone)
        try:
            with urlopen(request, timeout=SECONDS):  # noqa: S310
                pass
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise Unreachable(str(reason)) from None

    return Place(f"{parts.scheme}://{parts.hostname}", timedelta(0), send)


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


def mail(mailer: Mailer, to: str) -> Place:
    """A mail an hour to an auditor."""

    def send(note: str) -> None:
        origin, size, *_ = note.split("\n")
        mailer.send(to, f"Audit checkpoint {size} of {origin}", note)

    return Place(f"mailto:{to}", timedelta(hours=1), send)


def text(name: str, send_text: Send) -> Place:
    """A text a day to an auditor's phone: size and root, which fit one segment."""

    def send(note: str) -> None:
        origin, size, root, *_ = note.split("\n")
        send_text(f"Audit checkpoint {origin} {size} {root}")

    return Place(name, timedelta(days=1), send)
