"""What every channel that takes reports does first: count who sends them."""

from __future__ import annotations

from channels.app_context import ctx
from channels.client_network import request_network


def count_address() -> None:
    """One report from this network. Raises ``TooMany``."""
    ctx().limiter.hit("report_address", request_network())
