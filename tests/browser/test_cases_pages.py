"""A case in a real browser: from the board to its closing, small and wide, by keyboard, without
scripts."""

from __future__ import annotations

import re
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.accessibility import findings
from tests.browser.sign_in import of_demo
from tests.browser.site import running

pytestmark = pytest.mark.browser

CALLS = "Unexpected calls that belong together"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the site keeps its store."""
    folder: Path = tmp_path_factory.mktemp("cases")
    return folder


@pytest.fixture(scope="module")
def demo(place: Path) -> Iterator[str]:
    """A site of its own, with the reports of the demo."""
    with running(place) as base:
        yield base


@pytest.fixture(scope="module")
def cookies(browser: Browser, demo: str) -> dict:
    return of_demo(browser, demo, "ines@example.org")


@pytest.fixture
def tabs(browser: Browser, demo: str, cookies: dict) -> Iterator:
    opened: list[BrowserContext] = []

    def tab(width: int = 1180, **more: object) -> Page:
        size = {"width": width, "height": 800}
        opened.append(
            browser.new_context(base_url=demo, viewport=size, storage_state=cookies, **more)
        )
        return opened[-1].new_page()

    yield tab
    for item in opened:
        item.close()


def well(page: Page, width: int) -> None:
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def the_case(page: Page) -> str:
    """The demo's reports have become a case by the worker's doing; gives its address."""
    for _ in range(30):
        page.goto("/staff/cases")
        if page.get_by_text(CALLS).count():
            break
        page.wait_for_timeout(1000)
    return str(page.locator(".cases a", has_text=CALLS).first.get_attribute("href"))


def test_a_case_is_worked_on_from_the_keyboard_alone(tabs):
    page = tabs()
    address = the_case(page)
    page.locator(f"a[href='{address}']").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Take this case").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".state")).to_contain_text("Taken")
    page.focus("#words")
    page.keyboard.type("The same number each time.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".steps")).to_contain_text("The same number each time.")
    page.wait_for_load_state()
    page.locator("summary", has_text="Open this customer").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details[open]", has_text="Open this customer").first).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type("to ring them back")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("A customer in case")
    assert findings(page) == []
    assert re.search(r"\+\d[\d ]+", page.locator(".facts .number").inner_text())


@pytest.mark.parametrize("width", [320, 1180])
def test_its_pages_are_accessible_and_fit_with_everything_open(tabs, width):
    page = tabs(width)
    address = the_case(page)
    well(page, width)
    page.goto(address)
    well(page, width)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    well(page, width)
    page.goto("/staff/audit?what=reports")
    expect(page.locator(".timeline svg")).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    well(page, width)


def test_exposed_customers_and_who_read_a_customer_without_scripts(tabs):
    page = tabs(320, java_script_enabled=False)
    page.goto(the_case(page))
    if page.get_by_role("button", name="Take this case").count():
        page.click("text=Take this case")
    page.click("summary:has-text('Name a colleague')")
    page.select_option("#person", label="Ana Silva")
    page.fill("#naming", "had seen all of them")
    page.click("text=Name them")
    page.click("text=Customers exposed by this access")
    expect(page.locator(".lead")).to_contain_text("4 customers")
    page.click("text=List them")
    expect(page.locator("tbody tr")).to_have_count(4)
    page.go_back()
    page.go_back()
    page.locator("summary", has_text="Open this customer").first.click()
    page.locator("text=Who read this customer").first.click()
    expect(page.locator("h1")).to_have_text("Who read this customer")
    expect(page.locator("table.audit").last).to_contain_text("Ana Silva")


def test_the_export_comes_as_a_file_that_reads_on_a_small_screen(tabs, tmp_path):
    page = tabs()
    page.goto(the_case(page))
    if page.get_by_role("button", name="Take this case").count():
        page.click("text=Take this case")
    page.click("summary:has-text('Export for the police')")
    page.check("#f-shown")
    page.fill("#exporting", "The police asked for it.")
    with page.expect_download() as got:
        page.click("text=Make the file")
    assert got.value.suggested_filename.endswith(".zip")
    got.value.save_as(tmp_path / "case.zip")
    with zipfile.ZipFile(tmp_path / "case.zip") as made:
        (inside,) = [name for name in made.namelist() if name.endswith("case.html")]
        made.extract(inside, tmp_path)
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto((tmp_path / inside).as_uri())
    well(page, 320)


def looked(folder: Path) -> None:
    """An agent had looked at all who report, a year before."""
    with sqlite3.connect(next(folder.rglob("*.sqlite3")), timeout=30) as database:
        database.execute(
            "INSERT INTO audit_entry (at, actor, staff_id, action, customer_id, purpose, detail)"
            " SELECT '2025-01-01 09:00:00.000000', 'staff', staff.id, 'customer.read',"
            " report.customer_id, 'own day', '' FROM report,"
            " (SELECT id FROM staff WHERE role = 'agent' ORDER BY id LIMIT 1) AS staff"
            " WHERE report.customer_id IS NOT NULL"
        )


@pytest.mark.parametrize("width", [320, 1180])
def test_who_had_seen_the_customers_is_told_with_a_picture_and_a_warning(tabs, place, width):
    looked(place)
    page = tabs(width)
    page.goto(the_case(page))
    page.click("text=Who had seen these customers")
    well(page, width)
    expect(page.locator("main")).to_contain_text("evidence and not a verdict")
    expect(page.locator(".ranking svg")).to_be_visible()
    expect(page.locator("table.audit")).to_contain_text("Nobody with access")
