"""The page on which anybody reports an unexpected call: its beginning, and all on one page."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template, request
from flask_babel import gettext

from channels import report_submission
from channels.app_context import ctx, now, unit
from channels.check_service import read_number
from channels.web.public import number_cookie, report_choices
from incidents.reports import submission
from people import phone_numbers
from people.errors import InvalidInput

pages = Blueprint("report", __name__)


@pages.get("/report")
def form() -> str:
    """What to do first, and where the questions begin."""
    return render_template("report/start.html")


@pages.get("/report/whole")
def whole() -> str:
    """All questions on one page, for browsers that keep no cookies."""
    return _form({}, {"phone": number_cookie.read()})


@pages.post("/report")
def send() -> str | tuple[str, int]:
    """Keep the report and say what to do now. Needs no session, so no CSRF token either."""
    report_submission.count_address()
    try:
        told = _told()
        with unit() as session:
            reference = submission.file(session, told, now())
            gave = bool(set(told.gave) - {"nothing"})
            return render_template(
                "reported.html", reference=reference, tell=told.tell_me, gave=gave
            )
    except InvalidInput as error:
        values = {name: value[:1000] for name, value in request.form.items()}
        return _form({error.field: _advice(error)}, values), 422


def _told() -> submission.Told:
    form = request.form
    phone = read_number(form.get("phone", ""))
    return submission.Told(
        phone=phone,
        channel="web",
        called_at=_called_at(form.get("called_at", ""), phone),
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


def _called_at(text: str, phone: str) -> datetime | None:
    """The time on the reporter's clock, as the browser's field writes it; empty when skipped."""
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("called_at", "") from None
    if local.tzinfo is not None:
        raise InvalidInput("called_at", "")
    return local.replace(
        tzinfo=phone_numbers.zone(phone_numbers.zone_of(phone, ctx().policy.default_zone))
    )


def _advice(error: InvalidInput) -> str:
    return {
        "phone": gettext("Type your own whole phone number, the one that rang."),
        "called_at": gettext(
            "Choose the day and time of the call. It is past, and not more than a year ago."
        ),
        "said": gettext("Please use fewer words."),
        "claimed_to_be": gettext("Please use fewer words."),
        "shown_number": gettext("This number is too long."),
    }.get(error.field, str(error))


def _form(errors: dict[str, str], values: dict[str, str]) -> str:
    ticked = {name: request.form.getlist(name) for name in ("knew", "asked_for", "gave")}
    return render_template(
        "report.html", errors=errors, values=values, words=report_choices, ticked=ticked
    )
