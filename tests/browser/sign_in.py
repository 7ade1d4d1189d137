"""Signing demo people in by what the demo shows."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, Page

from channels.simulator.seed_data import DEMO_PASSWORD


def sign_in(page: Page, email: str, password: str, code: str) -> None:
    """Fill the form in and send it."""
    page.fill("#email", email)
    page.fill("#password", password)
    page.fill("#code", code)
    page.click("main button[type=submit]")


def of_demo(browser: Browser, site: str, email: str, **more: Any) -> Any:
    """The cookies of a demo person who has just signed in, by the code that the demo shows."""
    page = browser.new_page(base_url=site, **more)
    page.goto("/staff/sign-in/demo")
    code = page.locator("li", has_text=email).locator(".otp").inner_text()
    page.goto("/staff/sign-in")
    sign_in(page, email, DEMO_PASSWORD, code)
    page.wait_for_url(lambda url: "sign-in" not in url)
    state = page.context.storage_state()
    page.context.close()
    return state
