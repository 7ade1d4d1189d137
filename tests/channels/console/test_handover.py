"""The agent's week, calls with a colleague, calls booked again, calls for anyone who is free."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from messaging.models import OutboxMessage
from scheduling.availability import skills
from scheduling.booking import callback_reference, cancellations
from scheduling.models import Callback
from tests.channels.conftest import PHONE
from vault.audit import audit_log

SLOT = re.compile(r'name="slot" id="slot1" value="([^"]+)"')


def of(console, callback_id: UUID) -> Callback:
    with console.unit() as session:
        return session.get_one(Callback, callback_id)


def verdict(console, code: str) -> str:
    body = {"phone": PHONE, "code": code.replace(" ", "")}
    return console.tab().client.post("/api/v1/checks", json=body).json["verdict"]


def kinds(console, callback_id: UUID) -> list[str]:
    with console.unit() as session:
        rows = session.exec(
            select(OutboxMessage)
            .where(OutboxMessage.callback_id == callback_id)
            .order_by(OutboxMessage.id)
        )
        return [row.kind for row in rows]


def test_the_week_shows_seven_days_and_only_ones_own(console):
    ana, tab = console.agent()
    ben, _ = console.agent("ben@example.org")
    console.callback(ana)
    console.callback(ben, phone="+447400123457")
    page = tab.get("/staff/week").text
    assert page.count("<section aria-labelledby") == 7
    assert page.count("data-row") == 1
    assert "today" in page
    later = tab.get("/staff/week?on=2026-12-24").text
    assert "data-row" not in later
    assert tab.get("/staff/week?on=soon").status_code == 422
    assert len(console.trail("customer.read")) == 1


def test_a_callback_goes_to_a_colleague_and_is_theirs_alone(console):
    ana, tab = console.agent()
    ben, other = console.agent("ben@example.org")
    made = console.callback(ana)
    assert other.get(f"/staff/callback/{made}").status_code == 404
    card = tab.get(f"/staff/callback/{made}").text
    assert "Hand over to a colleague" in card
    assert callback_reference.format_callback_reference(made) in card
    answer = tab.post(f"/staff/callback/{made}/hand-over", {"agent": str(ben)})
    assert answer.status_code == 200
    assert "Only Ben can open the callback now." in answer.text
    assert tab.get(f"/staff/callback/{made}").status_code == 404
    assert tab.post(f"/staff/callback/{made}/start").status_code == 404
    assert other.get(f"/staff/callback/{made}").status_code == 200


@pytest.mark.parametrize("to", ["", "x", "01930000-0000-7000-8000-000000000000", "me"])
def test_a_colleague_that_is_none_is_said_and_changes_nothing(console, to):
    ana, tab = console.agent()
    console.member("ben@example.org")
    made = console.callback(ana)
    form = {"agent": str(ana) if to == "me" else to}
    assert tab.post(f"/staff/callback/{made}/hand-over", form).status_code == 422
    assert of(console, made).agent_id == ana


def test_a_colleague_without_time_is_said(console):
    ana, tab = console.agent()
    ben = console.member("ben@example.org")
    made = console.callback(ana)
    console.callback(ben, phone="+447400123457")
    answer = tab.post(f"/staff/callback/{made}/hand-over", {"agent": str(ben)})
    assert answer.status_code == 409
    assert "This colleague has no time then." in answer.text
    assert of(console, made).agent_id == ana


def test_the_number_of_a_call_handed_over_is_dead(console):
    ana, tab = console.agent()
    ben, other = console.agent("ben@example.org")
    made = console.callback(ana, minutes_ahead=6)
    console.wait(minutes=4)
    tab.post(f"/staff/callback/{made}/start")
    code = re.search(r'id="code">([\d ]+)<', tab.get(f"/staff/callback/{made}").text)[1]
    answer = tab.post(f"/staff/callback/{made}/hand-over", {"agent": str(ben)})
    assert "Your number is dead." in answer.text
    shown = re.search(r'id="code">([\d ]+)<', other.get(f"/staff/callback/{made}").text)[1]
    assert shown != code
    assert of(console, made).agent_id == ben
    assert verdict(console, code) == "not_confirmed"
    assert verdict(console, shown) == "genuine"


def test_a_cancelled_callback_is_booked_again_under_the_same_reference(console):
    ana, tab = console.agent()
    made = console.callback(ana, minutes_ahead=60)
    tab.post(f"/staff/callback/{made}/cancel")
    card = tab.get(f"/staff/callback/{made}").text
    assert "Book this call again" in card
    slot = SLOT.search(card)[1]
    assert tab.post(f"/staff/callback/{made}/revive", {"slot": slot}).status_code == 303
    again = of(console, made)
    assert again.state == "booked"
    assert kinds(console, made).count("booked") == 2
    assert tab.post(f"/staff/callback/{made}/revive", {"slot": slot}).status_code == 409


def test_a_refused_callback_stays_refused(console):
    ana, tab = console.agent()
    made = console.callback(ana, minutes_ahead=60)
    with console.unit() as session:
        cancellations.refuse_callback(session, session.get_one(Callback, made), console.now)
    card = tab.get(f"/staff/callback/{made}").text
    assert "Book this call again" not in card
    at = (console.now + timedelta(hours=3)).replace(second=0).isoformat()
    assert tab.post(f"/staff/callback/{made}/revive", {"slot": at}).status_code == 409
    assert of(console, made).state == "refused"


@pytest.mark.parametrize("form", [{}, {"slot": "x"}, {"slot": "other", "on": "2026-11-24"}])
def test_reviving_without_a_time_is_said(console, form):
    ana, tab = console.agent()
    made = console.callback(ana, minutes_ahead=60)
    tab.post(f"/staff/callback/{made}/cancel")
    assert tab.post(f"/staff/callback/{made}/revive", form).status_code == 422
    assert of(console, made).state == "cancelled"


def test_the_time_of_somebody_else_is_not_taken_by_a_revival(console):
    ana, tab = console.agent()
    made = console.callback(ana, minutes_ahead=60)
    at = of(console, made).starts_at.isoformat()
    tab.post(f"/staff/callback/{made}/cancel")
    console.callback(ana, minutes_ahead=60, phone="+447400123457")
    assert tab.post(f"/staff/callback/{made}/revive", {"slot": at}).status_code == 409
    assert of(console, made).state == "cancelled"


def details(tab, **more: str) -> str:
    return tab.post("/staff/book/find", {"find": PHONE, "purpose": "answer", **more}).text


def test_a_call_for_any_free_agent_goes_to_one_who_speaks_the_language(console):
    ana, tab = console.agent()
    ben, cleo = console.member("ben@example.org"), console.member("cleo@example.org")
    console.customer()
    with console.unit() as session:
        for who, language in ((ana, "de"), (ben, "es"), (cleo, "en")):
            skills.replace_agent_skills(
                session, who, {"language": [language]}, audit_log.SYSTEM, console.now
            )
    page = details(tab, whose="any")
    slot = SLOT.search(page)[1]
    key = re.search(r'name="key" value="([^"]+)"', page)[1]
    form = {"find": PHONE, "purpose": "answer", "topic": "your router", "minutes": "15", "key": key}
    answer = tab.post("/staff/book", {**form, "slot": slot, "whose": "any"})
    assert answer.status_code == 200
    assert "Cleo makes this call" in answer.text
    twice = tab.post("/staff/book", {**form, "slot": slot, "whose": "any"})
    assert "Cleo makes this call" in twice.text
    with console.unit() as session:
        (made,) = session.exec(select(Callback))
    assert made.agent_id == cleo
    assert tab.get(f"/staff/callback/{made.id}").status_code == 404
    assert [entry.staff_id for entry in console.trail("callback.book")] == [ana]


def test_alone_there_is_nobody_else_to_choose(console):
    _, tab = console.agent()
    console.customer()
    assert "Who rings" not in details(tab)
    console.member("ben@example.org")
    assert "Who rings" in details(tab)


def test_the_card_tells_of_former_times(console):
    ana, tab = console.agent()
    made = console.callback(ana, minutes_ahead=60)
    slot = SLOT.search(tab.get(f"/staff/callback/{made}").text)[1]
    tab.post(f"/staff/callback/{made}/move", {"slot": slot})
    assert "<dt>Before</dt>" in tab.get(f"/staff/callback/{made}").text


def test_after_no_answer_the_card_leads_to_the_next_try_and_back(console):
    ana, tab = console.agent()
    made = console.callback(ana, minutes_ahead=6)
    console.wait(minutes=4)
    tab.post(f"/staff/callback/{made}/start")
    tab.post(f"/staff/callback/{made}/end", {"outcome": "no_answer"})
    card = tab.get(f"/staff/callback/{made}").text
    assert "The next try is booked" in card
    following = re.search(r'href="(/staff/callback/[^"]+)">next try', card)[1]
    assert "after the call of" in tab.get(following).text
