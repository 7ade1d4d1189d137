"""Webhooks of the official line: it asks for the code, says the verdict and offers to report."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from channels import error_handlers
from channels.app_context import current_context
from channels.texts.canary_guard import report_canary_contact
from channels.twilio import twiml
from channels.twilio.signature import read_provider_id, require_signature
from channels.voice import ivr, ivr_state
from channels.voice.ivr_state import Caller, IvrState
from incidents.canaries.detections import DetectionKind
from messaging.i18n import best_language
from people import phone_numbers
from people.errors import InvalidInput

bp = Blueprint("voice", __name__, url_prefix="/twilio/voice")
bp.before_request(require_signature)

#: What Twilio sends for a withheld number: the word, spelt on a keypad.
_WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
#: The statuses of a call whose caller has hung up.
_HUNG_UP_STATUSES = frozenset({"completed", "canceled", "failed", "busy", "no-answer"})


# Each endpoint has the name of its stage, so that the TwiML finds where the next keys go.
@bp.post("", endpoint="answer")
def receive_line_call() -> Response:
    """Answer a call to the official line; reject one to a canary's number."""
    called, provider_id = request.form.get("To", ""), read_provider_id("CallSid", "CA")
    if report_canary_contact(called, DetectionKind.CALL, provider_id):
        return twiml.reject_as_busy()
    return _run_ivr_stage("answer")


@bp.post("/code", endpoint="keyed")
def receive_code_keys() -> Response:
    """Handle the first keys: a code, star for languages, or anything else."""
    return _run_ivr_stage("keyed")


@bp.post("/language", endpoint="language")
def receive_language_key() -> Response:
    """Handle the choice of a language."""
    return _run_ivr_stage("language")


@bp.post("/number", endpoint="number")
def receive_own_number() -> Response:
    """Handle the own number of a caller whose phone withholds it."""
    return _run_ivr_stage("number")


@bp.post("/after", endpoint="after")
def receive_menu_key() -> Response:
    """Repeat the verdict, or take a report."""
    return _run_ivr_stage("after")


@bp.post("/report-when", endpoint="report_when")
def receive_report_day() -> Response:
    """Handle the day of the reported call."""
    return _run_ivr_stage("report_when")


@bp.post("/report-gave", endpoint="report_gave")
def receive_report_given() -> Response:
    """Handle whether the caller was given anything."""
    return _run_ivr_stage("report_gave")


@bp.errorhandler(Exception)
def advise_broken_line(error: Exception) -> Response | HTTPException:
    """Answer any error with advice, because a customer may be on the phone with a caller (rule
    F1)."""
    if isinstance(error, HTTPException):
        return error
    error_handlers.log_failure("cannot go on", error)
    return twiml.render_ivr_turn(ivr.cannot_check_turn(IvrState(_guess_locale())))


def _run_ivr_stage(stage: str) -> Response:
    step = ivr_state.unseal_state(request.args.get("at", ""), _guess_locale())
    gone = request.form.get("CallStatus", "") in _HUNG_UP_STATUSES
    caller = Caller(read_provider_id("CallSid", "CA"), _caller_number(), gone)
    return twiml.render_ivr_turn(
        ivr.take_ivr_turn(stage, step, request.form.get("Digits", ""), caller)
    )


def _caller_number() -> str:
    """Return the caller's number in E.164 as the provider reports it; empty if withheld."""
    from_number = request.form.get("From", "")
    try:
        return "" if from_number in _WITHHELD else phone_numbers.parse_phone(from_number, "ZZ")
    except InvalidInput:
        return ""


def _guess_locale() -> str:
    """Guess the language by the caller's country alone, so that it does not reveal whether the
    number is known."""
    return best_language(
        f"und_{request.form.get('FromCountry', '')}", current_context().policy.languages
    )
