"""C2 on the console: only the agent of a call sees its code, and only while it is good."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from config.settings import Settings
from people.models import Role
from tests.channels.conftest import PHONE, Console, make_console
from tests.security_rules.support.check_channels import CHANNELS

CODE = re.compile(r"\b\d{3} \d{3}\b")


@pytest.fixture
def console(database, tmp_path) -> Iterator[Console]:
    made = make_console(database, tmp_path)
    yield made
    made.context.engine.dispose()


@pytest.fixture
def card(console) -> tuple[object, str]:
    """The tab of an agent with a callback in ten minutes, and the address of its card."""
    agent, tab = console.agent()
    return tab, f"/staff/callback/{console.callback(agent)}"


def shown(tab, card: str) -> str:
    """The code on the card, empty where there is none."""
    page = re.search(r'id="code">(.*?)<', tab.get(card).text)
    found = CODE.search(page[1]) if page else None
    return found[0] if found else ""


def started(console, tab, card: str) -> str:
    console.wait(minutes=10)
    assert tab.post(f"{card}/start").status_code == 303
    code = shown(tab, card)
    assert code
    return code


def test_the_card_shows_a_code_from_start_until_it_runs_out_and_then_none(console, card):
    tab, at = card
    assert shown(tab, at) == ""
    console.wait(minutes=4)
    assert tab.post(f"{at}/start").status_code == 409
    assert shown(tab, at) == ""
    console.wait(minutes=6)
    assert tab.post(f"{at}/start").status_code == 303
    code = shown(tab, at)
    assert CODE.fullmatch(code)
    console.wait(minutes=9, seconds=58)
    assert shown(tab, at) == code
    console.wait(seconds=2)
    assert shown(tab, at) == ""


@pytest.mark.parametrize("how", ["confirmed", "ended", "replaced"])
def test_nor_once_it_is_used_or_dead(console, card, how):
    tab, at = card
    code = started(console, tab, at)
    if how == "confirmed":
        assert CHANNELS["web"](console.app, PHONE, code) == "genuine"
    elif how == "ended":
        assert tab.post(f"{at}/end", {"outcome": "no_answer"}).status_code == 303
    else:
        assert tab.post(f"{at}/code").status_code == 303
    assert code not in tab.get(at).text


def test_what_the_cards_script_asks_for_holds_no_code(console, card):
    tab, at = card
    code = started(console, tab, at)
    live = tab.get(f"{at}/live")
    assert live.json["state"] == "started"
    assert code.replace(" ", "") not in live.text.replace(" ", "")
    assert code not in tab.get("/staff/day").text


@pytest.mark.parametrize("role", Role)
def test_nobody_else_sees_it_or_may_act_on_it_whatever_their_role(console, card, role):
    tab, at = card
    code = started(console, tab, at)
    console.member("other@example.org", role)
    other = console.sign_in("other@example.org")
    refused = 404 if role is Role.AGENT else 403
    for path in (at, f"{at}/live"):
        answer = other.get(path)
        assert answer.status_code == refused
        assert code not in answer.text
    for act in ("start", "code", "end", "cancel", "move"):
        assert other.post(f"{at}/{act}", {"outcome": "reached"}).status_code == refused
    for page in ("/staff/day", "/staff/team", "/staff/reports", "/staff/audit"):
        assert code not in other.get(page).text
    assert shown(tab, at) == code


@pytest.mark.parametrize("minutes", [11, 15, 60])
def test_no_installation_can_let_a_code_live_longer_than_ten_minutes(minutes):
    with pytest.raises(ValidationError):
        Settings(_env_file=None, code_minutes=minutes)
