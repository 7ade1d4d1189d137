"""Hangs the console onto the application."""

from __future__ import annotations

from flask import Flask

from channels.console import (
    book,
    calling,
    card,
    day,
    enrol,
    live,
    problems,
    reports,
    signin,
    team,
    trail,
)
from channels.console.desk import pages

PARTS = (signin, enrol, day, book, card, calling, live, team, reports, trail, problems)


def register(app: Flask) -> None:
    """The pages under ``/staff``, guarded against forged requests by a token in each form."""
    # The token is good for as long as the session that it is bound to: a card stays open long.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    # Our pages send no referrer, not even to ourselves; the token and SameSite do the work.
    app.config["WTF_CSRF_SSL_STRICT"] = False
    app.register_blueprint(pages)
