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
from channels.app_context import current_context, current_time
from channels.rate_limits import RateLimiterUnavailable, RateLimitExceeded
from config import ip_addresses
from vault.errors import Tampered
from vault.keys.aead import seal, unseal
from vault.keys.master_keys import MasterKeys

log = structlog.get_logger("web")
UNCOUNTED_REQUESTS = Counter(
    "vouchline_uncounted_proxies", "Requests that came through a proxy, while none is counted"
)
PROBE_HEADER = "Vouchline-Probe"
PROBE_SECONDS = 60
_NOTICED_KEY = "vouchline-uncounted-proxy"
_FORWARDING_HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
_PROBE_PATTERN = re.compile(r"(?P<at>\d{1,12})\.(?P<nonce>[0-9a-f]{32})\.(?P<mac>[0-9a-f]{64})")


@dataclass(frozen=True)
class ArrivedRequest:
    """What of a request arrived at the server: who was connected, the entries of
    ``X-Forwarded-For``, how many proxies it counts, and whose request it took it for."""

    peer: str
    entries: list[str]
    counted: int
    network: str


def register_proxy_detection(app: Flask) -> None:
    """Look out for proxies where none is counted."""
    if not app.config["VOUCHLINE_SETTINGS"].trusted_proxies:
        app.before_request(_notice_uncounted_proxy)


def is_proxy_uncounted() -> bool:
    """Whether the request at hand came through a proxy of ours that is not counted: it says so
    itself, and comes from this machine or this network, and not from anywhere in the internet."""
    if current_context().trusted_proxies or not any(
        item in request.headers for item in _FORWARDING_HEADERS
    ):
        return False
    peer = ip_addresses.parse_ip_address(client_network.peer_address())
    return peer is None or not peer.is_global


def was_uncounted_noticed() -> bool:
    """Whether this process has had such a request."""
    return bool(current_app.extensions.get(_NOTICED_KEY))


def _notice_uncounted_proxy() -> None:
    if not is_proxy_uncounted():
        return
    UNCOUNTED_REQUESTS.inc()
    if not was_uncounted_noticed():
        current_app.extensions[_NOTICED_KEY] = True
        log.warning("a proxy is not counted", setting="VOUCHLINE_TRUSTED_PROXIES", value=0)


def make_probe_header(master: MasterKeys, at: datetime) -> tuple[str, str]:
    """A header that asks a running server what arrived, and its nonce."""
    nonce, moment = secrets.token_hex(16), int(at.timestamp())
    return f"{moment}.{nonce}.{_probe_mac(_probe_keys(master)[0], moment, nonce)}", nonce


def open_probe_answer(master: MasterKeys, nonce: str, sealed: str) -> ArrivedRequest | None:
    """What a server with our master key says; ``None`` when it is no such server's answer."""
    for key in _probe_keys(master):
        try:
            return ArrivedRequest(
                **json.loads(unseal(key, bytes.fromhex(sealed), _probe_seal_context(nonce)))
            )
        except (Tampered, ValueError, TypeError):
            continue
    return None


def answer_probe() -> str | None:
    """What arrived with the request at hand, sealed, if it asks so by a header of ours that is
    fresh and was not used before."""
    found = _PROBE_PATTERN.fullmatch(request.headers.get(PROBE_HEADER, ""))
    if found is None or abs(current_time().timestamp() - int(found["at"])) > PROBE_SECONDS:
        return None
    for key in _probe_keys(current_context().master):
        if hmac.compare_digest(_probe_mac(key, int(found["at"]), found["nonce"]), found["mac"]):
            return (
                _seal_probe_answer(key, found["nonce"])
                if _is_nonce_unused(found["nonce"])
                else None
            )
    return None


def _seal_probe_answer(key: bytes, nonce: str) -> str:
    said = ArrivedRequest(
        client_network.peer_address(),
        client_network.forwarded_for_entries()[-20:],
        current_context().trusted_proxies,
        client_network.request_network().near,
    )
    return seal(key, json.dumps(asdict(said)).encode(), _probe_seal_context(nonce)).hex()


def _is_nonce_unused(nonce: str) -> bool:
    try:
        current_context().limiter.count_hit("probe", nonce)
    except RateLimitExceeded:
        return False
    except RateLimiterUnavailable:
        return True  # what is sealed for its asker is of no use to anybody else
    return True


def _probe_keys(master: MasterKeys) -> list[bytes]:
    return master.derive_keys("what arrives at the server")


def _probe_mac(key: bytes, at: int, nonce: str) -> str:
    return hmac.new(key, f"{at}.{nonce}".encode(), sha256).hexdigest()


def _probe_seal_context(nonce: str) -> str:
    return f"probe:{nonce}"
