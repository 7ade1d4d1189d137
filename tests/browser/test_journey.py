"""The main job in a real browser: booked, announced, started, checked, confirmed, ended."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.signing_in import sign_in
from tests.browser.site import command

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PHONE = "07400 555001"


@pytest.fixture(scope="module")
def signed_in(browser, site, instance) -> dict:
    """Mona, enrolled by the link that the command printed and signed in by a recovery code: the
    authenticator's code was used to enrol, and works once."""
    link = command(
        instance, "staff", "add", "--email", "mona@example.org", "--name", "Mona Vidal",
        "--role", "agent",
    )  # fmt: skip
    page = browser.new_page(base_url=site)
    page.goto(site + link[link.index("/staff/enrol/") :])
    assert page.locator("svg.qr").is_visible()
    assert findings(page) == []
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.fill("#password", "six brown foxes")
    page.fill("#code", pyotp.TOTP(secret).now())
    page.click("text=Finish")
    recovery = page.locator(".recovery code").all_inner_texts()
    assert len(recovery) == 8
    page.click("text=I have them: sign in")
    sign_in(page, "mona@example.org", "six brown foxes", recovery[0])
    page.wait_for_url("**/staff/day**")
    state = page.context.storage_state()
    page.goto(site + link[link.index("/staff/enrol/") :])
    assert "no longer works" in page.content()
    page.context.close()
    return state


@pytest.fixture
def agent(browser, site, signed_in):
    """Mona's desk."""
    context = browser.new_context(
        base_url=site, viewport={"width": 1280, "height": 800}, storage_state=signed_in
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


@pytest.fixture
def customer(browser, site):
    """A customer's small phone."""
    context = browser.new_context(base_url=site, viewport={"width": 320, "height": 640})
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


def findings(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


def book(agent: Page, phone: str, name: str, topic: str) -> None:
    """Book a callback that can be started at once, by the first minute that is free."""
    agent.goto("/staff/book")
    agent.fill("#find", phone)
    agent.keyboard.press("Enter")
    agent.wait_for_selector("#topic")
    if agent.locator("#name").count():
        agent.fill("#name", name)
    agent.fill("#topic", topic)
    for ahead in range(1, 60):
        soon = datetime.now(ZoneInfo("Europe/London")) + timedelta(minutes=ahead)
        agent.check("#slot-other")
        agent.fill("#on", soon.strftime("%Y-%m-%d"))
        agent.fill("#at", soon.strftime("%H:%M"))
        agent.fill("#minutes", "5")
        agent.click("text=Book and tell the customer")
        agent.wait_for_load_state()
        if agent.locator("#call").count():
            return
    raise AssertionError("no free minute")


def test_the_journey_of_a_callback(agent, customer):
    book(agent, PHONE, "Gwen Jones", "your router")
    assert findings(agent) == []
    assert PHONE not in agent.content()

    customer.goto("/demo/phone?phone=%2B447400555001")
    expect(customer.locator(".bubble.theirs").first).to_contain_text("Mona will ring you")

    agent.click("text=Start call")
    code = agent.locator("#code").inner_text()
    assert re.fullmatch(r"\d{3} \d{3}", code)
    assert findings(agent) == []

    wrong = f"{(int(code.replace(' ', '')) + 1) % 10**6:06d}"
    customer.goto("/")
    customer.fill("#phone", PHONE)
    customer.fill("#code", wrong)
    customer.click("text=Check the caller")
    expect(customer.locator("h1")).to_have_text("Not confirmed")
    expect(agent.locator("#tries")).to_contain_text("4")

    customer.goto("/")
    customer.fill("#phone", PHONE)
    customer.fill("#code", code)
    agent.evaluate("window.sameDocument = true")
    customer.click("text=Check the caller")
    expect(customer.locator("h1")).to_have_text("Genuine")
    expect(agent.locator("#confirmed")).to_be_visible()
    assert agent.evaluate("window.sameDocument"), "the agent's page must not have reloaded"
    word = customer.locator("#reply-word").inner_text()
    expect(agent.locator("#reply-word")).to_have_text(word)
    assert findings(agent) == []
    assert findings(customer) == []
    assert customer.evaluate("document.documentElement.scrollWidth") <= 320

    customer.goto("/")
    customer.fill("#phone", PHONE)
    customer.fill("#code", code)
    customer.click("text=Check the caller")
    expect(customer.locator("h1")).to_have_text("Already checked")

    agent.check("#o-reached")
    agent.click("text=End call")
    expect(agent.locator("#state")).to_contain_text("Ended")
    customer.goto("/")
    customer.fill("#phone", PHONE)
    customer.fill("#code", code)
    customer.click("text=Check the caller")
    expect(customer.locator("h1")).to_have_text("Not confirmed")


def test_the_check_by_text_from_the_simulators_phone(agent, customer):
    book(agent, "07400 555002", "Walter Nguyen", "your account")
    agent.click("text=Start call")
    code = agent.locator("#code").inner_text()
    customer.goto("/demo/phone?phone=%2B447400555002")
    customer.fill("#body", f"he said {code}")
    customer.click("text=Send")
    expect(customer.locator(".bubble.theirs").last).to_contain_text("GENUINE")
    expect(agent.locator("#confirmed")).to_be_visible()
    assert agent.locator("#reply-word").inner_text() in customer.content()
    customer.fill("#body", "CHECK")
    customer.click("text=Send")
    expect(customer.locator(".bubble.theirs").last).to_contain_text("Mona is calling you since")
