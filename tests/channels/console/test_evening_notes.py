"""Evening notes on the console."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlmodel import select

from incidents.cases.creation import open_or_extend_case
from incidents.cases.models import CaseKind
from incidents.evening_notes import case_evidence, note_creation
from incidents.evening_notes.due_evenings import DueEvening
from incidents.evening_notes.models import NotedAccess
from people.models import Role
from tests.ids import without_random
from vault.audit import audit_log


@pytest.fixture
def asked(console):
    """Ana, who opened two records for nothing, at the console on the next morning."""
    ana, tab = console.agent()
    found = [console.customer(phone) for phone in ("+447400300001", "+447400300002")]
    with console.unit() as session:
        for who in found:
            audit_log.record_act(
                session,
                audit_log.staff_actor(ana),
                "customer.look_up",
                console.now,
                customer_id=who,
            )
    console.wait(hours=9)
    with console.unit() as session:
        day = (console.now - timedelta(hours=9)).date()
        note_creation.create_evening_note(
            session, DueEvening(ana, day, console.now - timedelta(hours=1)), console.now
        )
    return ana, console.sign_in("ana@example.org", tab)


def test_the_note_is_marked_in_the_navigation_and_shows_no_customer(console, asked):
    _, tab = asked
    assert "to explain" in tab.get("/staff/day").text
    page = tab.get("/staff/notes").text
    assert page.count("What you needed it for") == 2
    assert "Gwen" not in page
    assert "4003" not in without_random(page)


def test_one_is_explained_and_then_the_rest(console, asked):
    _, tab = asked
    page = tab.get("/staff/notes").text
    action = re.search(r'action="(/staff/notes/[^"]+)"', page)[1]
    first = re.search(r'name="(e\d+)"', page)[1]
    assert tab.post(action, {first: "The customer stood at my desk."}).status_code == 303
    page = tab.get("/staff/notes").text
    assert "stood at my desk" in page
    assert page.count("What you needed it for") == 1
    assert tab.post(action, {"all": "A wrong number."}).status_code == 303
    page = tab.get("/staff/notes").text
    assert "What you needed it for" not in page
    assert "to explain" not in page


@pytest.mark.parametrize("form", [{}, {"all": " "}, {"all": "x" * 501}, {"e9999": "no"}])
def test_what_explains_nothing_is_said(console, asked, form):
    _, tab = asked
    action = re.search(r'action="(/staff/notes/[^"]+)"', tab.get("/staff/notes").text)[1]
    answer = tab.post(action, form)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    with console.unit() as session:
        assert set(session.exec(select(NotedAccess.explanation))) == {None}


def test_the_note_of_another_is_not_found(console, asked):
    _, tab = asked
    action = re.search(r'action="(/staff/notes/[^"]+)"', tab.get("/staff/notes").text)[1]
    console.member("ben@example.org")
    ben = console.sign_in("ben@example.org")
    assert ben.post(action, {"all": "I did it"}).status_code == 404
    assert "no notes" in ben.get("/staff/notes").text


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_the_page(console, role):
    console.member("sam@example.org", role)
    assert console.sign_in("sam@example.org").get("/staff/notes").status_code == 200


def test_an_investigator_reads_it_within_the_case(console, asked):
    ana, _ = asked
    console.member("ines@example.org", Role.INVESTIGATOR)
    with console.unit() as session:
        case = open_or_extend_case(
            session, CaseKind.ACCESS, f"access:{ana}", [], console.now, subjects=[ana]
        )
        case_evidence.attach_notes_to_cases(session, timedelta(0), console.now)
    tab = console.sign_in("ines@example.org")
    page = tab.get(f"/staff/cases/{case.reference}").text
    assert "0 of 2 accesses explained" in page
    notes = tab.get(f"/staff/cases/{case.reference}/notes").text
    assert "Ana" in notes
    assert tab.get("/staff/cases/C2345678/notes").status_code == 404
