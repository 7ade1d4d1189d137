"""Finds the network of an address: the part that its owner cannot change at no cost (rule N1).

The owner of one IPv6 address has its whole network, and gets a new port with each connection. So
counters and names use :class:`Network`: one IPv4 address, or the first 64 bits of an IPv6 address
together with its first 48 bits, which providers also give to one customer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

NETWORK_BITS, WIDE_BITS, CROWD_BITS, CROWD_BITS_IPV4 = 64, 48, 32, 16
MAX_ADDRESS_CHARS = 100  # of an address in any spelling, with its port, brackets, quotes and zone
_NAT64 = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48")))
_WITH_PORT = re.compile(
    r"(?P<plain>\d+\.\d+\.\d+\.\d+):\d{1,5}|\[(?P<boxed>[^\[\]]+)\](?::\d{1,5})?"
)
_NINE_GROUPS = re.compile(r"((?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}):\d{1,5}")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Network:
    """The network of a client. ``near`` names the network, ``wide`` the one around it (empty for
    IPv4), and ``crowd`` the one whose counter it shares if there is no room for more counters."""

    near: str
    wide: str = ""
    crowd: str = ""


#: For a request without a known address: a Unix domain socket, or a proxy that hides it.
UNKNOWN_NETWORK = Network("unknown", "", "unknown")


def parse_ip_address(text: str) -> Address | None:
    """Parse an address in any spelling that servers and proxies use: with a port, in brackets or
    quotes, with a zone. Returns ``None`` if the text is not an address."""
    plain = text.strip().strip('"').strip()
    if not plain or len(plain) > MAX_ADDRESS_CHARS:
        return None
    match = _WITH_PORT.fullmatch(plain)
    if match:
        plain = match["plain"] or match["boxed"]
    plain = _NINE_GROUPS.sub(r"\1", plain) if plain.count(":") == 8 else plain
    try:
        return _unwrap_embedded_ipv4(ip_address(plain.partition("%")[0].strip()))
    except ValueError:
        return None


def _unwrap_embedded_ipv4(address: Address) -> Address:
    """Return the IPv4 address embedded in an IPv6 address: mapped, translated (NAT64), or tunnelled
    (6to4, Teredo). In a tunnel, one IPv4 address can choose among many IPv6 addresses. Other
    addresses are returned unchanged."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def parse_network(text: str) -> Network | None:
    """Return the network of an address in any spelling; ``None`` if the text is not an address."""
    return _parse_network_cached(text) if len(text) <= MAX_ADDRESS_CHARS else None


@lru_cache(maxsize=4096)
def _parse_network_cached(text: str) -> Network | None:
    address = parse_ip_address(text)
    if address is None:
        return None
    if isinstance(address, IPv4Address):
        return Network(str(address), "", _network_prefix(address, CROWD_BITS_IPV4))
    return Network(
        _network_prefix(address, NETWORK_BITS),
        _network_prefix(address, WIDE_BITS),
        _network_prefix(address, CROWD_BITS),
    )


def _network_prefix(address: Address, bits: int) -> str:
    host_bits = address.max_prefixlen - bits
    return f"{type(address)(int(address) >> host_bits << host_bits)}/{bits}"


def split_forwarded_for(header: str) -> list[str]:
    """Split ``X-Forwarded-For`` into its entries, that of the nearest proxy last. Each proxy
    appends an entry after the last comma; quotes have no meaning here, so that a quote that the
    client opened cannot swallow an entry."""
    return [part.strip() for part in header.split(",")] if header else []


def find_client_network(peer: str, forwarded: Sequence[str], proxies: int) -> Network:
    """Return the network of a request from ``peer`` through ``proxies`` trusted proxies, each of
    which appended an entry to ``forwarded``.

    Entries before those are written by the client and ignored. If the deciding entry is not an
    address, the next one after it that is an address is used.
    """
    trusted = forwarded[-proxies:] if proxies else ()
    networks = (parse_network(entry) for entry in (*trusted, peer))
    return next((entry for entry in networks if entry is not None), UNKNOWN_NETWORK)
