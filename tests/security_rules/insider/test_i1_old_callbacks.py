"""A callback that has been over for thirty days gives its agent nothing any more: not its customer,
and no act that would give it back (I1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from people.models import Staff
from people.staff import api_tokens
from scheduling import callback_rows
from scheduling.models import Callback
from tests.channels.conftest import Console, Tab, make_console

AT = "2027-01-20T11:00:00+00:00"
NOBODY = "00000000-0000-0000-0000-000000000000"
#: What the routes of the API take, by the end of their address.
BODIES = {
    "end": {"outcome": "reached"},
    "move": {"starts_at": AT},
    "revive": {"starts_at": AT},
    "hand-over": {"agent": NOBODY},
}
FORM = {
    **{"on": "2027-01-20", "at": "11:00", "agent": NOBODY, "outcome": "reached"},
    **{"phone": "+447400123999", "why": "a good reason for it"},
}


@pytest.fixture
def console(database, tmp_path) -> Iterator[Console]:
    made = make_console(database, tmp_path)
    yield made
    made.context.engine.dispose()


def routes(console: Console) -> list[tuple[str, str]]:
    """Method and rule of each address of one callback that is not a customer's own."""
    return [
        (method, rule.rule)
        for rule in console.app.url_map.iter_rules()
        if rule.arguments in ({"callback_id"}, {"id"})
        if rule.rule.startswith(("/staff/callback/", "/api/v1/callbacks/"))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def asked(console: Console, tab: Tab, bearer: str, method: str, rule: str, callback_id) -> int:
    path = rule.replace("<uuid:callback_id>", str(callback_id)).replace(
        "<uuid:id>", str(callback_id)
    )
    if path.startswith("/api/"):
        headers = {"Authorization": f"Bearer {bearer}"}
        body = BODIES.get(path.rpartition("/")[2])
        client = console.app.test_client()
        return client.open(path, method=method, headers=headers, json=body).status_code
    return (tab.get(path) if method == "GET" else tab.post(path, FORM)).status_code


@pytest.mark.parametrize("state", ["booked", "started", "missed", "cancelled", "ended"])
def test_thirty_days_after_its_end_no_route_takes_it(console, state):
    """Was red on c916469: it could be booked again, and a change of the number be asked for by it;
    one that was still called booked could be read for ever."""
    agent, _ = console.agent()
    callback_id = console.callback(agent)
    with console.unit() as session:
        bearer = api_tokens.create_api_token(
            session, session.get_one(Staff, agent), "", console.now
        )
        row = session.get_one(Callback, callback_id)
        row.state = state
        row.ended_at = row.ends_at if state not in ("booked", "started") else None
        session.add(row)
        over = row.ends_at
    console.moment[0] = over + timedelta(days=30)
    tab = console.sign_in("ana@example.org")
    before = rows(console)
    found = routes(console)
    assert len(found) >= 17
    for method, rule in found:
        assert asked(console, tab, bearer, method, rule, callback_id) == 404, (method, rule)
    assert rows(console) == before
    assert not console.trail("customer.read")


def test_until_then_it_is_read(console):
    agent, _ = console.agent()
    callback_id = console.callback(agent)
    with console.unit() as session:
        row = session.get_one(Callback, callback_id)
        row.state, row.ended_at = "missed", row.ends_at
        session.add(row)
        over = row.ends_at
    console.moment[0] = over + timedelta(days=30) - timedelta(minutes=1)
    tab = console.sign_in("ana@example.org")
    console.moment[0] = over + timedelta(days=30) - timedelta(microseconds=1)
    assert tab.get(f"/staff/callback/{callback_id}").status_code == 200


def rows(console: Console) -> list[tuple[object, ...]]:
    with console.unit() as session:
        return [
            (row.state, row.starts_at, row.agent_id) for row in session.exec(select(Callback)).all()
        ]


def test_a_booking_far_ahead_is_no_old_one(console):
    agent, _ = console.agent()
    callback_id = console.callback(agent, minutes_ahead=60 * 24 * 100)
    with console.unit() as session:
        found = callback_rows.get_recent_callback(session, callback_id, agent, console.now)
        assert callback_rows.has_recent_callback(session, agent, found.customer_id, console.now)
