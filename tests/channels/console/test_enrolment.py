"""Enrolment by a one-time link."""

from __future__ import annotations

import re

import pyotp
import pytest

from people.staff import link_creation, staff_records
from tests.channels.conftest import PASSWORD, Console


def link(console: Console) -> str:
    with console.unit() as session:
        made = staff_records.add_staff_member(
            session, "eve@example.org", "Eve Ng", "agent", console.now, timezone="Europe/London"
        )
        return f"/staff/enrol/{link_creation.create_enrolment_link(session, made, console.now)}"


def secret_on(page: str) -> str:
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert found
    return found[1].replace(" ", "")


def test_a_link_leads_to_a_password_a_second_factor_and_recovery_codes(console):
    address, tab = link(console), console.tab()
    page = tab.get(address).text
    assert '<svg viewBox="' in page
    assert " style=" not in page
    code = pyotp.TOTP(secret_on(page)).at(console.now)
    done = tab.post(address, {"password": PASSWORD, "code": code})
    assert done.status_code == 200
    spare = re.findall(r"<code>([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</code>", done.text)
    assert len(spare) == 8
    form = {"email": "eve@example.org", "password": PASSWORD, "code": spare[0]}
    assert console.tab().post("/staff/sign-in", form).status_code == 303


def test_a_link_works_once(console):
    address, tab = link(console), console.tab()
    code = pyotp.TOTP(secret_on(tab.get(address).text)).at(console.now)
    assert tab.post(address, {"password": PASSWORD, "code": code}).status_code == 200
    assert tab.post(address, {"password": PASSWORD, "code": code}).status_code == 410
    assert tab.get(address).status_code == 410


def test_a_link_that_is_too_old_or_none_is_spent(console):
    address = link(console)
    assert console.tab().get("/staff/enrol/nothing").status_code == 410
    console.wait(hours=73)
    answer = console.tab().get(address)
    assert answer.status_code == 410
    assert "Ask for a new one" in answer.text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"code": "000000"}, "not the number that your authenticator shows"),
        ({"code": ""}, "not the number that your authenticator shows"),
        ({"password": "short"}, "at least 12 characters"),
        ({"password": "a" * 20}, "more different characters"),
        ({"password": "long words " * 100}, "at most 200"),
    ],
)
def test_what_cannot_be_used_is_asked_again_with_the_same_secret(console, change, sentence):
    address, tab = link(console), console.tab()
    secret = secret_on(tab.get(address).text)
    form = {"password": PASSWORD, "code": pyotp.TOTP(secret).at(console.now), **change}
    answer = tab.post(address, form)
    assert answer.status_code == 422
    assert sentence.lower() in answer.text.lower()
    assert secret_on(answer.text) == secret
    assert form["password"] not in answer.text
