"""What every channel that takes reports does first: count who sends them."""

from __future__ import annotations

from flask import request

from channels.checks import read_number
from channels.context import ctx


def count_address() -> None:
    """One report from this network address. Raises ``TooMany``."""
    ctx().limiter.hit("report_address", request.remote_addr or "unknown")


def number_of(text: str) -> str:
    """The number that was called, in E.164, counted. Raises ``InvalidInput`` or ``TooMany``.

    Somebody who spends a stranger's share keeps nobody from reporting: a text from the number
    itself is not counted here.
    """
    phone = read_number(text)
    here = ctx()
    here.limiter.hit("report_number", here.ring.blind_index("phone", phone).hex())
    return phone
