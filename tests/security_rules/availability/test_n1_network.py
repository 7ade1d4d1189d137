"""N1: what counts or names where a request comes from uses its network, over proxies as counted.

An address, a port, a spelling, a header: what its owner can change for nothing is no identity.
"""

from __future__ import annotations

import re
from collections import Counter
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from channels import client_network
from config import ip_addresses
from config.ip_addresses import (
    UNKNOWN_NETWORK,
    Network,
    find_client_network,
    parse_network,
    split_forwarded_for,
)
from tests.channels.conftest import Console, make_console

ROOT = Path(__file__).resolve().parents[3]
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
V6 = st.integers(0x2000 << 112, (0x4000 << 112) - 1).map(IPv6Address)
PORT = st.integers(0, 65535)
#: What a client can write into the header, or a proxy instead of an address.
WRITTEN = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60)


def plain(address: IPv6Address) -> bool:
    """Not one that stands for an address of IPv4."""
    return not (address.sixtofour or address.teredo)


def spelled(address: IPv4Address, port: int) -> list[str]:
    """One IPv4 address in all the spellings that it arrives in."""
    number = int(address)
    return [
        str(address),
        f"{address}:{port}",
        f'"{address}:{port}"',
        f" {address} ",
        f"::ffff:{address}",
        f"[::ffff:{address}]:{port}",
        f"::FFFF:{number >> 16:x}:{number & 0xFFFF:x}",
        f"64:ff9b::{address}",
        f"64:ff9b:1::{number >> 16:x}:{number & 0xFFFF:x}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::{port:x}",
        str(IPv6Address(0x20010000 << 96 | 7 << 64 | port << 32 | number ^ 0xFFFFFFFF)),
    ]


@given(V4, PORT)
def test_an_ipv4_address_is_one_network_however_it_is_spelled_and_whatever_the_port(address, port):
    assert {parse_network(item) for item in spelled(address, port)} == {
        Network(str(address), "", f"{IPv4Address(int(address) >> 16 << 16)}/16")
    }


@given(V6.filter(plain), st.integers(0, 2**64 - 1), PORT)
def test_what_the_owner_of_an_ipv6_network_can_change_changes_nothing(address, rest, port):
    other = IPv6Address(int(address) >> 64 << 64 | rest)
    forms = [str(address), str(other), other.exploded.upper(), f"[{other}]:{port}", f"[{other}]"]
    forms += [f'"[{other}]:{port}"', f"{other}%eth0", f"{other.exploded}:{port}"]
    (found,) = {parse_network(form) for form in forms}
    assert found == Network(
        f"{IPv6Address(int(address) >> 64 << 64)}/64",
        f"{IPv6Address(int(address) >> 80 << 80)}/48",
        f"{IPv6Address(int(address) >> 96 << 96)}/32",
    )


@given(V6.filter(plain), st.integers(64, 127))
def test_other_networks_are_others(address, bit):
    other = IPv6Address(int(address) ^ 1 << bit)
    if plain(other):
        assert parse_network(str(other)).near != parse_network(str(address)).near


@pytest.mark.parametrize("text", ["fe80::1%eth0", "[fe80::1%eth0]:443", "fe80::2%25en1"])
def test_a_zone_is_no_part_of_it(text):
    assert parse_network(text).near == "fe80::/64"


@pytest.mark.parametrize(
    "text",
    ["", " ", "unknown", "_hidden", "unix:", "unix:/run/x.sock", "1.2.3", "1.2.3.4.5", "[::1",
     "::1]", "1.2.3.4:", "1.2.3.4:x", "[1.2.3.4", "2001:db8::1::2", "x" * 5000, "1.2.3.4, 5.6.7.8",
     "0x7f.1", "127.1", "010.0.0.1", '"', "for=1.2.3.4", "é", "\ud800", "1.2.3.4\x00"],
)  # fmt: skip
def test_what_is_no_address_is_none(text):
    assert parse_network(text) is None


@given(WRITTEN)
def test_nothing_that_is_written_there_raises(text):
    found = parse_network(text)
    assert found is None or found.near


# Counted over proxies.


@given(WRITTEN, V4, st.integers(1, 5), st.sampled_from([",", ", ", " ,  ", ",\t"]))
def test_whatever_a_client_writes_the_entry_of_our_outermost_proxy_counts(text, real, hops, parted):
    inner = [f"10.0.0.{n}" for n in range(hops - 1)]
    header = parted.join([text, str(real), *inner])
    assert find_client_network("127.0.0.1", split_forwarded_for(header), hops) == parse_network(
        str(real)
    )


@given(WRITTEN, V4)
def test_without_proxies_no_header_counts(text, peer):
    assert find_client_network(str(peer), split_forwarded_for(text), 0) == parse_network(str(peer))


@pytest.mark.parametrize("entry", ["unknown", "", "unix:", "_x", '"'])
def test_an_entry_without_an_address_is_the_nearest_behind_it_that_has_one(entry):
    assert find_client_network("127.0.0.1", ["9.9.9.9", entry, "10.0.0.2"], 2) == parse_network(
        "10.0.0.2"
    )
    assert find_client_network("192.0.2.7", ["9.9.9.9", entry], 1) == parse_network("192.0.2.7")
    assert find_client_network("", ["9.9.9.9", entry], 1) == UNKNOWN_NETWORK
    assert find_client_network("unix:", [], 0) == UNKNOWN_NETWORK


def test_with_fewer_entries_than_proxies_it_is_the_furthest_known():
    assert find_client_network("127.0.0.1", ["198.51.100.7"], 3) == parse_network("198.51.100.7")
    assert find_client_network("127.0.0.1", [], 1) == parse_network("127.0.0.1")


# Every limit by address.


@pytest.fixture
def behind_one(database, tmp_path):
    made = make_console(database, tmp_path, trusted_proxies=1, sign_in_limit="10/5 minutes")
    yield made
    made.context.engine.dispose()


def reports(client: FlaskClient, addresses: Any) -> list[int]:
    return [
        client.post(
            "/api/v1/reports",
            json={"phone": f"+4474009{n:05d}"},
            headers={"X-Forwarded-For": each},
        ).status_code
        for n, each in enumerate(addresses)
    ]


SPREAD = {
    "one /64": [f"2001:db8:1:2:{n:x}::{n:x}" for n in range(25)],
    "ports": [f"203.0.113.8:{50000 + n}" for n in range(25)],
    "ports of IPv6": [f"[2001:db8::1]:{50000 + n}" for n in range(25)],
    "quoted": [f'"[2001:db8::{n}]:{n}"' for n in range(25)],
    "mapped": [f"{'::ffff:' * (n % 2)}203.0.113.9" for n in range(25)],
    "6to4": [f"2002:cb00:7108:{n:x}::1" for n in range(25)],
    "NAT64": ["203.0.113.9", *(f"64:ff9b::203.0.113.9%{n}" for n in range(24))],
    "forged before it": [f"198.51.100.{n}, 203.0.113.8" for n in range(25)],
    "an open quote": [f'"x{n}, 203.0.113.8' for n in range(25)],
    "empty elements": [f"{',' * n} 203.0.113.8" for n in range(25)],
    "hidden": [f"198.51.100.{n}, unknown" for n in range(25)],
    "zones": [f"fe80::{n}%eth{n}" for n in range(25)],
}


@pytest.mark.parametrize("kind", SPREAD)
def test_one_network_gets_one_networks_reports(behind_one, kind):
    """Was red on c916469, but for what is forged before the entry, open quotes and elements that
    are empty."""
    found = reports(behind_one.app.test_client(), SPREAD[kind])
    assert found == [201] * 10 + [429] * 15


def test_a_network_of_48_bits_gets_several_times_as_many_and_no_more(behind_one):
    """Was red on c916469."""
    spread = [f"2001:db8:1:{n:x}::1" for n in range(70)]
    found = Counter(reports(behind_one.app.test_client(), spread))
    assert found == {201: 50, 429: 20}
    assert reports(behind_one.app.test_client(), ["2001:db8:2:1::1"]) == [201]


def test_several_lines_of_the_header_count_as_one(behind_one):
    client = behind_one.app.test_client()
    told = []
    for n in range(12):
        lines = [("X-Forwarded-For", f"198.51.100.{n}"), ("X-Forwarded-For", "203.0.113.5")]
        body = {"phone": f"+4474009{n:05d}"}
        told.append(client.post("/api/v1/reports", json=body, headers=lines).status_code)
    assert told == [201] * 10 + [429] * 2


def test_a_header_that_nobody_counts_changes_nothing(database, tmp_path):
    console = make_console(database, tmp_path)
    spread = [f"198.51.100.{n}" for n in range(12)]
    assert reports(console.app.test_client(), spread) == [201] * 10 + [429] * 2
    console.context.engine.dispose()


@pytest.mark.parametrize("kind", ["ports", "6to4"])
def test_wrong_sign_ins_and_page_numbers_count_by_network_too(behind_one, kind):
    """Was red on c916469."""
    told = Counter(_sign_in(behind_one, each, n) for n, each in enumerate(SPREAD[kind]))
    assert told == {403: 10, 429: 15}
    client = behind_one.app.test_client()
    token = CSRF.search(client.get("/my").text)[1]
    asked = []
    for n in range(40):
        where = {"X-Forwarded-For": SPREAD[kind][n % 25]}
        form = {"csrf_token": token, "phone": f"+4474009{n:05d}"}
        asked.append(client.post("/my/prove", data=form, headers=where).status_code)
    assert asked.count(429) == 10


def _sign_in(console: Console, address: str, n: int) -> int:
    client, where = console.app.test_client(), {"X-Forwarded-For": address}
    token = CSRF.search(client.get("/staff/sign-in").text)[1]
    form = {"csrf_token": token, "email": f"n{n}@nowhere.example", "password": "x", "code": "1"}
    return client.post("/staff/sign-in", data=form, headers=where).status_code


# Nothing else looks at addresses.

_LOOKS = re.compile(
    r"remote_addr|REMOTE_ADDR|access_route|X[-_]Forwarded[-_]For|X[-_]Real[-_]IP|host_url|"
    r"environ\[|environ\.get",
    re.IGNORECASE,
)
_MAY = {"channels/client_network.py", "channels/proxy_detection.py", "channels/cli/proxy_check.py",
        "config/ip_addresses.py", "config/request_reader.py", "channels/security_headers.py",
        "channels/rate_limits.py",
        "config/server.py"}  # fmt: skip


def test_nothing_else_looks_at_addresses():
    """Was red on c916469."""
    folders = ("channels", "config", "people", "incidents", "procedures", "messaging", "scheduling")
    found = {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if _LOOKS.search(path.read_text())
    }
    assert found <= _MAY, found - _MAY
    assert ip_addresses.parse_network is parse_network
    assert callable(client_network.request_network)
