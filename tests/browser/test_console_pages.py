"""The console's pages: accessible, at 320 px and wide, by keyboard, without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.accessibility import findings
from tests.browser.sign_in import of_demo
from tests.browser.test_journey import book

pytestmark = pytest.mark.browser

HOMES = {
    "ana@example.org": [
        "/staff/day",
        "/staff/week",
        "/staff/book",
        "/staff/calendar",
        "/staff/notes",
        "/staff/report",
        "/staff/approvals",
        "/staff/account",
    ],
    "sam@example.org": [
        "/staff/team",
        "/staff/teams",
        "/staff/coverage",
        "/staff/people",
        "/staff/colleagues",
        "/staff/approvals",
    ],
    "ines@example.org": [
        "/staff/cases",
        "/staff/suspended",
        "/staff/reports",
        "/staff/audit",
        "/staff/approvals",
    ],
}
WIDTHS = (320, 1280)
MONA = "mona@example.org"


@pytest.fixture(scope="module")
def cookies(browser: Browser, site: str, signed_in: dict) -> dict:
    """Who is signed in, by address."""
    return {MONA: signed_in, **{email: of_demo(browser, site, email) for email in HOMES}}


@pytest.fixture
def tabs(browser: Browser, site: str, cookies: dict) -> Iterator:
    """Opens a tab of somebody's browser."""
    opened: list[BrowserContext] = []

    def tab(email: str, width: int = 1280, **more: object) -> Page:
        context = browser.new_context(
            base_url=site,
            viewport={"width": width, "height": 800},
            storage_state=cookies[email],
            **more,
        )
        opened.append(context)
        return context.new_page()

    yield tab
    for item in opened:
        item.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("email", "path"), [(e, p) for e, each in HOMES.items() for p in each])
def test_a_page_of_each_role_is_accessible_and_fits(tabs, email, path, width):
    page = tabs(email, width)
    answer = page.goto(path)
    assert answer.status == 200
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_a_supervisor_rebooks_a_call_and_is_told_so_where_they_pressed(tabs, width):
    book(tabs(MONA), f"07400 55501{WIDTHS.index(width)}", "Nia Price", "your router")
    page = tabs("sam@example.org", width)
    page.goto("/staff/team")
    page.click("summary:has-text('Mona')")
    page.click("text=callbacks of Mona")
    expect(page.locator("nav [aria-current]")).to_have_text("Agents")
    row = page.locator(".booked-row").last
    row.locator("summary").click()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    row.get_by_role("button", name="Rebook").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#booked [role=status]")).to_contain_text("makes this call")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_sign_in_page_is_accessible_and_fits(browser, site, width):
    page = browser.new_page(base_url=site, viewport={"width": width, "height": 800})
    page.goto("/staff/sign-in")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_a_booked_card_fits_a_small_phone(tabs):
    page = tabs(MONA, 320)
    book(page, "07400 555011", "Rhiannon Featherstonehaugh-Cholmondeley", "your router")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.click("text=Start call")
    expect(page.locator("#code")).to_have_text(re.compile(r"\d{3} \d{3}"))
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_whole_call_works_without_scripts(tabs):
    page = tabs(MONA, java_script_enabled=False)
    book(page, "07400 555012", "Owen Pugh", "your router")
    page.click("text=Start call")
    code = page.locator("#code").inner_text()
    page.request.post("/api/v1/checks", data={"phone": "07400555012", "code": code})
    page.reload()
    expect(page.locator("#confirmed")).to_be_visible()
    page.check("#o-reached")
    page.click("text=End call")
    expect(page.locator("#state")).to_contain_text("Ended")


def test_the_call_is_made_from_the_keyboard_alone(tabs):
    page = tabs(MONA)
    page.goto("/staff/day")
    page.keyboard.press("n")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type("07400 555014")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("#name")).to_be_visible()
    assert findings(page) == []
    book(page, "07400 555013", "Megan Rees", "your router")
    start = page.locator("text=Start call")
    for _ in range(40):
        if start.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_visible()


def test_a_new_number_is_asked_for_and_approved_by_keyboard_on_a_small_phone_without_scripts(tabs):
    page = tabs(MONA, 320, java_script_enabled=False)
    book(page, "07400 555017", "Nia Price", "your router")
    page.locator("summary", has_text="The customer has another number").focus()
    page.keyboard.press("Enter")
    page.fill("#number", "07400 555018")
    page.fill("#why", "She has a new phone, and knew the ticket")
    page.keyboard.press("Enter")
    expect(page.locator("[role=status]")).to_contain_text("waits for somebody else")
    looking = tabs("sam@example.org", 320)
    looking.goto("/staff/approvals")
    assert findings(looking) == []
    assert looking.evaluate("document.documentElement.scrollWidth") <= 320
    deciding = tabs("sam@example.org", 320, java_script_enabled=False)
    deciding.goto("/staff/approvals")
    deciding.get_by_role("button", name="Approve").last.focus()
    deciding.keyboard.press("Enter")
    expect(deciding.locator("[role=status]")).to_contain_text("Approved and done.")
    page.goto("/staff/approvals")
    expect(page.locator("article").first).to_contain_text("Done")
