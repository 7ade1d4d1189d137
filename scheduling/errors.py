"""Errors of booking. Each has a code of its subject, and the values of its sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from config.domain_errors import DomainError, ErrorCode


class SlotTaken(DomainError):
    """The time is not free; ``free_slots`` are the nearest ones that are."""

    def __init__(self, code: ErrorCode, free_slots: Sequence[datetime]) -> None:
        super().__init__(code)
        self.free_slots = tuple(free_slots)


class WrongState(DomainError):
    """The callback's state does not allow this."""


class OutsideWindow(DomainError):
    """It is too early or too late to start this call."""
