"""Reports of unexpected calls, for investigators."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from channels.console import labels
from channels.console.staff_request import StaffRequest, bp, staff_page
from incidents.cases import report_list
from people.models import Role


@bp.get("/reports")
@staff_page(Role.INVESTIGATOR)
def show_latest_reports(desk: StaffRequest) -> ResponseReturnValue:
    """Show the latest reports, newest first. Each view is audited."""
    reports = report_list.list_latest_reports(desk.session, desk.principal.actor, desk.moment)
    return render_template("console/reports.html", reports=reports, clock=desk.clock, words=labels)
