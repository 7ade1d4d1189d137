"""What axe finds on a page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def findings(page: Page) -> list[str]:
    """Rules that the page breaks, each with the first place, once nothing moves or fades."""
    page.emulate_media(reduced_motion="reduce")
    page.evaluate("document.getAnimations().forEach(each => each.finish())")
    found = Axe().run(page).response["violations"]
    return [f"{item['id']}: {item['nodes'][0]['html'][:120]}" for item in found]
