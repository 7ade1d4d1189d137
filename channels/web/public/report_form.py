"""The start page of reports, and the form with all questions on one page."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template, request
from flask_babel import gettext

from channels import report_submission
from channels.app_context import current_context, current_time, unit_of_work
from channels.check_service import read_number
from channels.error_texts import describe_error
from channels.web.public import number_cookie, report_choices
from incidents.error_codes import IncidentErrorCode
from incidents.reports import report_fields, submission
from people import phone_numbers
from people.errors import InvalidInput

bp = Blueprint("report", __name__)


@bp.get("/report")
def show_report_start() -> str:
    """Show what to do first, and a button that starts the questions."""
    return render_template("report/start.html")


@bp.get("/report/whole")
def show_whole_report() -> str:
    """Show all questions on one page, for browsers without cookies."""
    return _render_whole_report({}, {"phone": number_cookie.read_checked_number()})


@bp.post("/report")
def submit_whole_report() -> str | tuple[str, int]:
    """File the report and show what to do now. It needs no session, so it needs no CSRF token."""
    report_submission.count_report_address()
    try:
        report = _submission_from_form()
        with unit_of_work() as session:
            reference = submission.submit_for_reference(session, report, current_time())
            gave = bool(set(report.gave) - {"nothing"})
            return render_template(
                "reported.html", reference=reference, tell=report.tell_me, gave=gave
            )
    except InvalidInput as error:
        values = {name: value[:1000] for name, value in request.form.items()}
        return _render_whole_report({error.field: _report_field_advice(error)}, values), 422


def _submission_from_form() -> report_fields.ReportSubmission:
    form = request.form
    phone = read_number(form.get("phone", ""))
    return report_fields.ReportSubmission(
        phone=phone,
        channel="web",
        called_at=_parse_reported_time(form.get("called_at", ""), phone),
        shown_number=form.get("shown_number", "").strip(),
        number_hidden="number_hidden" in form,
        said=form.get("said", "").strip(),
        knew=form.getlist("knew"),
        claimed_to_be=form.get("claimed_to_be", "").strip(),
        asked_for=form.getlist("asked_for"),
        gave=form.getlist("gave"),
        tell_me="tell_me" in form,
        doubtful=bool(form.get("website")),
    )


def _parse_reported_time(text: str, phone: str) -> datetime | None:
    """Parse the time of a browser's field, local to the reporter; ``None`` if it is empty. Raises
    ``InvalidInput``."""
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("called_at", IncidentErrorCode.CALL_TIME_OUT_OF_RANGE) from None
    if local.tzinfo is not None:
        raise InvalidInput("called_at", IncidentErrorCode.CALL_TIME_OUT_OF_RANGE)
    return local.replace(
        tzinfo=phone_numbers.parse_time_zone(
            phone_numbers.guess_phone_zone(phone, current_context().policy.default_zone)
        )
    )


def _report_field_advice(error: InvalidInput) -> str:
    return {
        "phone": gettext("Type your own whole phone number, the one that rang."),
        "called_at": gettext(
            "Choose the day and time of the call. It is past, and not more than a year ago."
        ),
        "said": gettext("Please use fewer words."),
        "claimed_to_be": gettext("Please use fewer words."),
        "shown_number": gettext("This number is too long."),
    }.get(error.field, describe_error(error))


def _render_whole_report(errors: dict[str, str], values: dict[str, str]) -> str:
    ticked = {name: request.form.getlist(name) for name in ("knew", "asked_for", "gave")}
    return render_template(
        "report.html", errors=errors, values=values, words=report_choices, ticked=ticked
    )
