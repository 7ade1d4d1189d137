"""For whom passkeys are made, and the challenges they answer."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from people.models import SpentChallenge

CHALLENGE_LIFETIME = timedelta(minutes=5)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class PasskeyRefused(Exception):
    """A passkey's answer is not accepted; deliberately without a reason."""


@dataclass(frozen=True)
class RelyingParty:
    """``rp_id`` is the host that passkeys are bound to, ``origin`` where its pages are, ``name``
    what people are shown."""

    rp_id: str
    origin: str
    name: str


@dataclass(frozen=True)
class Challenge:
    """Random bytes that one browser is to have signed, when they were made, and what for."""

    value: bytes
    made_at: datetime
    purpose: str


def relying_party_from_url(base_url: str, name: str) -> RelyingParty | None:
    """The site at a public address; none where browsers have no passkeys: at a bare number, and
    without https anywhere but on one's own machine."""
    parts = urlsplit(base_url.lower())
    host = parts.hostname or ""
    if parts.scheme not in _DEFAULT_PORTS or (parts.scheme == "http" and host != "localhost"):
        return None
    try:
        ipaddress.ip_address(host)
    except ValueError:
        port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
        return RelyingParty(host, f"{parts.scheme}://{host}{port}", name) if host else None
    return None


def new_challenge(purpose: str, now: datetime) -> Challenge:
    """A fresh one. The caller keeps it where no other browser has it."""
    return Challenge(secrets.token_bytes(32), now, purpose)


def spend_challenge(session: Session, given: Challenge, now: datetime) -> None:
    """Use a challenge up. Raises ``PasskeyRefused`` when it is too old or was used, by however
    many at once."""
    if not given.made_at <= now < given.made_at + CHALLENGE_LIFETIME:
        raise PasskeyRefused
    session.connection().execute(
        delete(SpentChallenge).where(col(SpentChallenge.expires_at) < now - CHALLENGE_LIFETIME)
    )
    row = SpentChallenge(
        challenge_hash=hashlib.sha256(given.value).digest(),
        expires_at=given.made_at + CHALLENGE_LIFETIME,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        raise PasskeyRefused from None
