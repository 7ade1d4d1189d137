"""An agent's own day."""

from __future__ import annotations

import pytest

from scheduling import callback_rows
from scheduling.booking import time_changes


def test_own_callbacks_come_earliest_first_and_the_next_stands_out(console):
    agent, tab = console.agent()
    console.callback(agent, 120, "+447400123457")
    console.callback(agent, 20)
    page = tab.get("/staff/day").text
    rows = page.split('<li class="booked')[1:]
    assert len(rows) == 2
    assert "10:20" in rows[0]
    assert rows[0].startswith(" next")
    assert not rows[1].startswith(" next")
    assert "Gwen" in rows[0]
    assert "Gwen" not in rows[1]  # two hours away: a reference until it is at hand
    assert len(console.trail("customer.read")) == 1


def test_nothing_of_a_colleagues_day_is_in_it(console):
    _, tab = console.agent()
    console.callback(console.member("ben@example.org"))
    assert "Gwen" not in tab.get("/staff/day").text
    assert console.trail("customer.read") == []


def test_the_day_is_the_agents_own(console):
    agent, tab = console.agent(zone="Pacific/Auckland")
    console.callback(agent, 180)  # 13:00 in London is two o'clock tomorrow there
    assert "No callbacks" in tab.get("/staff/day?on=2026-11-24").text
    page = tab.get("/staff/day?on=2026-11-25").text
    assert "02:00" in page


def test_a_customer_who_wants_another_time_is_flagged(console):
    agent, tab = console.agent()
    callback_id = console.callback(agent)
    with console.unit() as session:
        time_changes.request_move(
            session, callback_rows.get_held_callback(session, callback_id, agent), console.now
        )
    assert "Wants another time" in tab.get("/staff/day").text
    assert "asks for another time" in tab.get(f"/staff/callback/{callback_id}").text


@pytest.mark.parametrize(
    "on", ["x", "2026-13-01", "2026-02-30", "0001-01-01", "9999-12-31", "9" * 999]
)
def test_a_day_that_is_none_is_said(console, on):
    _, tab = console.agent()
    answer = tab.get(f"/staff/day?on={on}")
    assert answer.status_code == 422
    assert "2026-11-24" in answer.text
