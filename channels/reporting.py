"""What every channel that takes reports does first: count who sends them."""

from __future__ import annotations

from flask import request

from channels.context import ctx


def count_address() -> None:
    """One report from this network address. Raises ``TooMany``."""
    ctx().limiter.hit("report_address", request.remote_addr or "unknown")
