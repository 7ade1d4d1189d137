"""The call window: when a booked call may be started, and when the window is over (rule C2)."""

from __future__ import annotations

from datetime import datetime, timedelta


def call_window_start(starts_at: datetime, lead_minutes: int) -> datetime:
    """Return the first instant at which the call may be started."""
    return starts_at - timedelta(minutes=lead_minutes)


def call_window_end(starts_at: datetime, minutes: int) -> datetime:
    """Return the first instant after the window, which ends with the booked length."""
    return starts_at + timedelta(minutes=minutes)
