"""Errors of booking. Each message is a sentence for its reader."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime


class SlotTaken(Exception):
    """The time is not free; ``free_slots`` are the nearest ones that are."""

    def __init__(self, message: str, free_slots: Sequence[datetime]) -> None:
        super().__init__(message)
        self.free_slots = tuple(free_slots)


class WrongState(Exception):
    """The callback's state does not allow this."""


class OutsideWindow(Exception):
    """It is too early or too late to start this call."""
