"""The simulator: texts arrive on phones shown in the browser, for trials and tests."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from messaging.providers.base import OutboundMessage
from messaging.providers.simulator.message_store import SimulatedMessages
from vault.keys.keyring import Keyring


class SimulatorSmsProvider:
    """A provider that stores texts in the database, sealed."""

    name = "simulator"

    def __init__(self, engine: Engine, ring: Keyring) -> None:
        self._messages = SimulatedMessages(engine, ring)

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:
        return self._messages.accept(letter, now)

    def find_message(self, letter: OutboundMessage) -> str | None:
        return self._messages.find(letter)

    def look_up_line_type(self, phone: str) -> str:  # noqa: ARG002 (the protocol's)
        return "mobile"
