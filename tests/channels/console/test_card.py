"""The card of a callback: the call from Start to End, and what is shown of it when."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from channels import check_service
from scheduling import callback_rows
from scheduling.booking import cancellations
from tests.channels.conftest import Console, without_token
from tests.channels.support import wrong
from verification.verdicts import Channel

NUMBER = "+44 7400 123456"


def started(console: Console, tab=None):
    """A call just started: its card's address and its code."""
    agent, tab = console.agent()
    card = f"/staff/callback/{console.callback(agent)}"
    console.wait(minutes=8)
    assert tab.post(f"{card}/start").status_code == 303
    return tab, card, code_on(tab.get(card).text)


def code_on(page: str) -> str:
    found = re.search(r'id="code">(\d{3} \d{3})<', page)
    return found[1] if found else ""


def check(console: Console, code: str):
    with console.app.test_request_context():
        return check_service.decide_verdict("07400 123456", code, Channel.WEB)


def test_before_start_there_is_no_code_and_a_masked_number(console):
    agent, tab = console.agent()
    card = f"/staff/callback/{console.callback(agent)}"
    page = tab.get(card).text
    assert "••• ••56" in page
    assert NUMBER not in page
    assert 'id="code"' not in page
    assert "can be started from" in page
    assert "Start call" not in page
    console.wait(minutes=6)
    page = tab.get(card).text
    assert "Start call" in page
    assert page.index("Please check me first") < page.index("Start call")
    assert [e.purpose for e in console.trail("customer.read")] == ["card", "card"]


def test_start_shows_code_and_number_until_the_end(console):
    tab, card, code = started(console)
    assert len(code) == 7
    page = tab.get(card).text
    assert NUMBER in page
    assert "Wrong tries left: 5 of 5" in page
    assert 'http-equiv="refresh"' in page
    assert "Not confirmed yet" in page
    assert tab.post(f"{card}/end", {"outcome": "no_answer"}).status_code == 303
    page = tab.get(card).text
    assert NUMBER not in page
    assert code not in page
    assert "never confirmed" in page


def test_each_look_at_the_code_is_written_down(console):
    tab, card, _ = started(console)
    before = len(console.trail("code.read"))
    tab.get(card)
    assert len(console.trail("code.read")) == before + 1


def test_the_customers_check_turns_the_screen_and_both_see_the_same_word(console):
    tab, card, code = started(console)
    verdict = check(console, code)
    live = tab.get(f"{card}/live").json
    assert live["state"] == "confirmed"
    assert live["reply_word"] == verdict.reply_word
    assert live["channel"] == "web"
    page = tab.get(card).text
    assert verdict.reply_word in page
    assert code not in page
    assert 'http-equiv="refresh"' not in page
    assert tab.post(f"{card}/end", {"outcome": "reached"}).status_code == 303
    assert "The customer confirmed you on our page" in tab.get(card).text


def test_the_live_answer_holds_no_personal_data_and_writes_nothing(console):
    tab, card, code = started(console)
    before = len(console.trail("customer.read")) + len(console.trail("code.read"))
    answer = tab.get(f"{card}/live")
    assert answer.headers["Cache-Control"] == "no-store"
    for secret in ("Gwen", "123456", "router", "T-1001", code, code.replace(" ", "")):
        assert secret not in answer.text
    assert len(console.trail("customer.read")) + len(console.trail("code.read")) == before


def test_asking_live_with_keep_keeps_a_long_call_signed_in(console):
    tab, card, _ = started(console)
    for _ in range(3):
        console.wait(minutes=50)
        assert tab.get(f"{card}/live?keep=1").status_code == 200
    console.wait(minutes=61)
    assert tab.get(f"{card}/live").status_code == 401


def test_five_wrong_tries_are_said_and_a_new_code_helps(console):
    tab, card, code = started(console)
    for _ in range(5):
        check(console, wrong(code.replace(" ", "")))
    assert tab.get(f"{card}/live").json["tries_left"] == 0
    assert "this number is dead, ask for a new one" in tab.get(card).text
    assert tab.post(f"{card}/code").status_code == 303
    page = tab.get(card).text
    assert code_on(page) != code
    assert "Wrong tries left: 5 of 5" in page


def test_three_new_codes_are_all(console):
    tab, card, _ = started(console)
    for _ in range(3):
        assert tab.post(f"{card}/code").status_code == 303
    assert "No more new numbers" in tab.get(card).text
    assert tab.post(f"{card}/code").status_code == 409


def test_a_code_that_has_run_out_is_not_shown(console):
    tab, card, code = started(console)
    console.wait(minutes=11)
    page = tab.get(card).text
    assert code not in page
    assert "has run out" in page
    console.wait(minutes=10)
    assert "The booked time is over" in tab.get(card).text


def test_start_pressed_twice_starts_once(console):
    tab, card, code = started(console)
    assert tab.post(f"{card}/start").status_code == 303
    assert code_on(tab.get(card).text) == code
    assert len(console.trail("callback.start")) == 1


@pytest.mark.parametrize("minutes", [0, 30])
def test_too_early_and_too_late_are_said_with_a_way_back(console, minutes):
    agent, tab = console.agent()
    card = f"/staff/callback/{console.callback(agent)}"
    console.wait(minutes=minutes)
    answer = tab.post(f"{card}/start")
    assert answer.status_code == 409
    assert ("Too early" if minutes == 0 else "Too late") in answer.text
    assert f'href="{card}"' in answer.text


def test_a_second_tab_that_is_behind_gets_a_sentence_and_a_way_back(console):
    tab, card, _ = started(console)
    assert tab.post(f"{card}/end", {"outcome": "reached"}).status_code == 303
    for act in ("start", "code", "cancel"):
        answer = tab.post(f"{card}/{act}")
        assert answer.status_code == 409
        assert "This callback has ended." in answer.text
        assert f'href="{card}"' in answer.text
    assert tab.post(f"{card}/end", {"outcome": "reached"}).status_code == 409


@pytest.mark.parametrize("outcome", ["", "x", "x" * 5000, "REACHED"])
def test_an_end_without_an_outcome_is_asked_again_and_ends_nothing(console, outcome):
    tab, card, code = started(console)
    answer = tab.post(f"{card}/end", {"outcome": outcome})
    assert answer.status_code == 422
    assert "Choose how the call went." in answer.text
    assert code in answer.text


def test_a_colleagues_callback_is_not_found_like_one_that_is_not_there(console):
    _, tab = console.agent()
    other = console.callback(console.member("ben@example.org"))
    for act in ("", "/live"):
        theirs = tab.get(f"/staff/callback/{other}{act}")
        none = tab.get(f"/staff/callback/{uuid4()}{act}")
        assert theirs.status_code == none.status_code == 404
        assert without_token(theirs.text) == without_token(none.text)
    for act in ("start", "code", "end", "move", "cancel"):
        assert tab.post(f"/staff/callback/{other}/{act}", {"outcome": "reached"}).status_code == 404


def test_a_move_tells_the_customer_and_keeps_the_card(console):
    agent, tab = console.agent()
    card = f"/staff/callback/{console.callback(agent)}"
    answer = tab.post(f"{card}/move", {"on": "2026-11-24", "at": "12:00"})
    assert answer.status_code == 303
    assert "Tue 24 Nov 12:00 here" in tab.get(card).text


def test_a_move_to_a_taken_time_offers_free_ones_and_moves_nothing(console):
    agent, tab = console.agent()
    console.callback(agent, 60, "+447400123457")
    card = f"/staff/callback/{console.callback(agent, 10)}"
    answer = tab.post(f"{card}/move", {"on": "2026-11-24", "at": "11:00"})
    assert answer.status_code == 409
    assert "already taken" in answer.text
    assert 'id="slot1"' in answer.text
    assert "Tue 24 Nov 10:10 here" in answer.text
    slot = re.search(r'id="slot1" value="([^"]+)"', answer.text)
    assert tab.post(f"{card}/move", {"slot": slot[1]}).status_code == 303


@pytest.mark.parametrize(
    "data",
    [{}, {"on": "x", "at": "y"}, {"on": "2020-01-01", "at": "10:00"}, {"slot": "z"}],
    ids=str,
)
def test_a_move_to_no_time_is_asked_again(console, data):
    agent, tab = console.agent()
    card = f"/staff/callback/{console.callback(agent)}"
    answer = tab.post(f"{card}/move", data)
    assert answer.status_code == 422
    assert 'id="starts_at-problem"' in answer.text


def test_cancelling_tells_the_customer(console):
    agent, tab = console.agent()
    callback_id = console.callback(agent)
    card = f"/staff/callback/{callback_id}"
    assert tab.post(f"{card}/cancel").status_code == 303
    assert "Cancelled" in tab.get(card).text
    assert tab.post(f"{card}/cancel").status_code == 409


def test_a_refused_call_cannot_be_moved_any_more(console):
    agent, tab = console.agent()
    callback_id = console.callback(agent)
    with console.unit() as session:
        cancellations.refuse_callback(
            session, callback_rows.get_held_callback(session, callback_id, agent), console.now
        )
    answer = tab.post(f"/staff/callback/{callback_id}/move", {"on": "2026-11-24", "at": "12:00"})
    assert answer.status_code == 409
    assert "refused by the customer" in answer.text
