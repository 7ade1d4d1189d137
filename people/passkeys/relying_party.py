"""The relying party of passkeys, and the challenges they answer."""

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

from people.credential_models import SpentChallenge

CHALLENGE_LIFETIME = timedelta(minutes=5)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class PasskeyRefused(Exception):
    """A passkey's answer is refused; deliberately without a reason."""


@dataclass(frozen=True)
class RelyingParty:
    """``rp_id`` is the host that passkeys are bound to, ``origin`` the origin of its pages,
    ``name`` the name shown to people."""

    rp_id: str
    origin: str
    name: str


@dataclass(frozen=True)
class Challenge:
    """Random bytes for one browser to sign, when they were made, and their purpose."""

    value: bytes
    made_at: datetime
    purpose: str


def relying_party_from_url(base_url: str, name: str) -> RelyingParty | None:
    """Return the relying party of a public URL; ``None`` where browsers do not support passkeys: at
    an IP address, and without https except on localhost."""
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
    """Create a challenge. The caller stores it where no other browser can read it."""
    return Challenge(secrets.token_bytes(32), now, purpose)


def spend_challenge(session: Session, given: Challenge, now: datetime) -> None:
    """Use up a challenge. Raises ``PasskeyRefused`` if it is too old or was already used, also
    under concurrent use."""
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
