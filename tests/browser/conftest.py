"""Chromium and a whole site for the browser tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.accessibility import findings
from tests.browser.sign_in import sign_in
from tests.browser.site import chromium, command, running


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site's store and keys."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="session")
def site(instance: Path) -> Iterator[str]:
    """The address of a running Vouchline with demo people."""
    with running(instance) as base:
        yield base


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_playwright() as tool:
        started = tool.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield started
        started.close()


@pytest.fixture(params=[320, 1280], ids=["320px", "1280px"])
def page(browser: Browser, site: str, request: pytest.FixtureRequest):
    """A page of a fresh browser profile, at the smallest and at an ordinary width."""
    context = browser.new_context(
        base_url=site, viewport={"width": request.param, "height": 720}, locale="en-GB"
    )
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    yield opened
    context.close()


@pytest.fixture(scope="session")
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
    expect(page.locator(".recovery code")).to_have_count(8)
    recovery = page.locator(".recovery code").all_inner_texts()
    page.click("text=I have them: sign in")
    sign_in(page, "mona@example.org", "six brown foxes", recovery[0])
    page.wait_for_url("**/staff/day**")
    state = page.context.storage_state()
    page.goto(site + link[link.index("/staff/enrol/") :])
    expect(page.locator("body")).to_contain_text("no longer works")
    page.context.close()
    return state
