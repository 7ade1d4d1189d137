"""An application that sends by Telnyx, to a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from tests import databases
from tests.channels.telnyx.support import OFFICE, PUBLIC_KEY
from tests.messaging.providers.telnyx_server import API_KEY, TelnyxServer, telnyx_server


@pytest.fixture
def telnyx() -> Iterator[TelnyxServer]:
    with telnyx_server() as running:
        yield running
        assert running.wrong == []


@pytest.fixture
def app(telnyx: TelnyxServer, database: str, tmp_path: Path, clock: Any) -> Iterator[Flask]:
    """Its official number is the one that Telnyx has for us."""
    made = create_app(telnyx_settings(telnyx, database, tmp_path), now=clock)
    yield made
    made.extensions["vouchline"].engine.dispose()


def telnyx_settings(telnyx: TelnyxServer, database: str, folder: Path, **more: Any) -> Any:
    given = {
        "public_url": "https://check.example.org",
        "official_phone": OFFICE,
        "sms": "telnyx:",
        "telnyx_api_key": API_KEY,
        "telnyx_public_key": PUBLIC_KEY,
        "telnyx_from_number": OFFICE,
        "telnyx_api_base": telnyx.address,
    }
    return databases.settings(database, folder, **(given | more))


@pytest.fixture
def client(app: Flask) -> Any:
    return app.test_client()
