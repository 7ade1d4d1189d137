"""What every channel that takes reports does first: count who sends them."""

from __future__ import annotations

from channels.app_context import current_context
from channels.client_network import request_network


def count_report_address() -> None:
    """One report from this network. Raises ``TooMany``."""
    current_context().limiter.count_hit("report_address", request_network())
