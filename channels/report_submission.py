"""The first step of every channel that takes reports: counting the sender."""

from __future__ import annotations

from channels.app_context import current_context
from channels.client_network import request_network


def count_report_address() -> None:
    """Count one report from this network. Raises ``RateLimitExceeded``."""
    current_context().limiter.count_hit("report_address", request_network())
