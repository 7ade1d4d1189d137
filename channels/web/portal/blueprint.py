"""Registers the customer portal with the application."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from flask import Flask

from channels.time_format import LocalClock
from channels.web.portal import access_history, booking, callbacks, home, settings
from channels.web.portal.auth import bp

PARTS = (home, booking, callbacks, access_history, settings)


def register_portal(app: Flask) -> None:
    """Register the pages under ``/my``; each form has a CSRF token."""
    app.register_blueprint(bp)
    app.jinja_env.filters["groupby_day"] = _group_times_by_day


def _group_times_by_day(
    times: Iterable[datetime], clock: LocalClock
) -> list[tuple[str, list[datetime]]]:
    """Group times by their day, formatted for display."""
    return [(day, list(group)) for day, group in groupby(times, clock.format_short_day)]
