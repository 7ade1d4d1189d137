"""Finds out where a request comes from. No other module reads addresses or forwarding headers."""

from __future__ import annotations

from flask import request

from channels.app_context import current_context
from config import ip_addresses
from config.ip_addresses import Network


def request_network() -> Network:
    """Return the network of the current request's client, found behind the trusted proxies."""
    return ip_addresses.find_client_network(
        peer_address(), forwarded_for_entries(), current_context().trusted_proxies
    )


def peer_address() -> str:
    """Return the peer address of the connection; empty for a Unix domain socket."""
    return request.remote_addr or ""


def forwarded_for_entries() -> list[str]:
    """Return the entries of ``X-Forwarded-For``, from all of its header lines."""
    return ip_addresses.split_forwarded_for(request.headers.get("X-Forwarded-For", ""))
