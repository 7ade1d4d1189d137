"""The simulator's calls: the agent's phone picks up by itself, the customer's is a page."""

from __future__ import annotations

from messaging.call_states import CallState
from messaging.providers.voice_base import OutboundCall


class SimulatorVoiceProvider:
    """Places nothing: the row of the call is all there is of it."""

    placed = CallState.RINGING

    def place_call(self, call: OutboundCall) -> str:
        return f"demo-{call.reference}"

    def find_placed_call(self, call: OutboundCall) -> str | None:  # noqa: ARG002  (nothing is ever under way unseen)
        return None

    def hang_up(self, provider_id: str) -> None:
        """Nobody is really on the line."""
