"""Quiet hours: no automatic message at night where the customer lives (rule M4)."""

from __future__ import annotations

from messaging.calling_hours import until_decent

__all__ = ["until_decent"]
