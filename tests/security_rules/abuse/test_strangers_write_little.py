"""What strangers try and fail at is counted, and written once an hour for each network and kind: no
flood of tries fills the audit log, or any other table.

Every route is walked that a stranger can reach. A new one that writes at each failed try
fails here.
"""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlmodel import SQLModel
from werkzeug.routing import Rule

from channels import proxy_detection
from channels.twilio import signature
from tests import databases
from tests.channels.conftest import Console, make_console

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
ANA = "ana@example.org"
TRIES = 10
#: What each request writes, because that is what it is for; its limits bound it.
KEPT = {
    ("POST", "/check"),  # each check has its entry; 300 a minute from one network
    ("POST", "/api/v1/checks"),
    ("POST", "/report"),  # a report is kept; 10 a minute, 60 an hour
    ("POST", "/api/v1/reports"),
    ("POST", "/my/number"),  # a page number is sent; 30 in 10 minutes, three an hour to a number
}
#: A few rows: one for the network, and four more for the rest of its /48.
FEW = 5


@pytest.fixture
def console(database, tmp_path):
    made = make_console(
        database,
        tmp_path,
        trusted_proxies=1,
        sign_in_limit="100000/second",
        page_number_limit_per_network="15/minute",
        check_limit_per_network="15/minute",
        public_url="https://check.example.org",
        twilio_auth_token="t",
    )
    made.member(ANA)
    made.customer()
    yield made
    made.context.engine.dispose()


def rows(console: Console) -> dict[str, int]:
    """How many there are in each table."""
    tables = SQLModel.metadata.sorted_tables
    with console.context.engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
        }


def grown(console: Console, before: dict[str, int]) -> dict[str, int]:
    after = rows(console)
    return {name: after[name] - before[name] for name in after if after[name] > before[name]}


def spread() -> Any:
    """Addresses of one /64, as one stranger has them."""
    return (f"2001:db8:1:2:{n:x}:{n:x}::1" for n in itertools.count(1))


def routes(console: Console) -> list[tuple[str, Rule]]:
    rules = console.app.url_map.iter_rules()
    return [
        (method, rule)
        for rule in rules
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if not rule.rule.startswith(("/static", "/bootstrap", "/demo/"))
    ]


def path(rule: Rule, n: int) -> str:
    """An address of the route with names that nobody has."""
    names = {
        name: str(UUID(int=n)) if "UUID" in type(converter).__name__ else f"token{n}"
        for name, converter in rule._converters.items()
    }
    found = rule.build(names)
    assert found is not None
    return found[1]


def bad(client: FlaskClient, token: str, method: str, rule: Rule, n: int, where: str) -> int:
    """One try that cannot succeed, however it is sent."""
    headers = {"X-Forwarded-For": where, "X-CSRFToken": token, "X-Twilio-Signature": f"bad{n}"}
    headers |= {"Authorization": f"Bearer vl_{n:043d}"}
    said = {
        "phone": f"+4474009{n:05d}",
        "code": f"{n:06d}",
        "number": f"{n:06d}",
        "email": f"n{n}@nowhere.example",
        "password": "wrong wrong wrong",
        "piece": f"{n:06d}",
        "answer": {"id": f"x{n}"},
    }
    if rule.rule.startswith("/api/v1/"):
        said = {
            name: said[name] for name in (("phone", "code") if "check" in rule.rule else ("phone",))
        }
    more: dict[str, Any] = {"json": said}
    if method == "POST" and not rule.rule.startswith("/api/") and "passkey" not in rule.rule:
        more = {"data": {**{k: v for k, v in said.items() if k != "answer"}, "csrf_token": token}}
    return client.open(
        path(rule, n), method=method, headers=headers, base_url="https://check.example.org",
        **(more if method != "GET" else {}),
    ).status_code  # fmt: skip


def stranger(console: Console) -> tuple[FlaskClient, str]:
    client = console.app.test_client()
    page = client.get("/staff/sign-in", base_url="https://check.example.org").text
    return client, CSRF.search(page)[1]


def test_no_route_writes_at_each_failed_try_of_a_stranger(sqlite_template, tmp_path):
    """Was red on c916469: /staff/sign-in/passkey, /staff/sign-in, /my/prove."""
    console = make_console(
        databases.sqlite_copy(sqlite_template, tmp_path),
        tmp_path,
        trusted_proxies=1,
        page_number_limit_per_network="100000/second",
        public_url="https://check.example.org",
        twilio_auth_token="t",
    )
    client, token = stranger(console)
    addresses, found = spread(), {}
    for method, rule in routes(console):
        if (method, rule.rule) in KEPT:
            continue
        before = rows(console)
        for n in range(TRIES):
            assert bad(client, token, method, rule, n, next(addresses)) != 500
        new = grown(console, before)
        if sum(new.values()) > FEW:
            found[f"{method} {rule.rule}"] = new
    assert found == {}
    console.context.engine.dispose()


@pytest.mark.parametrize("kept", sorted(KEPT))
def test_what_is_kept_of_a_strangers_is_bounded_by_their_network(console, kept):
    (found,) = [route for route in routes(console) if (route[0], route[1].rule) == kept]
    client, token = stranger(console)
    before, addresses = rows(console), spread()
    told = [bad(client, token, *found, n, next(addresses)) for n in range(30)]
    assert 500 not in told
    assert told.count(429) >= 15
    assert grown(console, before).get("audit_entry", 0) <= 15


COUNTS = [120, pytest.param(1000, marks=[pytest.mark.campaign, pytest.mark.long])]


@pytest.mark.parametrize("count", COUNTS)
def test_bad_passkeys_make_one_entry_an_hour(console, count):
    """Was red on c916469: one entry each."""
    client, token = stranger(console)
    addresses = spread()
    for n in range(count):
        answer = client.post(
            "/staff/sign-in/passkey",
            json={"answer": {"x": n}},
            headers={"X-CSRFToken": token, "X-Forwarded-For": next(addresses)},
            base_url="https://check.example.org",
        )
        assert answer.status_code == 403
    assert len(console.trail("staff.sign_in_failed")) == 1


def test_from_a_whole_48_bits_they_make_a_few(console):
    client, token = stranger(console)
    for n in range(60):
        where = {"X-CSRFToken": token, "X-Forwarded-For": f"2001:db8:1:{n:x}::1"}
        body = {"answer": {"x": n}}
        base = "https://check.example.org"
        client.post("/staff/sign-in/passkey", json=body, headers=where, base_url=base)
    assert len(console.trail("staff.sign_in_failed")) == FEW


def test_wrong_sign_ins_at_nobodys_accounts_make_one_entry_and_somebodys_are_noted(console):
    """Was red on c916469: one entry each."""
    client, token = stranger(console)
    addresses = spread()
    for email in [*(f"n{n}@nowhere.example" for n in range(30)), ANA]:
        form = {"csrf_token": token, "email": email, "password": "wrong", "code": "1"}
        answer = client.post(
            "/staff/sign-in",
            data=form,
            headers={"X-Forwarded-For": next(addresses)},
            base_url="https://check.example.org",
        )
        assert answer.status_code == 403
    failed = console.trail("staff.sign_in_failed")
    assert [item.detail for item in failed] == ["unknown", "password"]


def test_tries_beyond_a_limit_at_nobodys_accounts_make_one_entry(database, tmp_path):
    """Was red on c916469: one for each address that was typed."""
    console = make_console(database, tmp_path, trusted_proxies=1, sign_in_limit="3/minute")
    client = console.app.test_client()
    token = CSRF.search(client.get("/staff/sign-in").text)[1]
    addresses = spread()
    for n in range(30):
        form = {"csrf_token": token, "email": f"n{n % 6}@nowhere.example", "password": "x"}
        headers = {"X-Forwarded-For": next(addresses)}
        client.post("/staff/sign-in", data=form, headers=headers)
    assert len(console.trail("staff.locked")) == 1
    assert len(console.trail("staff.sign_in_failed")) == 1
    console.context.engine.dispose()


def test_unsigned_webhooks_are_logged_once_an_hour(console, monkeypatch):
    """Was red on c916469."""
    said: list[str] = []
    told = SimpleNamespace(warning=lambda event, **_: said.append(event))
    monkeypatch.setattr(signature, "log", told)
    client, _ = stranger(console)
    addresses = spread()
    for _n in range(30):
        headers = {"X-Forwarded-For": next(addresses), "X-Twilio-Signature": "x"}
        assert client.post("/twilio/sms", data={"a": "b"}, headers=headers).status_code == 403
    assert said == ["unsigned webhook"]


def test_what_asks_like_the_doctor_and_is_not_learns_and_writes_nothing(console):
    client, _ = stranger(console)
    before = rows(console)
    for n in range(30):
        for word in (f"1764280800.{n:032x}.{'0' * 64}", "x", "é" * 50, "", "1.2.3", "9" * 5000):
            answer = client.get("/healthz", headers={proxy_detection.PROBE_HEADER: word})
            assert answer.json == {"status": "ok"}
    assert grown(console, before) == {}
