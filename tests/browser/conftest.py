"""Chromium and a whole site for the browser tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.site import chromium, running


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
