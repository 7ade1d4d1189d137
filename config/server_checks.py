"""Checks whether connections to other servers could be read or changed on their way."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from config.settings import Settings

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
FaultRow = tuple[Literal["refuse", "warn"], str]


def is_private_connection(base: str) -> bool:
    """Return whether nobody can listen: https, or http to this machine."""
    parts = urlsplit(base)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)
    )


def check_server_connections(s: Settings) -> list[FaultRow]:
    """Check for connections to our own servers that can be intercepted."""
    faults: list[FaultRow] = []
    store = urlsplit(s.store_url)
    options = dict(parse_qsl(store.query))
    host = options.get("host") or store.hostname or ""
    remote = bool(host) and not host.startswith("/") and host not in LOOPBACK_HOSTS
    verified = options.get("sslmode") == "verify-full"
    if store.scheme.startswith("postgresql") and remote and not verified:
        faults.append(
            (
                "warn",
                "VOUCHLINE_DATABASE_URL does not verify the database server: add "
                "?sslmode=verify-full&sslrootcert=… unless its network is your own alone.",
            )
        )
    cache = urlsplit(s.rate_storage)
    if cache.scheme.startswith("redis") and "ssl_cert_reqs=none" in cache.query.lower():
        faults.append(
            ("refuse", "VOUCHLINE_RATE_STORAGE must not switch the certificate check off.")
        )
    elif re.match(r"redis(?!s)", cache.scheme) and cache.hostname not in (*LOOPBACK_HOSTS, None):
        faults.append(
            (
                "warn",
                "VOUCHLINE_RATE_STORAGE reaches Redis without TLS: use a rediss:// address "
                "unless its network is your own alone.",
            )
        )
    return faults
