"""Registers the console's pages on the application."""

from __future__ import annotations

from flask import Flask

from channels.console import approvals, error_pages, evening_notes, reset_links
from channels.console.account import credentials, overview, passkeys, reenrolment
from channels.console.agent import (
    booking_views,
    calendar_feed,
    call_actions,
    call_status,
    callback_page,
    day,
    handover,
    number_change,
    report_form,
    time_change,
    week,
)
from channels.console.auth import enrolment, reauthentication, sign_in
from channels.console.investigator import (
    audit_log,
    case_export,
    case_response,
    case_workflow,
    cases,
    leak_tracing,
    reports,
    suspensions,
)
from channels.console.staff_request import bp
from channels.console.supervisor import (
    agent_settings,
    coverage,
    staff_directory,
    team_overview,
    team_settings,
)

PARTS = (
    *(
        sign_in,
        enrolment,
        day,
        week,
        booking_views,
        callback_page,
        call_actions,
        time_change,
        handover,
        call_status,
        calendar_feed,
        number_change,
    ),
    *(overview, credentials, reenrolment, reauthentication, passkeys, reset_links),
    *(
        team_overview,
        agent_settings,
        team_settings,
        coverage,
        evening_notes,
        report_form,
        reports,
        audit_log,
        error_pages,
    ),
    *(cases, case_workflow, case_response, case_export, leak_tracing),
    *(staff_directory, approvals, suspensions),
)


def register_console(app: Flask) -> None:
    """Register the pages under ``/staff``. Each form carries a CSRF token."""
    # A token is valid as long as the session it is bound to: a callback page stays open for long.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    # Our pages send no Referer header, not even to this site; the token and SameSite protect us.
    app.config["WTF_CSRF_SSL_STRICT"] = False
    app.register_blueprint(bp)
    app.register_blueprint(calendar_feed.public_bp)
