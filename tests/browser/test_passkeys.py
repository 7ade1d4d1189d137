"""Passkeys in a real browser, with its virtual authenticator; the account page at both widths."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.browser.accessibility import findings
from tests.browser.sign_in import of_demo

pytestmark = pytest.mark.browser
BEN = "ben@example.org"
WIDTHS = (320, 1280)


@pytest.fixture(scope="module")
def ben(browser: Browser, site: str) -> dict:
    """Ben's cookies, who has just signed in."""
    return of_demo(browser, site, BEN)


@contextmanager
def opened(browser: Browser, site: str, state: dict | None = None, **more) -> Iterator[Page]:
    context = browser.new_context(base_url=site, storage_state=state, **more)
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def authenticator(page: Page, *, verified: bool = True) -> tuple[CDPSession, str]:
    """A virtual authenticator with a lock that its owner opens, or does not."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verified,
        "automaticPresenceSimulation": True,
    }
    made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return cdp, made["authenticatorId"]


def credentials(cdp: CDPSession, which: str) -> list[dict]:
    return cdp.send("WebAuthn.getCredentials", {"authenticatorId": which})["credentials"]


def test_a_passkey_is_made_signs_in_proves_and_stops_when_it_was_copied(browser, site, ben):
    with opened(browser, site, ben) as page:
        cdp, which = authenticator(page)
        page.goto("/staff/account")
        page.fill("#passkey-name", "Ben’s laptop")
        page.click("text=Add a passkey")
        expect(page.locator("[role=status]")).to_have_text("The passkey is added.")
        expect(page.locator("main")).to_contain_text("Ben’s laptop")
        (made,) = credentials(cdp, which)
        assert made["rpId"] == "localhost"
        assert made["isResidentCredential"]
        page.click("text=Add a passkey")
        expect(page.locator("[data-passkey=add] [role=alert]")).to_contain_text("already")
        page.click("text=I have read this")

        page.context.clear_cookies()
        page.goto("/staff/sign-in")
        page.click("text=Sign in with a passkey")
        page.wait_for_url("**/staff/day")
        page.goto("/staff/account")
        expect(page.locator("main")).to_contain_text("by passkey")

        page.goto("/staff/account/proof?next=/staff/account/password")
        page.click("text=Use a passkey")
        expect(page.locator("h1")).to_have_text("Another password")

        (kept,) = credentials(cdp, which)
        back = {**kept, "signCount": 0}
        cdp.send(
            "WebAuthn.removeCredential",
            {"authenticatorId": which, "credentialId": kept["credentialId"]},
        )
        cdp.send("WebAuthn.addCredential", {"authenticatorId": which, "credential": back})
        page.context.clear_cookies()
        page.goto("/staff/sign-in")
        page.click("text=Sign in with a passkey")
        expect(page.locator("[data-passkey] [role=alert]")).to_contain_text("not accepted")
        page.goto("/staff/day")
        assert "sign-in" in page.url


def test_without_its_owners_lock_or_a_passkey_it_is_said_in_words(browser, site):
    with opened(browser, site) as page:
        cdp, which = authenticator(page, verified=False)
        page.goto("/staff/sign-in")
        page.click("text=Sign in with a passkey")
        line = page.locator("[data-passkey] [role=alert]")
        expect(line).to_contain_text("Nothing was done")
        assert credentials(cdp, which) == []
        assert findings(page) == []


def test_at_another_name_of_the_site_it_says_where_passkeys_work(browser, site):
    with opened(browser, site.replace("localhost", "127.0.0.1")) as page:
        authenticator(page)
        page.goto("/staff/sign-in")
        page.click("text=Sign in with a passkey")
        line = page.locator("[data-passkey] [role=alert]")
        expect(line).to_contain_text("work only at http://localhost")


@pytest.mark.parametrize("path", ["/staff/sign-in", "/staff/account"])
def test_without_scripts_the_page_says_that_passkeys_need_them(browser, site, ben, path):
    state = ben if "account" in path else None
    with opened(browser, site, state, java_script_enabled=False) as page:
        page.goto(path)
        expect(page.locator("[data-passkey]")).to_contain_text("Passkeys need JavaScript")
        expect(page.locator("[data-passkey] button")).to_be_hidden()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "path", ["/staff/account", "/staff/account/proof", "/staff/account/password"]
)
def test_the_pages_of_ones_own_account_are_accessible_and_fit(browser, site, ben, path, width):
    with opened(browser, site, ben, viewport={"width": width, "height": 800}) as page:
        assert page.goto(path).status == 200
        assert page.url == site + path
        assert findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_what_to_do_without_a_password_is_accessible_and_fits(browser, site, width):
    with opened(browser, site, viewport={"width": width, "height": 800}) as page:
        page.goto("/staff/sign-in")
        page.click("text=Lost password or phone?")
        assert findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_of_new_links_is_accessible_and_fits(browser, site, signed_in):
    del signed_in  # Mona is enrolled, so a new link can be asked for her
    state = of_demo(browser, site, "sam@example.org")
    with opened(browser, site, state) as page:
        page.goto("/staff/colleagues")
        page.click("li:has-text('Mona') button")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            expect(page.locator("#link")).to_be_visible()
            assert findings(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_ones_other_browser_is_ended_from_the_keyboard(browser, site, ben):
    with opened(browser, site, ben) as page:
        page.goto("/staff/account")
        there = page.locator("text=Sign out everywhere")
        for _ in range(60):
            if there.evaluate("element => element === document.activeElement"):
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/staff/sign-in?out=1")
        expect(page.locator("main")).to_contain_text("You are signed out")
