"""The network that an address belongs to: the part its owner cannot change for nothing (rule N1).

The owner of one IPv6 address has its whole network, and gets a new port by asking again. So counts
and names use :class:`Network`: one IPv4 address, or the first 64 bits of an IPv6 address together
with the first 48 around them, which providers give to one customer too.
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
    """Where a request comes from. ``near`` names the network, ``wide`` the one around it (empty
    for IPv4), and ``crowd`` the one whose count it shares when there is room for no more counts."""

    near: str
    wide: str = ""
    crowd: str = ""


#: Of a request whose address nobody told: a socket in the file system, or a proxy that hides it.
UNKNOWN_NETWORK = Network("unknown", "", "unknown")


def parse_ip_address(text: str) -> Address | None:
    """Parse an address in any spelling that servers and proxies use: with a port, in brackets or
    quotes, with a zone. Returns ``None`` if the text is not an address."""
    plain = text.strip().strip('"').strip()
    if not plain or len(plain) > MAX_ADDRESS_CHARS:
        return None
    found = _WITH_PORT.fullmatch(plain)
    if found:
        plain = found["plain"] or found["boxed"]
    plain = _NINE_GROUPS.sub(r"\1", plain) if plain.count(":") == 8 else plain
    try:
        return _unwrap_embedded_ipv4(ip_address(plain.partition("%")[0].strip()))
    except ValueError:
        return None


def _unwrap_embedded_ipv4(address: Address) -> Address:
    """The IPv4 address behind an IPv6 address that is made from it: mapped, translated (NAT64), or
    tunnelled (6to4, Teredo). In a tunnel, one IPv4 address could choose among many of IPv6. Other
    addresses are returned unchanged."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in item for item in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def parse_network(text: str) -> Network | None:
    """The network of an address in any spelling, ``None`` when it is none."""
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
    kept = address.max_prefixlen - bits
    return f"{type(address)(int(address) >> kept << kept)}/{bits}"


def split_forwarded_for(header: str) -> list[str]:
    """The entries of ``X-Forwarded-For``, the nearest proxy's last. Each proxy adds one behind the
    last comma; quotes mean nothing here, so that none that a client opened can swallow it."""
    return [part.strip() for part in header.split(",")] if header else []


def find_client_network(peer: str, forwarded: Sequence[str], proxies: int) -> Network:
    """The network of a request that came from ``peer`` through so many ``proxies`` of ours, each
    of which added an entry to ``forwarded``.

    What stands before those entries is the client's own writing and counts for nothing. Where the
    entry that counts holds no address, the nearest behind it that does is taken.
    """
    ours = forwarded[-proxies:] if proxies else ()
    found = (parse_network(item) for item in (*ours, peer))
    return next((item for item in found if item is not None), UNKNOWN_NETWORK)
