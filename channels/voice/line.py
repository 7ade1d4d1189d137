"""The official line's webhooks: asked for the code, told the verdict, offered to report."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from channels import failures
from channels.checks import VERDICTS, name
from channels.context import ctx, now, unit
from channels.signed import require_signature, sid
from channels.voice import steps
from channels.voice.steps import Step
from incidents import reports
from messaging import inbox, spoken
from messaging.translate import best, time_of_day
from people import phones
from people.errors import InvalidInput
from verification import codes
from verification.checking import check
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, Verdict

pages = Blueprint("voice", __name__, url_prefix="/twilio/voice")
pages.before_request(require_signature)

#: What Twilio puts in place of a withheld number: the word, spelt on a keypad.
_WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})


@pages.post("")
def answer() -> Response:
    """Somebody rings the official line."""
    return _ask_code(steps.here(_guessed_language()))


@pages.post("/code")
def keyed() -> Response:
    """What was keyed in: a code, star for languages, or nothing that helps."""
    step = steps.here(_guessed_language())
    keys = request.form.get("Digits", "")
    if keys == "*":
        return steps.ask_language(ctx().policy.languages, step, "voice.language")
    code = codes.normal(keys, ctx().policy.code_digits)
    if code is None:
        return _ask_code(step)
    phone = step.phone or _caller()
    if not phone:
        return steps.ask(step, spoken.own_number(step.voice), "voice.number")
    return _verdict(step, phone, code)


@pages.post("/language")
def language() -> Response:
    """The language that was chosen."""
    step, keys = steps.here(_guessed_language()), request.form.get("Digits", "")
    spoken_here = ctx().policy.languages
    chosen = int(keys) - 1 if keys.isascii() and keys.isdigit() else -1
    if 0 <= chosen < len(spoken_here):
        step = step.next(locale=spoken_here[chosen])
    return _ask_code(step)


@pages.post("/number")
def number() -> Response:
    """The own number of a caller whose phone withholds it."""
    step = steps.here(_guessed_language())
    try:
        phone = phones.parse(request.form.get("Digits", ""), ctx().policy.default_region)
    except InvalidInput:
        return _ask_number(step)
    return _ask_code(step.next(phone=phone))


@pages.post("/after")
def after() -> Response:
    """Say the verdict again, or take a report."""
    step, keys = steps.here(_guessed_language()), request.form.get("Digits", "")
    if keys == "1" and step.said and step.asks < steps.MAX_ASKS * 3:
        return _say_verdict(step)
    if keys == "2":
        return _report(step)
    return steps.leave(step)


@pages.errorhandler(Exception)
def out_of_order(error: Exception) -> Response | HTTPException:
    """Whatever it is, somebody is on the phone with a caller and needs advice (rule F1)."""
    if isinstance(error, HTTPException):
        return error
    failures.note("cannot go on", error)
    step = Step(_guessed_language())
    return steps.leave(step, spoken.cannot_check(step.voice))


def _ask_code(step: Step) -> Response:
    if step.asks >= steps.MAX_ASKS:
        return steps.leave(step)
    if not step.phone and not _caller():
        return _ask_number(step)
    digits = ctx().policy.code_digits
    text = spoken.again(step.voice, digits) if step.asks else spoken.welcome(step.voice, digits)
    return steps.ask(step, text, "voice.keyed")


def _ask_number(step: Step) -> Response:
    if step.asks >= steps.MAX_ASKS:
        return steps.leave(step)
    return steps.ask(step, spoken.own_number(step.voice), "voice.number")


def _verdict(step: Step, phone: str, code: str) -> Response:
    """Check once: a replayed request gets no second look at the code."""
    call = sid("CallSid", "CA")
    if not call:
        return steps.leave(step)
    try:
        with unit() as session:
            turn = f"{call}-{step.asks}"
            if not inbox.first_time(session, turn, phone, "keypad", now()):
                return steps.leave(step)
            organisation = ctx().policy.organisation
            verdict = check(session, phone, code, Channel.KEYPAD, now(), organisation=organisation)
        VERDICTS.labels("keypad", name(verdict)).inc()
        return _say_verdict(step.next(phone=phone, said=_words(step, verdict)))
    except Exception as error:  # somebody is on the phone with a caller and needs advice
        failures.note("cannot check", error)
        return steps.leave(step, spoken.cannot_check(step.voice))


def _say_verdict(step: Step) -> Response:
    text = f"{step.said} {spoken.menu(step.voice)}"
    return steps.ask(step, text, "voice.after", digits=1)


def _words(step: Step, verdict: Verdict) -> str:
    if isinstance(verdict, Genuine):
        return spoken.genuine(step.voice, verdict.caller, verdict.topic, verdict.reply_word)
    if isinstance(verdict, AlreadyConfirmed):
        at = time_of_day(verdict.confirmed_at, verdict.zone, step.locale)
        return spoken.already_confirmed(step.voice, at)
    return spoken.not_confirmed(step.voice)


def _report(step: Step) -> Response:
    phone = step.phone or _caller()
    call = sid("CallSid", "CA")
    if not phone or not call:
        return steps.leave(step)
    with unit() as session:
        turn = f"{call}-report"
        if inbox.first_time(session, turn, phone, "report", now()):
            reports.file(session, reports.Told(phone=phone, channel="voice"), now())
    return steps.leave(step, spoken.reported(step.voice))


def _caller() -> str:
    """The number that the provider says the call comes from; empty when it is withheld."""
    given = request.form.get("From", "")
    try:
        return "" if given in _WITHHELD else phones.parse(given, "ZZ")
    except InvalidInput:
        return ""


def _guessed_language() -> str:
    """By the caller's country alone, so that it says nothing of whether we know the number."""
    return best(f"und_{request.form.get('FromCountry', '')}", ctx().policy.languages)
