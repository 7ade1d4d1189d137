"""The questions about a call in a real browser: by hand and by keyboard, small and large, with and
without JavaScript."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import findings

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("VOUCHLINE_TEST_PICTURES", "")


def looked_at(page, name: str) -> None:
    """Nothing that axe finds, nothing wider than the screen; kept as a picture where asked for."""
    assert findings(page) == [], name
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth"), name
    if PICTURES:
        width = page.viewport_size["width"]
        page.screenshot(path=Path(PICTURES) / f"report-{name}-{width}.png", full_page=True)


@pytest.fixture(params=[(320, True), (320, False), (1180, True)], ids=["320", "plain", "1180"])
def reporter(browser, site, request):
    width, script = request.param
    context = browser.new_context(
        base_url=site,
        viewport={"width": width, "height": 720},
        locale="en-GB",
        java_script_enabled=script,
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.scripted = script
    yield page
    context.close()


def look(page, name: str) -> None:
    """As :func:`looked_at`; axe itself is a script, so not without one."""
    if page.scripted:
        looked_at(page, name)


def test_from_not_confirmed_to_the_reference_in_a_minute(reporter):
    page = reporter
    page.goto("/")
    page.fill("#phone", "07400 999997")
    page.fill("#code", "123456")
    page.click("text=Check the caller")
    page.click("text=Report the call")
    look(page, "start")
    page.click("text=Start the report")
    look(page, "gave")
    page.check("#gave-money")
    page.check("#gave-remote")
    page.click("text=Go on")
    expect(page.locator("h1")).to_have_text("Do this now")
    look(page, "now")
    page.click("text=I have done this")
    look(page, "when")
    page.check("#when-yesterday")
    page.select_option("#hour", "9")
    page.click("text=Go on")
    look(page, "number")
    page.fill("#shown_number", "+44 20 7946 0000")
    page.click("text=Go on")
    look(page, "who")
    page.check("#who-police")
    page.click("text=Go on")
    look(page, "knew")
    page.check("#knew-name")
    page.click("text=Go on")
    look(page, "wanted")
    page.click("text=I do not know: skip")
    look(page, "phone")
    assert page.input_value("#phone") == "07400 999997"
    assert page.locator("#website").bounding_box()["x"] < 0
    page.click("text=Send the report")
    expect(page.locator("h1")).to_contain_text("Thank you")
    look(page, "done")


def test_the_browsers_own_back_shows_what_was_answered(reporter):
    page = reporter
    page.goto("/report")
    page.click("text=Start the report")
    page.click("text=No, nothing")
    page.check("#when-today")
    page.click("text=Go on")
    page.fill("#shown_number", "0123")
    page.click("text=Go on")
    expect(page.locator("#shown_number")).to_have_count(0)
    page.go_back()
    expect(page.locator("#shown_number")).to_have_value("0123")
    page.go_back()
    expect(page.locator("#when-today")).to_be_checked()
    page.click("text=Go on")
    expect(page.locator("#shown_number")).to_have_value("0123")
    page.click("text=Back")
    expect(page.locator("#when-today")).to_be_checked()


def test_a_question_that_cannot_be_used_points_at_its_field(reporter):
    page = reporter
    page.goto("/report")
    page.click("text=Start the report")
    for _ in range(6):
        page.locator("form button").last.click()
    page.fill("#phone", "12")
    page.click("text=Send the report")
    assert page.locator("#phone").get_attribute("aria-invalid") == "true"
    assert page.input_value("#phone") == "12"
    look(page, "problem")


def test_by_keyboard_alone(page):
    page.goto("/report")
    page.focus("text=Start the report")
    page.keyboard.press("Enter")
    page.wait_for_url("**/gave")
    page.focus("#gave-code")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**/now")
    expect(page.locator("body")).to_contain_text("Ring your bank now")
