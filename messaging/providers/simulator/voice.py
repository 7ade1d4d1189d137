"""Simulated calls: the agent's phone answers automatically, the customer's is a page.

A spoken message arrives on the simulated phone as a text with a telephone before it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from messaging.call_states import CallState
from messaging.providers.base import OutboundMessage
from messaging.providers.simulator.message_store import SimulatedMessages
from messaging.providers.voice_base import OutboundCall
from vault.keys.keyring import Keyring


class SimulatorVoiceProvider:
    """Places no real call: the stored row is the whole call."""

    name = "simulator"
    placed = CallState.RINGING

    def __init__(self, engine: Engine, ring: Keyring) -> None:
        self._messages = SimulatedMessages(engine, ring, spoken=True)

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:
        return self._messages.accept(letter, now)

    def find_message(self, letter: OutboundMessage) -> str | None:
        return self._messages.find(letter)

    def place_call(self, call: OutboundCall) -> str:
        return f"demo-{call.reference}"

    def find_placed_call(self, call: OutboundCall) -> str | None:  # noqa: ARG002  (no call is ever lost)
        return None

    def hang_up(self, provider_id: str) -> None:
        """Do nothing: there is no real call."""
