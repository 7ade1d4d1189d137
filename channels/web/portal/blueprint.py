"""Hangs the customers' own pages onto the application."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from flask import Flask

from channels.time_format import Clock
from channels.web.portal import access_history, booking, callbacks, home, settings
from channels.web.portal.auth import pages

PARTS = (home, booking, callbacks, access_history, settings)


def register(app: Flask) -> None:
    """The pages under ``/my``, guarded against forged requests by a token in each form."""
    app.register_blueprint(pages)
    app.jinja_env.filters["groupby_day"] = _by_day


def _by_day(times: Iterable[datetime], clock: Clock) -> list[tuple[str, list[datetime]]]:
    """Times under the day on which they are, in words."""
    return [(day, list(group)) for day, group in groupby(times, clock.short_day)]
