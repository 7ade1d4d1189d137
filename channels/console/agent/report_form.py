"""A report that an agent takes from somebody on the phone. No customer data is shown."""

from __future__ import annotations

from datetime import datetime

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.check_service import read_number
from channels.console.agent import report_form_choices
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from channels.web.public import report_choices
from incidents.error_codes import IncidentErrorCode
from incidents.reports import report_fields, submission
from people.errors import InvalidInput
from people.models import Role


@bp.get("/report")
@staff_page(Role.AGENT)
def show_agent_report_form(_: StaffRequest) -> ResponseReturnValue:
    """Show the empty form."""
    return _render_agent_report_form({}, {})


@bp.post("/report")
@staff_page(Role.AGENT)
def submit_agent_report(desk: StaffRequest) -> ResponseReturnValue:
    """Save the report as unproven, since the agent cannot vouch for the caller's number.

    The answer is the same whether or not the number belongs to a customer.
    """
    try:
        report = _read_agent_report(desk)
        reference = submission.submit_for_reference(
            desk.session, report, desk.moment, desk.principal.actor
        )
    except InvalidInput as error:
        values = {name: value[:1000] for name, value in request.form.items()}
        return _render_agent_report_form({error.field: _agent_report_advice(error)}, values), 422
    gave = sorted(set(report.gave) - {"nothing"})
    steps = report_choices.list_urgent_steps(gave) if gave else []
    return render_template("console/report_filed.html", reference=reference, steps=steps)


def _read_agent_report(desk: StaffRequest) -> report_fields.ReportSubmission:
    form = request.form
    return report_fields.ReportSubmission(
        phone=read_number(form.get("phone", "")),
        channel="agent",
        called_at=_parse_agent_call_time(form.get("called_at", ""), desk),
        shown_number=form.get("shown_number", "").strip(),
        number_hidden="number_hidden" in form,
        said=form.get("said", "").strip(),
        knew=form.getlist("knew"),
        claimed_to_be=form.get("claimed_to_be", "").strip(),
        asked_for=form.getlist("asked_for"),
        gave=form.getlist("gave"),
        tell_me="tell_me" in form,
    )


def _parse_agent_call_time(text: str, desk: StaffRequest) -> datetime | None:
    """Parse the time of the call in the agent's time zone; None if it is empty."""
    try:
        local = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput("called_at", IncidentErrorCode.CALL_TIME_OUT_OF_RANGE) from None
    return local.replace(tzinfo=desk.zone) if local else None


def _agent_report_advice(error: InvalidInput) -> str:
    return {
        "phone": gettext("Type the whole phone number that was called."),
        "called_at": gettext(
            "Choose the day and time of the call. It is past, and not more than a year ago."
        ),
    }.get(error.field, describe_error(error))


def _render_agent_report_form(errors: dict[str, str], values: dict[str, str]) -> str:
    return render_template(
        "console/report_form.html",
        errors=errors,
        values=values,
        words=report_form_choices,
        ticked={name: request.form.getlist(name) for name in ("knew", "asked_for", "gave")},
    )
