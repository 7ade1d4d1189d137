"""Hangs the console onto the application."""

from __future__ import annotations

from flask import Flask

from channels.console import (
    account,
    account_changes,
    agent,
    approvals,
    book,
    calling,
    card,
    case_actions,
    case_acts,
    case_export,
    cases,
    colleagues,
    coverage,
    day,
    enrol,
    feed,
    handing,
    live,
    notes,
    own_enrolment,
    passkeys,
    people,
    problems,
    proof,
    renumber,
    report_taken,
    reports,
    signin,
    suspended,
    team,
    teams,
    tracing,
    trail,
    week_view,
)
from channels.console.desk import pages

PARTS = (
    *(signin, enrol, day, week_view, book, card, calling, handing, live, feed, renumber),
    *(account, account_changes, own_enrolment, proof, passkeys, colleagues),
    *(team, agent, teams, coverage, notes, report_taken, reports, trail, problems),
    *(cases, case_acts, case_actions, case_export, tracing),
    *(people, approvals, suspended),
)


def register(app: Flask) -> None:
    """The pages under ``/staff``, guarded against forged requests by a token in each form."""
    # The token is good for as long as the session that it is bound to: a card stays open long.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    # Our pages send no referrer, not even to ourselves; the token and SameSite do the work.
    app.config["WTF_CSRF_SSL_STRICT"] = False
    app.register_blueprint(pages)
    app.register_blueprint(feed.public)
