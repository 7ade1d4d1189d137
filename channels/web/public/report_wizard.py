"""The report as one question a page, without scripts or signing in."""

from __future__ import annotations

from dataclasses import asdict
from typing import cast

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.exceptions import NotFound as NoPage

from channels import report_submission
from channels.app_context import current_time, unit_of_work
from channels.check_service import read_number
from channels.error_texts import describe_error
from channels.locale_selection import select_locale
from channels.web.public import (
    number_cookie,
    report_choices,
    report_wizard_state,
    report_wizard_steps,
)
from channels.web.public.report_wizard_state import WizardAnswers
from channels.web.public.report_wizard_steps import WIZARD_STEPS
from incidents.reports import report_fields, submission
from messaging.i18n import format_hour
from people.errors import InvalidInput

bp = Blueprint("asking", __name__, url_prefix="/report")


@bp.post("/start")
def start_wizard() -> Response:
    """Start a report in its own tab."""
    tab = report_wizard_state.new_tab_name()
    return report_wizard_state.keep_wizard_answers(
        _redirect_to_step(tab, WIZARD_STEPS[0]),
        tab,
        WizardAnswers(phone=number_cookie.read_checked_number()),
    )


@bp.get("/<tab>/<question>")
def show_wizard_question(tab: str, question: str) -> Response | str:
    """Show a question with its current answer. A browser without cookies gets all questions on one
    page."""
    answers = report_wizard_state.read_wizard_answers(tab)
    if question not in (*WIZARD_STEPS, "now", "done"):
        raise NoPage
    if answers is None:
        return redirect(url_for("report.show_whole_report"), code=303)  # type: ignore[return-value]
    if answers.reference:
        return _redirect_to_step(tab, "done") if question != "done" else _render_thanks(answers)
    if question == "now":
        return _render_help_now(tab, answers)
    return (
        _render_wizard_question(tab, question, answers)
        if question != "done"
        else _redirect_to_step(tab, WIZARD_STEPS[-1])
    )


@bp.post("/<tab>/<question>")
def submit_wizard_answer(tab: str, question: str) -> Response | tuple[str, int]:
    """Save an answer and show the next question; the last answer files the report."""
    if question not in WIZARD_STEPS:
        raise NoPage
    answers = report_wizard_state.read_wizard_answers(tab)
    if answers is None:
        return redirect(url_for("report.show_whole_report"), code=303)  # type: ignore[return-value]
    if answers.reference:
        return _redirect_to_step(tab, "done")
    try:
        if "skip" in request.form and question != "phone":
            answers = report_wizard_steps.clear_wizard_answer(question, answers)
        else:
            answers = report_wizard_steps.apply_wizard_answer(question, answers)
        if question == "phone":
            return _file_wizard_report(tab, answers)
    except InvalidInput as error:
        return _render_wizard_question(
            tab, question, answers, {error.field: _wizard_error_advice(error)}
        ), 422
    return report_wizard_state.keep_wizard_answers(
        _redirect_to_step(tab, _step_after(question, answers)), tab, answers
    )


def _step_after(question: str, given: WizardAnswers) -> str:
    if question == "gave" and set(given.gave) - {"nothing"}:
        return "now"
    return WIZARD_STEPS[WIZARD_STEPS.index(question) + 1]


def _file_wizard_report(tab: str, given: WizardAnswers) -> Response:
    """File the report. The browser then keeps only what the last page shows."""
    report_submission.count_report_address()
    phone = read_number(given.phone)
    with unit_of_work() as session:
        reference = submission.submit_for_reference(
            session, _submission_from_answers(given.with_changes(phone=phone)), current_time()
        )
        shown_answers = WizardAnswers(reference=reference, tell=given.tell, gave=given.gave)
        return number_cookie.forget_checked_number(
            report_wizard_state.keep_wizard_answers(
                _redirect_to_step(tab, "done"), tab, shown_answers
            )
        )


def _submission_from_answers(given: WizardAnswers) -> report_fields.ReportSubmission:
    names = report_choices.list_claimed_identities()
    identity = given.who if given.who != "other" else ""
    return report_fields.ReportSubmission(
        phone=given.phone,
        channel="web",
        called_at=given.called_at(current_time()),
        shown_number=given.shown,
        number_hidden=given.hidden,
        said=given.said,
        knew=given.knew,
        claimed_to_be=identity if identity in names else given.who_else,
        asked_for=given.wanted,
        gave=given.gave,
        tell_me=given.tell,
        doubtful=bool(request.form.get("website")),
    )


def _wizard_error_advice(error: InvalidInput) -> str:
    if error.field == "phone":
        return gettext("Type your own whole phone number, the one that rang.")
    return describe_error(error)


def _render_wizard_question(
    tab: str, question: str, given: WizardAnswers, errors: dict[str, str] | None = None
) -> str:
    place = WIZARD_STEPS.index(question)
    return render_template(
        f"report/{question}.html",
        tab=tab,
        question=question,
        number=place + 1,
        count=len(WIZARD_STEPS),
        back=WIZARD_STEPS[place - 1] if place else None,
        given={**asdict(given), **_retained_form_values(errors)},
        errors=errors or {},
        words=report_choices,
        hours=[(str(hour), format_hour(hour, select_locale())) for hour in range(24)],
    )


def _retained_form_values(errors: dict[str, str] | None) -> dict[str, str]:
    """Return the rejected input, so that the customer can correct it."""
    names = {"shown_number": "shown", "who_else": "who_else", "said": "said", "on": "on"}
    names |= {"phone": "phone", "when": "when"}
    if not errors:
        return {}
    form = cast("dict[str, str]", request.form)
    return {answer_name: form[name][:1000] for name, answer_name in names.items() if name in form}


def _render_help_now(tab: str, given: WizardAnswers) -> str:
    following = WIZARD_STEPS[1]
    steps = report_choices.list_urgent_steps(given.gave)
    return render_template("report/now.html", tab=tab, steps=steps, following=following)


def _render_thanks(given: WizardAnswers) -> str:
    gave = bool(set(given.gave) - {"nothing"})
    return render_template("reported.html", reference=given.reference, tell=given.tell, gave=gave)


def _redirect_to_step(tab: str, question: str) -> Response:
    return make_response(
        redirect(url_for("asking.show_wizard_question", tab=tab, question=question), code=303)
    )
