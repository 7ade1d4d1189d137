"""The pages of actions that need two people: asked for in one browser, decided in another."""

from __future__ import annotations

import html
import re

import pytest
from sqlmodel import select

from people.approvals.models import ApprovalRequest
from people.credential_models import StaffSession
from people.customers import customer_records
from people.models import Customer, Role, Staff
from tests.channels.conftest import PHONE
from tests.channels.enrolment_steps import pin_on, set_anew
from vault.keys import keyring

NEW = "07400 123 499"
NONE = "01930000-0000-7000-8000-000000000000"
#: Pages that are open to everybody signed in; what each sees there is their own.
ACTS = ("approve", "refuse", "withdraw")
OF_EVERY_ROLE = {
    "show_approvals",
    "submit_approval",
    "submit_refusal",
    "submit_withdrawal",
    "submit_unlock_request",
}


@pytest.fixture
def three(console):
    """An agent with a callback, two supervisors, and their tabs."""
    agent, ana = console.agent()
    console.member("sue@example.org", Role.SUPERVISOR)
    console.member("sam@example.org", Role.SUPERVISOR)
    callback = console.callback(agent)
    return callback, ana, console.sign_in("sue@example.org"), console.sign_in("sam@example.org")


def ask_number(tab, callback, number: str = NEW, why: str = "Lost her phone, knew the ticket"):
    return tab.post(f"/staff/callback/{callback}/number", {"number": number, "why": why})


def request_in(page: str) -> tuple[str, str]:
    """The first request that a page lets one approve, and what its form says was read."""
    found = re.search(
        r'approvals/([0-9a-f-]{36})/approve".*?name="digest" value="(\w+)"', page, re.S
    )
    assert found, page
    return found[1], found[2]


def approve(tab, which: tuple[str, str] | None = None):
    request, digest = which or request_in(tab.get("/staff/approvals").text)
    return tab.post(f"/staff/approvals/{request}/approve", {"digest": digest})


def phone_of(console) -> str:
    with console.unit() as session:
        return customer_records.open_customer_details(
            session, session.exec(select(Customer)).one()
        ).phone


def test_a_number_is_asked_for_on_the_card_and_approved_by_a_supervisor(console, three):
    callback, ana, sue, _ = three
    answer = ask_number(ana, callback)
    assert answer.location == "/staff/approvals?done=asked"
    own = ana.get(answer.location).text
    assert "It waits for somebody else" in own
    assert "Withdraw" in own
    page = sue.get("/staff/approvals").text
    assert "••• ••56" in page
    assert "••• ••99" in page
    assert "Ana Silva" in page
    assert "Lost her phone, knew the ticket" in page
    for hidden in ("123456", "123499", "Gwen"):
        assert hidden not in page
    assert "done=done" in approve(sue).location
    assert phone_of(console) == "+447400123499"
    assert "can be booked or started before" in ana.get(f"/staff/callback/{callback}").text
    read = [e for e in console.trail("approval.read") if e.customer_id]
    assert len(read) == 3


def test_a_form_sent_twice_asks_once_and_says_so(console, three):
    callback, ana, sue, _ = three
    ask_number(ana, callback)
    again = ask_number(ana, callback)
    assert again.location == "/staff/approvals?done=already"
    assert "asked for already" in ana.get(again.location).text
    for _ in range(2):
        form = {"email": "new@example.org", "name": "N", "role": "agent", "why": "she is new here"}
        sue.post("/staff/people", form)
    with console.unit() as session:
        kinds = [row.kind for row in session.exec(select(ApprovalRequest))]
    assert sorted(kinds) == ["customer.number", "staff.add"]


def test_what_can_come_to_nothing_any_more_is_void_and_counts_no_more(console, three):
    callback, ana, sue, sam = three
    ask_number(ana, callback)
    ask_number(ana, callback, "07400 123 498")
    page = sue.get("/staff/approvals").text
    assert "Asked from callback" in page
    first = request_in(page)
    second = request_in(page[page.index(first[1]) :])
    approve(sue, first)
    late = approve(sam, second)
    assert late.location == "/staff/approvals?done=void"
    assert "could not be done any more" in sam.get(late.location).text
    assert 'class="count"' not in sue.get("/staff/team").text
    own = ana.get("/staff/approvals").text
    assert "The number has been changed since." in own


def test_the_count_is_in_the_navigation_of_those_who_may_decide(console, three):
    callback, ana, sue, _ = three
    assert 'class="count"' not in sue.get("/staff/team").text
    ask_number(ana, callback)
    assert '<span class="count">1</span>' in sue.get("/staff/team").text
    assert 'class="count"' not in ana.get("/staff/day").text


@pytest.mark.parametrize(
    ("number", "why", "told"),
    [
        (NEW, "", "Fill this in."),
        ("12", "She has a new phone", "Write the whole phone number"),
        (PHONE, "She has a new phone", "This is the number that we have."),
        ("0909 879 0000", "She has a new phone", "special-rate"),
        (NEW, "x" * 301, "Use at most 300 characters"),
        (NEW, "see https://evil.example", "Leave out links"),
    ],
)
def test_what_cannot_be_asked_is_said_on_the_card(console, three, number, why, told):
    callback, ana, _, _ = three
    answer = ask_number(ana, callback, number, why)
    assert answer.status_code == 422
    assert told in answer.text
    with console.unit() as session:
        assert session.exec(select(ApprovalRequest)).all() == []


def test_an_agent_cannot_ask_for_a_customer_of_a_colleague(console, three):
    callback, _, _, _ = three
    _, ben = console.agent("ben@example.org")
    assert ask_number(ben, callback).status_code == 404


def test_neither_the_agent_nor_a_second_browser_of_theirs_can_approve(console, three):
    callback, ana, sue, _ = three
    ask_number(ana, callback)
    which = request_in(sue.get("/staff/approvals").text)
    for tab in (ana, console.sign_in("ana@example.org")):
        assert approve(tab, which).status_code == 404
    assert phone_of(console) == PHONE


def test_an_old_page_or_a_changed_form_approves_nothing(console, three):
    callback, ana, sue, sam = three
    ask_number(ana, callback)
    request, digest = request_in(sue.get("/staff/approvals").text)
    for read in ("", "0" * 64, digest[:-1], digest + "0"):
        answer = approve(sue, (request, read))
        assert answer.status_code == 409
        assert "The request has changed since" in answer.text
    refused = sam.post(f"/staff/approvals/{request}/refuse")
    assert "done=refused" in refused.location
    late = approve(sue, (request, digest))
    assert late.status_code == 409
    assert "This request was refused." in late.text
    assert phone_of(console) == PHONE


def test_one_can_take_ones_own_request_back_and_nobody_elses(console, three):
    callback, ana, sue, _ = three
    ask_number(ana, callback)
    request, digest = request_in(sue.get("/staff/approvals").text)
    assert sue.post(f"/staff/approvals/{request}/withdraw").status_code == 404
    assert "done=withdrawn" in ana.post(f"/staff/approvals/{request}/withdraw").location
    assert approve(sue, (request, digest)).status_code == 409


def test_a_number_that_somebody_else_has_is_said_to_the_supervisor_alone(console, three):
    callback, ana, sue, _ = three
    console.customer("+447400123499", "Ivo")
    assert ask_number(ana, callback).status_code == 303
    assert "another customer's, so this cannot be done" in html.unescape(
        sue.get("/staff/approvals").text
    )
    answer = approve(sue)
    assert answer.status_code == 422
    assert "already known" in answer.text
    assert 'href="/staff/approvals">Back to the approvals' in answer.text
    assert "another customer's" not in html.unescape(ana.get("/staff/approvals").text)
    assert phone_of_each(console) == {PHONE, "+447400123499"}
    assert "Refuse" in sue.get("/staff/approvals").text


def phone_of_each(console) -> set[str]:
    with console.unit() as session:
        return {
            customer_records.open_customer_details(session, row).phone
            for row in session.exec(select(Customer))
        }


@pytest.mark.parametrize("role", ["supervisor", "investigator"])
def test_a_new_role_is_approved_by_another_taken_up_with_a_pin_and_ends_the_sessions(
    console, three, role
):
    _, ana, sue, sam = three
    ben = console.member("ben@example.org")
    tab = console.sign_in("ben@example.org")
    asked = sue.post(f"/staff/people/{ben}/role", {"role": role, "why_role": "Sue leaves us"})
    assert asked.location == "/staff/approvals?done=asked"
    which = request_in(sam.get("/staff/approvals").text)
    assert approve(sue, which).status_code == 403
    assert approve(ana, which).status_code == 404
    assert "Ben Silva" in sam.get("/staff/approvals").text
    pin = pin_on(approve(sam, which).text)
    assert tab.get("/staff/day").status_code == 200
    with console.unit() as session:
        assert session.get_one(Staff, ben).role == "agent"
    assert "Your new role" in tab.get("/staff/account").text
    done = set_anew(console, tab, "/staff/account/role", pin)
    assert "Your recovery codes" in done.text
    assert tab.get("/staff/day").location.startswith("/staff/sign-in")
    with console.unit() as session:
        assert session.get_one(Staff, ben).role == role
        assert all(
            row.ended_at for row in session.exec(select(StaffSession)) if row.staff_id == ben
        )


def test_a_role_that_approves_nothing_is_theirs_at_once(console, three):
    _, _, sue, sam = three
    kim = console.member("kim@example.org", Role.SUPERVISOR)
    tab = console.sign_in("kim@example.org")
    sue.post(f"/staff/people/{kim}/role", {"role": "agent", "why_role": "Wants to ring people"})
    assert "done=done" in approve(sam).location
    assert tab.get("/staff/team").location.startswith("/staff/sign-in")
    with console.unit() as session:
        assert session.get_one(Staff, kim).role == "agent"


def test_nobody_approves_their_own_new_role(console, three):
    _, _, sue, sam = three
    with console.unit() as session:
        me = next(s for s in session.exec(select(Staff)) if _email(session, s).startswith("sam"))
    sue.post(
        f"/staff/people/{me.id}/role", {"role": "investigator", "why_role": "I have been asked"}
    )
    assert "Approve<" not in sam.get("/staff/approvals").text
    request, digest = _any(console)
    answer = approve(sam, (request, digest))
    assert answer.status_code == 403
    assert "about yourself" in answer.text


def _email(session, member) -> str:
    place = f"staff.email:{member.id}"
    return keyring.current_keyring(session).open_for_purpose(keyring.STAFF, place, member.email)


def _any(console) -> tuple[str, str]:
    with console.unit() as session:
        row = session.exec(select(ApprovalRequest)).one()
        return str(row.id), row.digest


def test_an_agent_with_calls_keeps_their_role_until_these_are_handed_over(console, three):
    _, _, sue, _ = three
    with console.unit() as session:
        ana = next(s for s in session.exec(select(Staff)) if s.role == "agent")
    answer = sue.post(
        f"/staff/people/{ana.id}/role", {"role": "supervisor", "why_role": "I have been asked"}
    )
    assert answer.status_code == 409
    assert "Hand them over first." in answer.text


def test_a_colleague_is_added_once_approved_and_their_link_works_only_then(console, three):
    _, _, sue, sam = three
    form = {
        "email": "new@example.org",
        "name": "Nia Roe",
        "role": "agent",
        "why": "A new colleague",
    }
    page = sue.post("/staff/people", form).text
    link = re.search(r"/staff/enrol/[\w-]+", page)[0]
    assert sam.get(link).status_code == 410
    assert "new@example.org" in sam.get("/staff/approvals").text
    pin = pin_on(approve(sam).text)
    asked = console.tab().get(link)
    assert asked.status_code == 200
    assert "Nia" not in asked.text
    assert set_anew(console, console.tab(), link, pin).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"), [("email", "x"), ("name", ""), ("role", "boss"), ("why", "")]
)
def test_what_is_missing_of_a_colleague_is_said(console, three, field, value):
    _, _, sue, _ = three
    form = {
        "email": "new@example.org",
        "name": "Nia Roe",
        "role": "agent",
        "why": "A new colleague",
    }
    answer = sue.post("/staff/people", {**form, field: value})
    assert answer.status_code == 422
    assert "Please look again" in answer.text


def test_an_investigator_asks_for_an_erasure_by_exact_number(console, three):
    callback, ana, sue, _ = three
    console.member("ivy@example.org", Role.INVESTIGATOR)
    ivy = console.sign_in("ivy@example.org")
    for customer in ("", "+447400", "*", "07400 123 400"):
        form = {"customer": customer, "why": "They asked for it"}
        answer = ivy.post("/staff/approvals/erase", form)
        assert answer.status_code == 422
    booked = ivy.post("/staff/approvals/erase", {"customer": PHONE, "why": "They asked for it"})
    assert booked.status_code == 409
    ana.post(f"/staff/callback/{callback}/cancel")
    ask_number(ana, callback)
    asked = ivy.post("/staff/approvals/erase", {"customer": PHONE, "why": "They asked for it"})
    assert asked.location == "/staff/approvals?done=asked"
    page = sue.get("/staff/approvals").text
    assert PHONE not in page
    erase = page[page.index("Erase a customer") :]
    assert "done=done" in approve(sue, request_in(erase)).location
    with console.unit() as session:
        assert session.exec(select(Customer)).one().erased_at is not None
        rows = session.exec(select(ApprovalRequest)).all()
        assert [(row.payload, row.reason) for row in rows] == [(b"", b"")] * 2
        assert {row.state for row in rows} == {"done", "withdrawn"}
    assert "Withdrawn" in ana.get("/staff/approvals").text
    assert len(console.trail("customer.look_up")) == 6


@pytest.mark.parametrize("path", ["unlock", *(f"{NONE}/{act}" for act in ACTS)])
def test_nobody_gets_in_without_signing_in(console, path):
    answer = console.tab().post(f"/staff/approvals/{path}", {"why_unlock": "A day of many calls"})
    assert answer.status_code == 303
    assert answer.location.startswith("/staff/sign-in?next=/staff/")
    assert console.tab().get("/staff/approvals").status_code == 303


def test_a_stopped_agent_is_let_go_on_by_somebody_else(console, three):
    _, ana, sue, _ = three
    assert ana.post("/staff/approvals/unlock", {"why_unlock": ""}).status_code == 422
    ana.post("/staff/approvals/unlock", {"why_unlock": "A day of many calls"})
    page = sue.get("/staff/approvals").text
    assert "A day of many calls" in page
    assert "done=done" in approve(sue).location
    assert len(console.trail("budget.unlock")) == 1


@pytest.mark.parametrize("act", ACTS)
def test_a_request_that_is_none_is_not_found(console, three, act):
    _, _, sue, _ = three
    answer = sue.post(f"/staff/approvals/{NONE}/{act}")
    assert answer.status_code == 404
    assert sue.post(f"/staff/approvals/x/{act}").status_code == 405


def test_a_forged_form_without_a_token_is_refused(console, three):
    callback, ana, sue, _ = three
    ask_number(ana, callback)
    request, digest = request_in(sue.get("/staff/approvals").text)
    answer = sue.client.post(f"/staff/approvals/{request}/approve", data={"digest": digest})
    assert answer.status_code == 400
    assert phone_of(console) == PHONE
