"""The page on which anybody reports an unexpected call."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template, request
from flask_babel import gettext

from channels import checks
from channels.context import ctx, now, unit
from incidents import reports
from people import phones
from people.errors import InvalidInput

pages = Blueprint("report", __name__)


@pages.get("/report")
def form() -> str:
    """The empty form."""
    return _form({}, {})


@pages.post("/report")
def send() -> str | tuple[str, int]:
    """Keep the report and say what to do now. Needs no session, so no CSRF token either."""
    ctx().limiter.hit("report_address", request.remote_addr or "unknown")
    try:
        told = _told()
        with unit() as session:
            reference = reports.file(session, told, now())
            return render_template("reported.html", reference=reference)
    except InvalidInput as error:
        values = {name: value[:1000] for name, value in request.form.items()}
        return _form({error.field: _advice(error)}, values), 422


def _told() -> reports.Told:
    form = request.form
    phone = checks.read_number(form.get("phone", ""))
    return reports.Told(
        phone=phone,
        channel="web",
        called_at=_called_at(form.get("called_at", ""), phone),
        shown_number=form.get("shown_number", "").strip(),
        said=form.get("said", "").strip(),
        knew=form.getlist("knew"),
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
    return local.replace(tzinfo=phones.zone(phones.zone_of(phone, ctx().policy.default_zone)))


def _advice(error: InvalidInput) -> str:
    return {
        "phone": gettext("Type your own whole phone number, the one that rang."),
        "called_at": gettext("Choose the day and time of the call. It cannot be in the future."),
        "said": gettext("Please use fewer words."),
        "shown_number": gettext("This number is too long."),
    }.get(error.field, str(error))


def _form(errors: dict[str, str], values: dict[str, str]) -> str:
    knew = {
        "name": gettext("my name"),
        "phone": gettext("my phone number"),
        "ticket": gettext("my ticket or case number"),
        "product": gettext("what I have bought"),
        "address": gettext("my address"),
        "other": gettext("something else about me"),
    }
    return render_template(
        "report.html",
        errors=errors,
        values=values,
        knew=knew,
        ticked=request.form.getlist("knew"),
    )
