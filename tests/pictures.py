"""Takes the README's pictures from the real pages: ``make pictures``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import sign_in
from tests.browser.site import ROOT, chromium, running

FOLDER = ROOT / "docs" / "pictures"
PHONE = "07400 123456"


def main() -> None:
    """Play the journey once and take a picture at each turn."""
    path = chromium()
    if path is None:
        raise SystemExit("This needs Chromium: apt-get install chromium")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=path, args=["--no-sandbox"])
        with running(Path(folder), VOUCHLINE_TIMEZONE="Europe/London") as base:
            take(browser, base)
        browser.close()


def take(browser: Browser, base: str) -> None:
    """The pictures, in the order of the journey."""
    signed_in = sign_in.of_demo(browser, base, "ana@example.org")
    size = {"width": 1180, "height": 880}
    agent = browser.new_page(base_url=base, viewport=size, storage_state=signed_in)
    customer = browser.new_page(base_url=base, viewport={"width": 390, "height": 760})
    agent.goto("/staff/")
    agent.click("text=Gwen Jones")
    agent.click("text=Start call")
    code = agent.locator("#code").inner_text()
    agent.evaluate("scrollTo(0, 0)")
    agent.screenshot(path=FOLDER / "card.png")
    check(customer, code, FOLDER / "check.png")
    customer.screenshot(path=FOLDER / "genuine.png")
    agent.wait_for_selector("#confirmed:visible")
    agent.screenshot(path=FOLDER / "confirmed.png")
    customer.goto("/demo/phone?phone=%2B447400123456")
    customer.screenshot(path=FOLDER / "text.png")
    wrong = f"{(int(code.replace(' ', '')) + 1) % 10**6:06d}"
    check(customer, wrong, None)
    customer.screenshot(path=FOLDER / "not-confirmed.png")


def check(customer: Page, code: str, before: Path | None) -> None:
    """Ask whether the caller is genuine."""
    customer.goto("/")
    customer.fill("#phone", PHONE)
    customer.fill("#code", code)
    if before:
        customer.screenshot(path=before)
    customer.click("text=Check the caller")
    customer.wait_for_selector(".verdict")


if __name__ == "__main__":
    main()
