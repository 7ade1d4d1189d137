"""Enrolling by the pages, as a newcomer does."""

from __future__ import annotations

import re

import pyotp
from werkzeug.test import TestResponse

from tests.channels.conftest import Console, Tab

NEW_PASSWORD = "nine purple umbrellas"
_SECRET = re.compile(r'class="secret">([A-Z2-7]{4}(?: [A-Z2-7]{4}){7})<')


def pin_on(page: str) -> str:
    """The PIN that the page shows to an approver."""
    found = re.search(r'class="secret">(\d{6})<', page)
    assert found, page
    return found[1]


def secret_on(page: str) -> str:
    """The authenticator's key, or nothing."""
    found = _SECRET.search(page)
    return found[1].replace(" ", "") if found else ""


def set_anew(
    console: Console, tab: Tab, address: str, *pins: str, recovery: str = ""
) -> TestResponse:
    """Give what an address asks, then set password and authenticator, if it lets one."""
    beside = {"piece": list(pins), "recovery": recovery}
    page = tab.post(address, beside)
    secret = secret_on(page.text)
    if not secret:
        return page
    code = pyotp.TOTP(secret).at(console.now)
    return tab.post(address, {**beside, "password": NEW_PASSWORD, "code": code})


def request_in(page: str) -> tuple[str, str]:
    """The last request that a page lets one approve, and what its form says was read."""
    found = re.findall(
        r'approvals/([0-9a-f-]{36})/approve".*?name="digest" value="(\w+)"', page, re.S
    )
    assert found, page
    return found[-1]


def approved(tab: Tab) -> TestResponse:
    """Approve the last request that waits for the person signed in at this tab."""
    request, digest = request_in(tab.get("/staff/approvals").text)
    return tab.post(f"/staff/approvals/{request}/approve", {"digest": digest})


def add(asker: Tab, email: str, role: str = "agent") -> str:
    """Ask for a colleague; the path of their link."""
    name = email.partition("@")[0].title() + " Hughes"
    form = {"email": email, "name": name, "role": role, "why": "New in the evening shift"}
    page = asker.post("/staff/people", form).text
    found = re.search(r"/staff/enrol/[\w-]+", page)
    assert found, page
    return found[0]


def sign_in(console: Console, email: str, code: str) -> Tab:
    """A tab of somebody who enrolled by :func:`set_anew`, by one of their recovery codes."""
    tab = console.tab()
    form = {"email": email, "password": NEW_PASSWORD, "code": code}
    answer = tab.post("/staff/sign-in", form)
    assert answer.status_code == 303, answer.text
    tab.post("/staff/account/read")
    return tab


def codes_on(page: str) -> list[str]:
    """The recovery codes that were shown."""
    return re.findall(r"<code>([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</code>", page)
