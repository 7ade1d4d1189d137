"""Takes the place of the provider of calls where none is configured."""

from __future__ import annotations

from datetime import datetime

from messaging.providers.base import OutboundMessage, Rejected


class NoVoiceProvider:
    """Rejects every message that should be spoken, so that staff see that it failed."""

    name = "none"

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:  # noqa: ARG002 (the protocol's)
        raise Rejected("no_calls")

    def find_message(self, letter: OutboundMessage) -> str | None:  # noqa: ARG002 (the protocol's)
        return None
