"""The main job in a real browser: booked, announced, started, checked, confirmed, ended."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import findings

pytestmark = pytest.mark.browser

PHONE = "07400 555001"


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


def book(agent: Page, phone: str, name: str, topic: str) -> None:
    """Book a callback for the first time offered, which can be started at once."""
    agent.goto("/staff/book")
    agent.fill("#find", phone)
    agent.check("#purpose-asked_us")
    agent.keyboard.press("Enter")
    agent.wait_for_selector("#topic")
    if agent.locator("#name").count():
        agent.fill("#name", name)
    agent.fill("#topic", topic)
    agent.locator("label.slot").first.click()
    agent.click("text=Book and tell the customer")
    agent.wait_for_selector("#call")


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
