"""The customer's pages in a real browser: accessible, on a small phone, by keyboard, without
JavaScript."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PATHS = [
    "/",
    "/report",
    "/report/whole",
    "/demo/phone",
    "/api/docs",
    "/nothing",
    "/?lang=de",
    "/report?lang=es",
]


def findings(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{item['id']}: {item['nodes'][0]['html'][:120]}" for item in found]


def too_wide(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_no_accessibility_findings_and_fits(page, path):
    problems = []
    page.on("console", lambda message: problems.append(message.text))
    page.goto(path)
    assert findings(page) == []
    assert not too_wide(page)
    assert not [p for p in problems if "Content Security Policy" in p or "Error" in p]


def test_not_confirmed_is_said_in_word_icon_and_colour(page):
    page.goto("/")
    page.fill("#phone", "07400 999999")
    page.fill("#code", "123 456")
    page.click("text=Check the caller")
    expect(page.locator("h1")).to_have_text("Not confirmed")
    assert page.locator(".verdict svg").is_visible()
    colour = page.locator(".verdict").evaluate("e => getComputedStyle(e).backgroundColor")
    assert colour == "rgb(156, 17, 17)"
    assert findings(page) == []
    assert not too_wide(page)


def test_the_check_works_by_keyboard_alone(page):
    page.goto("/")
    page.focus("#phone")
    page.keyboard.type("07400 999999")
    page.keyboard.press("Tab")
    page.keyboard.type("123456")
    page.keyboard.press("Enter")
    page.wait_for_url("**/check")
    expect(page.locator("h1")).to_have_text("Not confirmed")


def test_the_check_and_the_report_work_without_javascript(browser, site):
    context = browser.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.fill("#phone", "07400 999998")
    page.fill("#code", "123456")
    page.click("text=Check the caller")
    page.click("text=Report the call")
    page.click("text=All questions on one page")
    assert page.input_value("#phone") == "07400 999998"
    page.check("#knew-ticket")
    page.click("text=Send the report")
    expect(page.locator("h1")).to_contain_text("Thank you")
    context.close()


def test_bad_input_points_at_its_field(page):
    page.goto("/")
    page.fill("#phone", "07400 123456")
    page.fill("#code", "12")
    page.click("text=Check the caller")
    assert page.locator("#code").get_attribute("aria-invalid") == "true"
    assert page.locator("#phone").get_attribute("aria-invalid") is None
    assert page.input_value("#phone") == "07400 123456"
    assert findings(page) == []


def test_the_language_can_be_chosen(page):
    page.goto("/")
    page.click("footer >> text=Deutsch")
    assert page.locator("html").get_attribute("lang") == "de"
