"""Bridged calls at the console and in the commands for staff."""

from __future__ import annotations

import re

import pytest

from messaging import call_queue
from messaging.call_states import CallState
from people import models
from people.staff import staff_records
from tests.channels.conftest import make_console
from tests.channels.support import a_token, all_rows, unit
from vault.models import AuditEntry
from verification import bridged_calls

CODE = re.compile(r'id="code">(\d{3} \d{3})<')


@pytest.fixture
def bridged(database, tmp_path):
    made = make_console(database, tmp_path, bridge_calls=True)
    yield made
    made.context.engine.dispose()


def told(console, callback, *states: CallState) -> None:
    for state in states:
        with console.unit() as session:
            call = call_queue.find_latest_call(session, callback)
            bridged_calls.record_call_progress(
                session, call.id, state, console.context.policy, console.now
            )


def test_the_card_shows_the_call_and_never_the_number(bridged):
    agent, tab = bridged.agent()
    callback = bridged.callback(agent)
    card = f"/staff/callback/{callback}"
    bridged.wait(minutes=8)
    assert tab.post(f"{card}/start").status_code == 409
    with bridged.unit() as session:
        staff_records.set_staff_phone(
            session, session.get_one(models.Staff, agent), "+447400123499", bridged.now
        )
    seen = []

    def page() -> str:
        seen.append(tab.get(card).text)
        return seen[-1]

    assert tab.post(f"{card}/start").status_code == 303
    assert "Ringing you" in page()
    told(bridged, callback, CallState.AGENT_ON, CallState.RINGING)
    assert "Ringing the customer" in page()
    assert tab.get(f"{card}/live").json["call"] == "ringing"
    assert tab.post(f"{card}/code").status_code == 409
    told(bridged, callback, CallState.BUSY)
    assert "Ring again" in page()
    assert not any(CODE.search(item) for item in seen)
    assert tab.post(f"{card}/ring").status_code == 303
    told(bridged, callback, CallState.RINGING, CallState.ANSWERED, CallState.LIVE)
    assert CODE.search(page())
    told(bridged, callback, CallState.ENDED)
    assert not CODE.search(page())
    assert "Ring again" not in seen[-1]
    assert not any("7400 123456" in item or "tel:+447400123456" in item for item in seen)


def test_the_number_of_a_member_of_staff_is_set_by_command_and_sealed(app, clock):
    a_token(app)
    run = app.test_cli_runner().invoke
    done = run(args=["staff", "phone", "--email", "ana@example.org", "--number", "07400 123499"])
    assert done.exit_code == 0, done.output
    more = ["--name", "Bo", "--role", "agent", "--phone", "07400 123498"]
    assert run(args=["staff", "add", "--email", "bo@example.org", *more]).exit_code == 0
    with unit(app) as session:
        numbers = [
            staff_records.open_staff_phone(
                session, staff_records.find_staff_by_email(session, f"{who}@example.org")
            )
            for who in ("ana", "bo")
        ]
    assert numbers == ["+447400123499", "+447400123498"]
    found = [row for row in all_rows(app, AuditEntry) if row.action == "staff.phone"]
    assert [row.actor for row in found] == ["operator", "operator"]
    for bad in ("x", "", "123", "+449098790000"):
        args = ["staff", "phone", "--email", "ana@example.org", "--number", bad]
        done = run(args=args)
        assert done.exit_code == 1
        assert "Traceback" not in done.output
