"""Detects proxies that are not configured, at run time and for ``flask doctor``.

If a proxy is not counted, all clients share one address; if a counted proxy does not exist, each
client can choose its address. The doctor sends a probe to the running server through its public
address, and the server returns what arrived, sealed with a key derived from the master key.
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
    """What arrived at the server: the peer address, the entries of ``X-Forwarded-For``, how many
    proxies are counted, and the client network that was derived."""

    peer: str
    entries: list[str]
    counted: int
    network: str


def register_proxy_detection(app: Flask) -> None:
    """Watch for proxies if none is configured."""
    if not app.config["VOUCHLINE_SETTINGS"].trusted_proxies:
        app.before_request(_notice_uncounted_proxy)


def is_proxy_uncounted() -> bool:
    """Tell whether the request came through a proxy that is not counted: it has a forwarding header
    and its peer address is not a global one."""
    if current_context().trusted_proxies or not any(
        header in request.headers for header in _FORWARDING_HEADERS
    ):
        return False
    peer = ip_addresses.parse_ip_address(client_network.peer_address())
    return peer is None or not peer.is_global


def was_uncounted_noticed() -> bool:
    """Tell whether this process has had such a request."""
    return bool(current_app.extensions.get(_NOTICED_KEY))


def _notice_uncounted_proxy() -> None:
    if not is_proxy_uncounted():
        return
    UNCOUNTED_REQUESTS.inc()
    if not was_uncounted_noticed():
        current_app.extensions[_NOTICED_KEY] = True
        log.warning("a proxy is not counted", setting="VOUCHLINE_TRUSTED_PROXIES", value=0)


def make_probe_header(master: MasterKeys, at: datetime) -> tuple[str, str]:
    """Make a header that asks a running server what arrived. Returns the header and its nonce."""
    nonce, moment = secrets.token_hex(16), int(at.timestamp())
    return f"{moment}.{nonce}.{_probe_mac(_probe_keys(master)[0], moment, nonce)}", nonce


def open_probe_answer(master: MasterKeys, nonce: str, sealed: str) -> ArrivedRequest | None:
    """Open a server's sealed answer; ``None`` if the server does not have our master key."""
    for key in _probe_keys(master):
        try:
            return ArrivedRequest(
                **json.loads(unseal(key, bytes.fromhex(sealed), _probe_seal_context(nonce)))
            )
        except (Tampered, ValueError, TypeError):
            continue
    return None


def answer_probe() -> str | None:
    """Return what arrived with this request, sealed, if it has a valid probe header that is fresh
    and was not used before; else ``None``."""
    probe = _PROBE_PATTERN.fullmatch(request.headers.get(PROBE_HEADER, ""))
    if probe is None or abs(current_time().timestamp() - int(probe["at"])) > PROBE_SECONDS:
        return None
    for key in _probe_keys(current_context().master):
        if hmac.compare_digest(_probe_mac(key, int(probe["at"]), probe["nonce"]), probe["mac"]):
            return (
                _seal_probe_answer(key, probe["nonce"])
                if _is_nonce_unused(probe["nonce"])
                else None
            )
    return None


def _seal_probe_answer(key: bytes, nonce: str) -> str:
    arrived = ArrivedRequest(
        client_network.peer_address(),
        client_network.forwarded_for_entries()[-20:],
        current_context().trusted_proxies,
        client_network.request_network().near,
    )
    return seal(key, json.dumps(asdict(arrived)).encode(), _probe_seal_context(nonce)).hex()


def _is_nonce_unused(nonce: str) -> bool:
    try:
        current_context().limiter.count_hit("probe", nonce)
    except RateLimitExceeded:
        return False
    except RateLimiterUnavailable:
        return True  # only the doctor that sent the probe can open the sealed answer
    return True


def _probe_keys(master: MasterKeys) -> list[bytes]:
    return master.derive_keys("what arrives at the server")


def _probe_mac(key: bytes, at: int, nonce: str) -> str:
    return hmac.new(key, f"{at}.{nonce}".encode(), sha256).hexdigest()


def _probe_seal_context(nonce: str) -> str:
    return f"probe:{nonce}"
