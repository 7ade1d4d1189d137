"""The report as questions, one a page, that work without a script and without signing in."""

from __future__ import annotations

from dataclasses import asdict
from typing import cast

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.exceptions import NotFound as NoPage

from channels import report_submission
from channels.app_context import now, unit
from channels.check_service import read_number
from channels.locale_selection import select
from channels.web.public import (
    number_cookie,
    report_choices,
    report_wizard_state,
    report_wizard_steps,
)
from channels.web.public.report_wizard_state import Answers
from channels.web.public.report_wizard_steps import QUESTIONS
from incidents.reports import submission
from messaging.i18n import hour_of_day
from people.errors import InvalidInput

pages = Blueprint("asking", __name__, url_prefix="/report")


@pages.post("/start")
def start() -> Response:
    """Begin a report of its own."""
    tab = report_wizard_state.new_tab()
    return report_wizard_state.keep(
        _to(tab, QUESTIONS[0]), tab, Answers(phone=number_cookie.read())
    )


@pages.get("/<tab>/<question>")
def ask(tab: str, question: str) -> Response | str:
    """One question, with what was answered before. A browser that keeps no cookies gets all of
    them on one page."""
    found = report_wizard_state.read(tab)
    if question not in (*QUESTIONS, "now", "done"):
        raise NoPage
    if found is None:
        return redirect(url_for("report.whole"), code=303)  # type: ignore[return-value]
    if found.reference:
        return _to(tab, "done") if question != "done" else _thanks(found)
    if question == "now":
        return _help_now(tab, found)
    return _page(tab, question, found) if question != "done" else _to(tab, QUESTIONS[-1])


@pages.post("/<tab>/<question>")
def answer(tab: str, question: str) -> Response | tuple[str, int]:
    """Keep an answer and go on; the last one sends the report."""
    if question not in QUESTIONS:
        raise NoPage
    found = report_wizard_state.read(tab)
    if found is None:
        return redirect(url_for("report.whole"), code=303)  # type: ignore[return-value]
    if found.reference:
        return _to(tab, "done")
    try:
        if "skip" in request.form and question != "phone":
            found = report_wizard_steps.skipped(question, found)
        else:
            found = report_wizard_steps.taken(question, found)
        if question == "phone":
            return _send(tab, found)
    except InvalidInput as error:
        return _page(tab, question, found, {error.field: _advice(error)}), 422
    return report_wizard_state.keep(_to(tab, _after(question, found)), tab, found)


def _after(question: str, given: Answers) -> str:
    if question == "gave" and set(given.gave) - {"nothing"}:
        return "now"
    return QUESTIONS[QUESTIONS.index(question) + 1]


def _send(tab: str, given: Answers) -> Response:
    """File the report. Of what was answered, the browser then keeps no more than it must show."""
    report_submission.count_address()
    phone = read_number(given.phone)
    with unit() as session:
        reference = submission.file(session, _told(given.but(phone=phone)), now())
        kept = Answers(reference=reference, tell=given.tell, gave=given.gave)
        return number_cookie.forget(report_wizard_state.keep(_to(tab, "done"), tab, kept))


def _told(given: Answers) -> submission.Told:
    names = report_choices.claimed()
    known = given.who if given.who != "other" else ""
    return submission.Told(
        phone=given.phone,
        channel="web",
        called_at=given.called_at(now()),
        shown_number=given.shown,
        number_hidden=given.hidden,
        said=given.said,
        knew=given.knew,
        claimed_to_be=known if known in names else given.who_else,
        asked_for=given.wanted,
        gave=given.gave,
        tell_me=given.tell,
        doubtful=bool(request.form.get("website")),
    )


def _advice(error: InvalidInput) -> str:
    if error.field == "phone":
        return gettext("Type your own whole phone number, the one that rang.")
    return str(error)


def _page(tab: str, question: str, given: Answers, errors: dict[str, str] | None = None) -> str:
    place = QUESTIONS.index(question)
    return render_template(
        f"report/{question}.html",
        tab=tab,
        question=question,
        number=place + 1,
        count=len(QUESTIONS),
        back=QUESTIONS[place - 1] if place else None,
        given={**asdict(given), **_typed(errors)},
        errors=errors or {},
        words=report_choices,
        hours=[(str(hour), hour_of_day(hour, select())) for hour in range(24)],
    )


def _typed(errors: dict[str, str] | None) -> dict[str, str]:
    """What was typed into a form that could not be used, so that it can be put right."""
    names = {"shown_number": "shown", "who_else": "who_else", "said": "said", "on": "on"}
    names |= {"phone": "phone", "when": "when"}
    if not errors:
        return {}
    form = cast("dict[str, str]", request.form)
    return {kept: form[name][:1000] for name, kept in names.items() if name in form}


def _help_now(tab: str, given: Answers) -> str:
    following = QUESTIONS[1]
    steps = report_choices.help_now(given.gave)
    return render_template("report/now.html", tab=tab, steps=steps, following=following)


def _thanks(given: Answers) -> str:
    gave = bool(set(given.gave) - {"nothing"})
    return render_template("reported.html", reference=given.reference, tell=given.tell, gave=gave)


def _to(tab: str, question: str) -> Response:
    return make_response(redirect(url_for("asking.ask", tab=tab, question=question), code=303))
