"""What stands between customers and this server: noticed at work, and told to the doctor.

A proxy that is not counted makes everybody one address; one that is counted and is not there lets
everybody choose theirs. The doctor asks the running server through its public address, and the
server says what arrived, to nobody who has not our master key.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256

import structlog
from flask import Flask, current_app, request
from prometheus_client import Counter

from channels import client_network
from channels.app_context import ctx, now
from channels.rate_limits import LimiterUnavailable, TooMany
from config import ip_addresses
from vault.errors import Tampered
from vault.keys.aead import seal, unseal
from vault.keys.master_keys import MasterKeys

log = structlog.get_logger("web")
UNCOUNTED = Counter(
    "vouchline_uncounted_proxies", "Requests that came through a proxy, while none is counted"
)
HEADER = "Vouchline-Probe"
LASTS_SECONDS = 60
_NOTICED = "vouchline-uncounted-proxy"
_HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
_WORD = re.compile(r"(?P<at>\d{1,12})\.(?P<nonce>[0-9a-f]{32})\.(?P<mac>[0-9a-f]{64})")


@dataclass(frozen=True)
class Arrived:
    """What of a request arrived at the server: who was connected, the entries of
    ``X-Forwarded-For``, how many proxies it counts, and whose request it took it for."""

    peer: str
    entries: list[str]
    counted: int
    network: str


def register(app: Flask) -> None:
    """Look out for proxies where none is counted."""
    if not app.config["VOUCHLINE_SETTINGS"].trusted_proxies:
        app.before_request(_notice)


def uncounted() -> bool:
    """Whether the request at hand came through a proxy of ours that is not counted: it says so
    itself, and comes from this machine or this network, and not from anywhere in the internet."""
    if ctx().trusted_proxies or not any(each in request.headers for each in _HEADERS):
        return False
    peer = ip_addresses.parse(client_network.peer())
    return peer is None or not peer.is_global


def noticed() -> bool:
    """Whether this process has had such a request."""
    return bool(current_app.extensions.get(_NOTICED))


def _notice() -> None:
    if not uncounted():
        return
    UNCOUNTED.inc()
    if not noticed():
        current_app.extensions[_NOTICED] = True
        log.warning("a proxy is not counted", setting="VOUCHLINE_TRUSTED_PROXIES", value=0)


def question(master: MasterKeys, at: datetime) -> tuple[str, str]:
    """A header that asks a running server what arrived, and its nonce."""
    nonce, moment = secrets.token_hex(16), int(at.timestamp())
    return f"{moment}.{nonce}.{_mac(_keys(master)[0], moment, nonce)}", nonce


def answered(master: MasterKeys, nonce: str, sealed: str) -> Arrived | None:
    """What a server with our master key says; ``None`` when it is no such server's answer."""
    for key in _keys(master):
        try:
            return Arrived(**json.loads(unseal(key, bytes.fromhex(sealed), _place(nonce))))
        except (Tampered, ValueError, TypeError):
            continue
    return None


def answer() -> str | None:
    """What arrived with the request at hand, sealed, if it asks so by a header of ours that is
    fresh and was not used before."""
    found = _WORD.fullmatch(request.headers.get(HEADER, ""))
    if found is None or abs(now().timestamp() - int(found["at"])) > LASTS_SECONDS:
        return None
    for key in _keys(ctx().master):
        if hmac.compare_digest(_mac(key, int(found["at"]), found["nonce"]), found["mac"]):
            return _sealed(key, found["nonce"]) if _unused(found["nonce"]) else None
    return None


def _sealed(key: bytes, nonce: str) -> str:
    said = Arrived(
        client_network.peer(),
        client_network.forwarded()[-20:],
        ctx().trusted_proxies,
        client_network.request_network().near,
    )
    return seal(key, json.dumps(asdict(said)).encode(), _place(nonce)).hex()


def _unused(nonce: str) -> bool:
    try:
        ctx().limiter.hit("probe", nonce)
    except TooMany:
        return False
    except LimiterUnavailable:
        return True  # what is sealed for its asker is of no use to anybody else
    return True


def _keys(master: MasterKeys) -> list[bytes]:
    return master.derive("what arrives at the server")


def _mac(key: bytes, at: int, nonce: str) -> str:
    return hmac.new(key, f"{at}.{nonce}".encode(), sha256).hexdigest()


def _place(nonce: str) -> str:
    return f"probe:{nonce}"
