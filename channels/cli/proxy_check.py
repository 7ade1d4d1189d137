"""What the doctor asks of the running server, through its public address: what arrived there of a
request whose way we know, and so how many proxies stand before it."""

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
from channels.app_context import ctx, now
from channels.proxy_detection import Arrived
from config import ip_addresses
from config.settings_checks import Finding
from vault.keys.master_keys import MasterKeys

SECONDS, IN_ALL = 5, 12
_DOCUMENTATION = 0x20010DB8 << 96


class NotAsked(Exception):
    """The running server could not be asked; the finding says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding


def findings(base: str) -> list[Finding]:
    """What is wrong about the proxies before the server at ``base``, its public address. Raises
    :class:`NotAsked`. It takes some seconds at the most."""
    forged = [_forged(), f'"{_forged()}', _forged()]
    arrived = _in_time(base, {"X-Forwarded-For": ", ".join(forged)})
    found = _counted(base, arrived, forged)
    if found or not arrived.counted:
        return found
    mark = _forged()
    below = _in_time(base, {"X_Forwarded_For": mark})
    return [Finding("refuse", UNDERSCORE)] if mark in below.entries else []


UNDERSCORE = (
    "The proxy passes headers on whose names have an underscore, and X_Forwarded_For replaces "
    "X-Forwarded-For here: let it drop them, or everybody chooses their own address."
)


def _counted(base: str, arrived: Arrived, forged: list[str]) -> list[Finding]:
    """Compare the proxies that added something with those that are counted."""
    added = _added(arrived.entries, forged)
    behind_tls = base.startswith("https://")
    if not added and behind_tls:
        return [Finding("refuse", _ADDS_NOTHING.format(base=base))]
    if arrived.counted != added:
        few = arrived.counted < added
        return [Finding("refuse", _wrong(arrived.counted, added, few=few))]
    if added and ip_addresses.network_of(arrived.entries[-added]) is None:
        return [Finding("refuse", _NO_ADDRESS)]
    return []


_ADDS_NOTHING = (
    "No proxy before {base} adds to X-Forwarded-For the address that it was asked from, so all "
    "customers count as one: let it (docs/production.md), and count it in "
    "VOUCHLINE_TRUSTED_PROXIES."
)
_NO_ADDRESS = "The first proxy writes no address into X-Forwarded-For: let it write the client's."


def _wrong(counted: int, added: int, *, few: bool) -> str:
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


def _added(entries: list[str], forged: list[str]) -> int:
    """How many entries proxies added behind ours; a proxy may also have thrown ours away."""
    last = max((at for at, each in enumerate(entries) if each in forged), default=-1)
    return len(entries) - 1 - last


def _forged() -> str:
    """An address that nobody has (RFC 3849), and nobody can know of beforehand."""
    return str(IPv6Address(_DOCUMENTATION | randbits(96)))


def _in_time(base: str, headers: Mapping[str, str]) -> Arrived:
    """The answer, or that there was none in time: finding a name's address has no time limit."""
    got: list[Arrived | NotAsked] = []
    master, moment = ctx().master, now()

    def work() -> None:
        try:
            got.append(_ask(base, headers, master, moment))
        except NotAsked as error:
            got.append(error)

    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join(IN_ALL)
    found = got[0] if got else _unreachable(base, "no answer in time")
    if isinstance(found, NotAsked):
        raise found
    return found


def _ask(base: str, headers: Mapping[str, str], master: MasterKeys, moment: datetime) -> Arrived:
    word, nonce = proxy_detection.question(master, moment)
    request = urllib.request.Request(  # noqa: S310  (http or https, as the settings require)
        f"{base}/healthz", headers={**headers, proxy_detection.HEADER: word}
    )
    # Straight to the address, whatever proxy this machine uses for its own requests.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(request, timeout=SECONDS) as response:
            body: Any = json.loads(response.read(65536))
    except (urllib.error.HTTPError, HTTPException, ValueError):
        raise _not_ours(base) from None
    except OSError as error:
        raise _failed(base, error) from None
    sealed = body.get("probe") if isinstance(body, dict) else None
    arrived = proxy_detection.answered(master, nonce, sealed) if isinstance(sealed, str) else None
    if arrived is None:
        raise _not_ours(base)
    return arrived


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What leads elsewhere is not our server."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _failed(base: str, error: OSError) -> NotAsked:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLError):
        said = getattr(reason, "verify_message", "") or reason.reason or "TLS fails"
        sentence = f"The certificate at {base} does not hold ({said}): browsers refuse to open it."
        return NotAsked(Finding("refuse", sentence))
    said = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return _unreachable(base, said)


def _unreachable(base: str, reason: str) -> NotAsked:
    sentence = (
        f"No server could be asked at {base} ({reason}), so the proxies before it are not counted: "
        "run this again while it serves."
    )
    return NotAsked(Finding("warn", sentence))


def _not_ours(base: str) -> NotAsked:
    sentence = (
        f"What answers at {base} is not this installation, or has other master keys, or is older: "
        "look at VOUCHLINE_PUBLIC_URL and at the proxy."
    )
    return NotAsked(Finding("refuse", sentence))
