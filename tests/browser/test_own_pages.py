"""A customer's own pages in a real browser: on a small phone, accessible, without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_public_pages import findings, too_wide

pytestmark = pytest.mark.browser
PHONE, ANOTHER = "+447400123456", "+12025550123"


def numbers(page, phone: str = PHONE) -> list[str]:
    """The page numbers on the demo's phones, oldest first."""
    texts = page.request.get(f"/demo/messages?phone={phone.replace('+', '%2B')}").json()
    return re.findall(r"(\d{4} \d{4}) opens your own page", str(texts))


def ask(page, phone: str = PHONE) -> str:
    """Ask for a page number by the form, and wait for it."""
    before = len(numbers(page, phone))
    page.fill("#phone", phone)
    page.click("text=Send me a text")
    for _ in range(100):
        found = numbers(page, phone)
        if len(found) > before:
            return found[-1]
        page.wait_for_timeout(100)
    raise AssertionError("no page number came")


def look(page) -> None:
    assert findings(page) == []
    assert not too_wide(page)


def test_a_customer_enters_moves_and_refuses_without_javascript(browser, site):
    context = browser.new_context(
        base_url=site, java_script_enabled=False, viewport={"width": 320, "height": 640}
    )
    page = context.new_page()
    page.goto("/my")
    number = ask(page)
    expect(page.locator("h1")).to_have_text("Type the page number")
    page.fill("#number", number)
    page.click("text=Open my page")
    expect(page.locator("h1")).to_have_text("Your booked calls")
    page.locator(".own-call a").first.click()
    before = page.locator("h1").inner_text()
    page.locator("button.time").nth(7).click()
    expect(page.locator("h1")).not_to_have_text(before)
    expect(page.locator("body")).to_contain_text("It was booked for")
    page.click("text=I did not ask for this call")
    page.click("text=No, I did not ask for it")
    expect(page.locator("h1")).to_have_text("The call is off")
    context.close()


def test_every_own_page_is_accessible_and_fits_a_small_phone(page):
    page.goto("/my")
    look(page)
    small = page.viewport_size["width"] < 600  # a phone gets two page numbers an hour
    number = ask(page, PHONE if small else ANOTHER)
    look(page)
    page.fill("#number", number)
    page.click("text=Open my page")
    for path in ("/my", "/my/book", "/my/calls", "/my/openings", "/my/settings"):
        page.goto(path)
        look(page)
    page.goto("/my/book")
    page.fill("#topic", "my router")
    page.locator("button.time").first.click()
    expect(page.locator("body")).to_contain_text("The call is booked")
    page.locator(".own-call a").last.click()
    look(page)
    page.click("text=I did not ask for this call")
    look(page)
