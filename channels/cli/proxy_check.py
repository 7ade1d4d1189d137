"""The doctor's check of the proxies in front of the running server.

It sends requests to the public address and compares what the server received with what was sent, to
find how many proxies there are.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPException
from ipaddress import IPv6Address
from secrets import randbits
from threading import Thread
from typing import Any

from channels import proxy_detection
from channels.app_context import current_context, current_time
from channels.proxy_detection import ArrivedRequest
from config import ip_addresses
from config.settings_checks import SettingsFinding
from vault.keys.master_keys import MasterKeys

REQUEST_SECONDS, TOTAL_SECONDS = 5, 12
_DOCUMENTATION_PREFIX = 0x20010DB8 << 96


class ServerNotAsked(Exception):
    """Raised when the running server could not be asked; the finding says why."""

    def __init__(self, finding: SettingsFinding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding


def find_proxy_faults(base: str) -> list[SettingsFinding]:
    """Return the faults of the proxies in front of the server at ``base``, its public address.

    Takes a few seconds at most. Raises :class:`ServerNotAsked`.
    """
    forged = [_forge_address(), f'"{_forge_address()}', _forge_address()]
    arrived = _ask_with_deadline(base, {"X-Forwarded-For": ", ".join(forged)})
    faults = _compare_proxy_counts(base, arrived, forged)
    if faults or not arrived.counted:
        return faults
    mark = _forge_address()
    below = _ask_with_deadline(base, {"X_Forwarded_For": mark})
    return [SettingsFinding("refuse", UNDERSCORE_HEADER_FAULT)] if mark in below.entries else []


UNDERSCORE_HEADER_FAULT = (
    "The proxy passes headers on whose names have an underscore, and X_Forwarded_For replaces "
    "X-Forwarded-For here: let it drop them, or everybody chooses their own address."
)


def _compare_proxy_counts(
    base: str, arrived: ArrivedRequest, forged: list[str]
) -> list[SettingsFinding]:
    """Compare the number of proxies that added an entry with the configured number."""
    added = _count_added_entries(arrived.entries, forged)
    behind_tls = base.startswith("https://")
    if not added and behind_tls:
        return [SettingsFinding("refuse", _ADDS_NOTHING_FAULT.format(base=base))]
    if arrived.counted != added:
        few = arrived.counted < added
        return [SettingsFinding("refuse", _wrong_count_sentence(arrived.counted, added, few=few))]
    if added and ip_addresses.parse_network(arrived.entries[-added]) is None:
        return [SettingsFinding("refuse", _NO_ADDRESS_FAULT)]
    return []


_ADDS_NOTHING_FAULT = (
    "No proxy before {base} adds to X-Forwarded-For the address that it was asked from, so all "
    "customers count as one: let it (docs/operators/production.md), and count it in "
    "VOUCHLINE_TRUSTED_PROXIES."
)
_NO_ADDRESS_FAULT = (
    "The first proxy writes no address into X-Forwarded-For: let it write the client's."
)


def _wrong_count_sentence(counted: int, added: int, *, few: bool) -> str:
    stand = f"{added} proxies add" if added != 1 else "1 proxy adds"
    then = (
        "all customers count as one address"
        if few
        else "everybody chooses their own address by writing that header themselves"
    )
    return (
        f"VOUCHLINE_TRUSTED_PROXIES is {counted} where the server runs, but {stand} to "
        f"X-Forwarded-For: {then}. Set it to {added}."
    )


def _count_added_entries(entries: list[str], forged: list[str]) -> int:
    """Return how many entries proxies appended after ours. A proxy may also have dropped ours."""
    last = max((at for at, entry in enumerate(entries) if entry in forged), default=-1)
    return len(entries) - 1 - last


def _forge_address() -> str:
    """Return a random address of the documentation range (RFC 3849), which nobody has or can
    guess."""
    return str(IPv6Address(_DOCUMENTATION_PREFIX | randbits(96)))


def _ask_with_deadline(base: str, headers: Mapping[str, str]) -> ArrivedRequest:
    """Return the answer, or raise if there is none in time: resolving a name has no timeout of its
    own."""
    got: list[ArrivedRequest | ServerNotAsked] = []
    master, moment = current_context().master, current_time()

    def collect_server_answer() -> None:
        try:
            got.append(_ask_running_server(base, headers, master, moment))
        except ServerNotAsked as error:
            got.append(error)

    thread = Thread(target=collect_server_answer, daemon=True)
    thread.start()
    thread.join(TOTAL_SECONDS)
    answer = got[0] if got else _server_unreachable(base, "no answer in time")
    if isinstance(answer, ServerNotAsked):
        raise answer
    return answer


def _ask_running_server(
    base: str, headers: Mapping[str, str], master: MasterKeys, moment: datetime
) -> ArrivedRequest:
    word, nonce = proxy_detection.make_probe_header(master, moment)
    request = urllib.request.Request(  # noqa: S310  (http or https, as the settings require)
        f"{base}/healthz", headers={**headers, proxy_detection.PROBE_HEADER: word}
    )
    # Connect directly, without the proxy this machine may use for its own requests.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(request, timeout=REQUEST_SECONDS) as response:
            body: Any = json.loads(response.read(65536))
    except (urllib.error.HTTPError, HTTPException, ValueError):
        raise _foreign_server(base) from None
    except OSError as error:
        raise _connection_failure(base, error) from None
    sealed = body.get("probe") if isinstance(body, dict) else None
    arrived = (
        proxy_detection.open_probe_answer(master, nonce, sealed)
        if isinstance(sealed, str)
        else None
    )
    if arrived is None:
        raise _foreign_server(base)
    return arrived


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a server that redirects is not this one."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _connection_failure(base: str, error: OSError) -> ServerNotAsked:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLError):
        detail = getattr(reason, "verify_message", "") or reason.reason or "TLS fails"
        sentence = (
            f"The certificate at {base} does not hold ({detail}): browsers refuse to open it."
        )
        return ServerNotAsked(SettingsFinding("refuse", sentence))
    detail = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return _server_unreachable(base, detail)


def _server_unreachable(base: str, reason: str) -> ServerNotAsked:
    sentence = (
        f"No server could be asked at {base} ({reason}), so the proxies before it are not counted: "
        "run this again while it serves."
    )
    return ServerNotAsked(SettingsFinding("warn", sentence))


def _foreign_server(base: str) -> ServerNotAsked:
    sentence = (
        f"What answers at {base} is not this installation, or has other master keys, or is older: "
        "look at VOUCHLINE_PUBLIC_URL and at the proxy."
    )
    return ServerNotAsked(SettingsFinding("refuse", sentence))
