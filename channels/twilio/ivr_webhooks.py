"""The official line's webhooks: asked for the code, told the verdict, offered to report."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from channels import error_handlers
from channels.app_context import ctx
from channels.twilio import twiml
from channels.twilio.canary_guard import to_canary
from channels.twilio.signature import require_signature, sid
from channels.voice import ivr, ivr_state
from channels.voice.ivr_state import Caller, Step
from incidents.canaries.detections import What
from messaging.i18n import best
from people import phone_numbers
from people.errors import InvalidInput

pages = Blueprint("voice", __name__, url_prefix="/twilio/voice")
pages.before_request(require_signature)

#: What Twilio puts in place of a withheld number: the word, spelt on a keypad.
_WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})
#: How a call stands whose caller is no longer there.
_GONE = frozenset({"completed", "canceled", "failed", "busy", "no-answer"})


@pages.post("")
def answer() -> Response:
    """Somebody rings the official line; or a canary's number, where nobody answers."""
    if to_canary(What.CALL, sid("CallSid", "CA")):
        return twiml.nobody()
    return _take("answer")


@pages.post("/code")
def keyed() -> Response:
    """What was keyed in: a code, star for languages, or nothing that helps."""
    return _take("keyed")


@pages.post("/language")
def language() -> Response:
    """The language that was chosen."""
    return _take("language")


@pages.post("/number")
def number() -> Response:
    """The own number of a caller whose phone withholds it."""
    return _take("number")


@pages.post("/after")
def after() -> Response:
    """Say the verdict again, or take a report."""
    return _take("after")


@pages.post("/report-when")
def report_when() -> Response:
    """On which day the call was that is being reported."""
    return _take("report_when")


@pages.post("/report-gave")
def report_gave() -> Response:
    """Whether the caller was given anything."""
    return _take("report_gave")


@pages.errorhandler(Exception)
def out_of_order(error: Exception) -> Response | HTTPException:
    """Whatever it is, somebody is on the phone with a caller and needs advice (rule F1)."""
    if isinstance(error, HTTPException):
        return error
    error_handlers.note("cannot go on", error)
    return twiml.turn(ivr.out_of_order(Step(_guessed_language())))


def _take(stage: str) -> Response:
    step = ivr_state.opened(request.args.get("at", ""), _guessed_language())
    gone = request.form.get("CallStatus", "") in _GONE
    caller = Caller(sid("CallSid", "CA"), _caller(), gone)
    return twiml.turn(ivr.take(stage, step, request.form.get("Digits", ""), caller))


def _caller() -> str:
    """The number that the provider says the call comes from; empty when it is withheld."""
    given = request.form.get("From", "")
    try:
        return "" if given in _WITHHELD else phone_numbers.parse(given, "ZZ")
    except InvalidInput:
        return ""


def _guessed_language() -> str:
    """By the caller's country alone, so that it says nothing of whether we know the number."""
    return best(f"und_{request.form.get('FromCountry', '')}", ctx().policy.languages)
