"""Simulated calls: the agent's phone answers automatically, the customer's is a page."""

from __future__ import annotations

from messaging.call_states import CallState
from messaging.providers.voice_base import OutboundCall


class SimulatorVoiceProvider:
    """Places no real call: the stored row is the whole call."""

    placed = CallState.RINGING

    def place_call(self, call: OutboundCall) -> str:
        return f"demo-{call.reference}"

    def find_placed_call(self, call: OutboundCall) -> str | None:  # noqa: ARG002  (no call is ever lost)
        return None

    def hang_up(self, provider_id: str) -> None:
        """Do nothing: there is no real call."""
