"""What the official line does with each turn of a call, whoever carries it: the provider's
webhooks and the simulator's keypad go through here alike."""

from __future__ import annotations

from collections.abc import Callable

from channels import error_handlers
from channels.app_context import ctx, now, unit
from channels.check_service import VERDICTS, name
from channels.voice import ivr_report
from channels.voice.ivr_state import MAX_ASKS, Caller, Said, Step, Turn, ask, leave
from messaging import inbox, voice_templates
from messaging.i18n import time_of_day
from people import phone_numbers
from people.errors import InvalidInput
from scheduling.notifications import ring_back
from verification import codes
from verification.code_check import check
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, Verdict


def take(stage: str, step: Step, keys: str, caller: Caller) -> Turn:
    """The line's answer to the keys pressed at a stage (one of :data:`STAGES`).

    A caller who has hung up is told nothing, so nothing is checked either: a code would be used
    up with nobody to hear it. Raises what the store and the vault raise.
    """
    return leave(step) if caller.gone else STAGES[stage](Said(step, keys, caller))


def out_of_order(step: Step) -> Turn:
    """Somebody is on the phone with a caller and needs advice, whatever is broken (rule F1)."""
    return leave(step, voice_templates.cannot_check(step.voice))


def _answer(said: Said) -> Turn:
    return _ask_code(said)


def _keyed(said: Said) -> Turn:
    """A code, star for languages, or nothing that helps. Star also begins anew: what was keyed
    before it does not count."""
    keys = said.keys.rpartition("*")[2]
    if "*" in said.keys and not keys:
        return _ask_language(said.step)
    if keys == "0":
        return _ring_back(said)
    if keys == "9":
        return ivr_report.begin(said)
    code = codes.normal(keys, ctx().policy.code_digits)
    if code is None:
        return _ask_code(said)
    return _verdict(said, code) if said.phone else _ask_number(said)


def _language(said: Said) -> Turn:
    spoken_here, keys = ctx().policy.languages, said.keys
    chosen = int(keys) - 1 if keys.isascii() and keys.isdigit() and len(keys) < 3 else -1
    if not 0 <= chosen < len(spoken_here):
        return _ask_code(said)
    return _ask_code(Said(said.step.next(locale=spoken_here[chosen]), "", said.caller))


def _number(said: Said) -> Turn:
    """The own number of a caller whose phone withholds it."""
    try:
        phone = phone_numbers.parse(said.keys.rpartition("*")[2], ctx().policy.default_region)
    except InvalidInput:
        return _ask_number(said)
    return _ask_code(Said(said.step.next(phone=phone), "", said.caller))


def _after(said: Said) -> Turn:
    """Say the verdict again, take a report, or offer both once more after a wrong key."""
    step = said.step
    patient = step.said and step.asks < MAX_ASKS * 3
    if said.keys == "2":
        return ivr_report.begin(said)
    if said.keys == "1" and patient:
        return _say_verdict(step)
    if said.keys and patient:
        return ask(step, voice_templates.menu(step.voice), "after", digits=1)
    return leave(step)


STAGES: dict[str, Callable[[Said], Turn]] = {
    "answer": _answer,
    "keyed": _keyed,
    "language": _language,
    "number": _number,
    "after": _after,
    "report_when": ivr_report.when,
    "report_gave": ivr_report.gave,
}


def _ask_code(said: Said) -> Turn:
    step = said.step
    if step.asks >= MAX_ASKS:
        return leave(step)
    if not said.phone:
        return _ask_number(said)
    digits = ctx().policy.code_digits
    text = (
        voice_templates.again(step.voice, digits)
        if step.asks
        else voice_templates.welcome(step.voice, digits)
    )
    return ask(step, text, "keyed")


def _ask_number(said: Said) -> Turn:
    if said.step.asks >= MAX_ASKS:
        return leave(said.step)
    return ask(said.step, voice_templates.own_number(said.step.voice), "number")


def _ask_language(step: Step) -> Turn:
    """Each language offered in that language."""
    if step.asks >= MAX_ASKS:
        return leave(step)
    offers = tuple(
        (locale, voice_templates.language_choice(Step(locale).voice, key))
        for key, locale in enumerate(ctx().policy.languages, 1)
    )
    return Turn(step.next(), offers, "language", digits=1)


def _verdict(said: Said, code: str) -> Turn:
    """Check once: a replayed request gets no second look at the code."""
    step = said.step
    if not said.caller.call:
        return leave(step)
    try:
        with unit() as session:
            turn = f"{said.caller.call}-{step.asks}"
            if not inbox.first_time(session, turn, said.phone, "keypad", now()):
                return leave(step)
            verdict = check(
                session,
                said.phone,
                code,
                Channel.KEYPAD,
                now(),
                organisation=ctx().policy.organisation,
            )
        VERDICTS.labels("keypad", name(verdict)).inc()
        return _say_verdict(step.next(phone=said.phone, said=_words(step, verdict)))
    except Exception as error:  # somebody is on the phone with a caller and needs advice
        error_handlers.note("cannot check", error)
        return out_of_order(step)


def _say_verdict(step: Step) -> Turn:
    return ask(step, f"{step.said} {voice_templates.menu(step.voice)}", "after", digits=1)


def _words(step: Step, verdict: Verdict) -> str:
    if isinstance(verdict, Genuine):
        return voice_templates.genuine(
            step.voice, verdict.caller, verdict.topic, verdict.reply_word
        )
    if isinstance(verdict, AlreadyConfirmed):
        at = time_of_day(verdict.confirmed_at, verdict.zone, step.locale)
        return voice_templates.already_confirmed(step.voice, at)
    return voice_templates.not_confirmed(step.voice)


def _ring_back(said: Said) -> Turn:
    """Their booked calls, told at the number that this call says it comes from."""
    call = said.caller.call
    if call and said.caller.phone:
        with unit() as session:
            if inbox.first_time(session, f"{call}-own", said.caller.phone, "own", now()):
                ring_back.ring_back(session, said.caller.phone, ctx().policy, now())
    return leave(said.step, voice_templates.ringing_back(said.step.voice))
