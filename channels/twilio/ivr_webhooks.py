"""The official line's webhooks: asked for the code, told the verdict, offered to report."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from channels import error_handlers
from channels.app_context import current_context
from channels.twilio import twiml
from channels.twilio.canary_guard import report_canary_contact
from channels.twilio.signature import read_provider_id, require_signature
from channels.voice import ivr, ivr_state
from channels.voice.ivr_state import Caller, IvrState
from incidents.canaries.detections import DetectionKind
from messaging.i18n import best_language
from people import phone_numbers
from people.errors import InvalidInput

bp = Blueprint("voice", __name__, url_prefix="/twilio/voice")
bp.before_request(require_signature)

#: What Twilio puts in place of a withheld number: the word, spelt on a keypad.
_WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
#: How a call stands whose caller is no longer there.
_HUNG_UP_STATUSES = frozenset({"completed", "canceled", "failed", "busy", "no-answer"})


# A stage's endpoint is its name: so the TwiML finds where the next keys go.
@bp.post("", endpoint="answer")
def receive_line_call() -> Response:
    """Somebody rings the official line; or a canary's number, where nobody answers."""
    if report_canary_contact(DetectionKind.CALL, read_provider_id("CallSid", "CA")):
        return twiml.reject_as_busy()
    return _run_ivr_stage("answer")


@bp.post("/code", endpoint="keyed")
def receive_code_keys() -> Response:
    """What was keyed in: a code, star for languages, or nothing that helps."""
    return _run_ivr_stage("keyed")


@bp.post("/language", endpoint="language")
def receive_language_key() -> Response:
    """The language that was chosen."""
    return _run_ivr_stage("language")


@bp.post("/number", endpoint="number")
def receive_own_number() -> Response:
    """The own number of a caller whose phone withholds it."""
    return _run_ivr_stage("number")


@bp.post("/after", endpoint="after")
def receive_menu_key() -> Response:
    """Say the verdict again, or take a report."""
    return _run_ivr_stage("after")


@bp.post("/report-when", endpoint="report_when")
def receive_report_day() -> Response:
    """On which day the call was that is being reported."""
    return _run_ivr_stage("report_when")


@bp.post("/report-gave", endpoint="report_gave")
def receive_report_given() -> Response:
    """Whether the caller was given anything."""
    return _run_ivr_stage("report_gave")


@bp.errorhandler(Exception)
def advise_broken_line(error: Exception) -> Response | HTTPException:
    """Whatever it is, somebody is on the phone with a caller and needs advice (rule F1)."""
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
    """The number that the provider says the call comes from; empty when it is withheld."""
    given = request.form.get("From", "")
    try:
        return "" if given in _WITHHELD else phone_numbers.parse_phone(given, "ZZ")
    except InvalidInput:
        return ""


def _guess_locale() -> str:
    """By the caller's country alone, so that it says nothing of whether we know the number."""
    return best_language(
        f"und_{request.form.get('FromCountry', '')}", current_context().policy.languages
    )
