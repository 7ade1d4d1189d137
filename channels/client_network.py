"""Where the request at hand comes from. Nothing else looks at addresses or forwarding headers."""

from __future__ import annotations

from flask import request

from channels.app_context import current_context
from config import ip_addresses
from config.ip_addresses import Network


def request_network() -> Network:
    """The network that the request at hand comes from, counted over our proxies."""
    return ip_addresses.find_client_network(
        peer_address(), forwarded_for_entries(), current_context().trusted_proxies
    )


def peer_address() -> str:
    """The address that the connection itself comes from; empty for a socket of the file system."""
    return request.remote_addr or ""


def forwarded_for_entries() -> list[str]:
    """The entries of ``X-Forwarded-For``, however many lines of it there were."""
    return ip_addresses.split_forwarded_for(request.headers.get("X-Forwarded-For", ""))
