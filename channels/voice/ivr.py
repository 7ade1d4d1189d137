"""The dialogue of the official line, one turn at a time. The provider's webhooks and the
simulator's keypad both use it."""

from __future__ import annotations

from collections.abc import Callable

from channels import error_handlers
from channels.app_context import current_context, current_time, unit_of_work
from channels.check_service import CHECK_VERDICTS, verdict_name
from channels.voice import ivr_report
from channels.voice.ivr_state import (
    MAX_ASKS,
    Caller,
    CallerInput,
    IvrState,
    IvrTurn,
    prompt_for_keys,
    say_and_hang_up,
)
from messaging import inbox, voice_templates
from messaging.i18n import format_time_of_day
from people import phone_numbers
from people.errors import InvalidInput
from scheduling.notifications import ring_back
from verification import codes
from verification.code_check import check_code
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, Verdict


def take_ivr_turn(stage: str, step: IvrState, keys: str, caller: Caller) -> IvrTurn:
    """Return the line's answer to the keys pressed at a stage (one of :data:`STAGES`).

    If the caller has hung up, nothing is checked: a code would be used up although no one hears the
    verdict. Raises the errors of the storage and vault packages.
    """
    return say_and_hang_up(step) if caller.gone else STAGES[stage](CallerInput(step, keys, caller))


def cannot_check_turn(step: IvrState) -> IvrTurn:
    """Advise the customer, who may be on the phone with a caller, if nothing can be checked (rule
    F1)."""
    return say_and_hang_up(step, voice_templates.say_cannot_check(step.voice))


def _greet_caller(said: CallerInput) -> IvrTurn:
    return _ask_code(said)


def _handle_code_keys(said: CallerInput) -> IvrTurn:
    """Handle a code, star for languages, or anything else. Star also starts over: keys before it
    are ignored."""
    keys = said.keys.rpartition("*")[2]
    if "*" in said.keys and not keys:
        return _ask_language(said.step)
    if keys == "0":
        return _read_out_callbacks(said)
    if keys == "9":
        return ivr_report.begin_keypad_report(said)
    code = codes.normalise_code(keys, current_context().policy.code_digits)
    if code is None:
        return _ask_code(said)
    return _check_keyed_code(said, code) if said.phone else _ask_own_number(said)


def _handle_language_key(said: CallerInput) -> IvrTurn:
    spoken_here, keys = current_context().policy.languages, said.keys
    chosen = int(keys) - 1 if keys.isascii() and keys.isdigit() and len(keys) < 3 else -1
    if not 0 <= chosen < len(spoken_here):
        return _ask_code(said)
    return _ask_code(CallerInput(said.step.next_state(locale=spoken_here[chosen]), "", said.caller))


def _handle_own_number(said: CallerInput) -> IvrTurn:
    """Handle the own number of a caller whose phone withholds it."""
    try:
        phone = phone_numbers.parse_phone(
            said.keys.rpartition("*")[2], current_context().policy.default_region
        )
    except InvalidInput:
        return _ask_own_number(said)
    return _ask_code(CallerInput(said.step.next_state(phone=phone), "", said.caller))


def _handle_menu_key(said: CallerInput) -> IvrTurn:
    """Repeat the verdict, take a report, or offer both again after a wrong key."""
    step = said.step
    may_repeat = step.said and step.asks < MAX_ASKS * 3
    if said.keys == "2":
        return ivr_report.begin_keypad_report(said)
    if said.keys == "1" and may_repeat:
        return _say_verdict(step)
    if said.keys and may_repeat:
        return prompt_for_keys(
            step, voice_templates.prompt_after_verdict(step.voice), "after", digits=1
        )
    return say_and_hang_up(step)


STAGES: dict[str, Callable[[CallerInput], IvrTurn]] = {
    "answer": _greet_caller,
    "keyed": _handle_code_keys,
    "language": _handle_language_key,
    "number": _handle_own_number,
    "after": _handle_menu_key,
    "report_when": ivr_report.note_report_day,
    "report_gave": ivr_report.note_report_given,
}


def _ask_code(said: CallerInput) -> IvrTurn:
    step = said.step
    if step.asks >= MAX_ASKS:
        return say_and_hang_up(step)
    if not said.phone:
        return _ask_own_number(said)
    digits = current_context().policy.code_digits
    text = (
        voice_templates.prompt_check_number_again(step.voice, digits)
        if step.asks
        else voice_templates.prompt_check_number(step.voice, digits)
    )
    return prompt_for_keys(step, text, "keyed")


def _ask_own_number(said: CallerInput) -> IvrTurn:
    if said.step.asks >= MAX_ASKS:
        return say_and_hang_up(said.step)
    return prompt_for_keys(said.step, voice_templates.prompt_own_number(said.step.voice), "number")


def _ask_language(step: IvrState) -> IvrTurn:
    """Offer each language in that language."""
    if step.asks >= MAX_ASKS:
        return say_and_hang_up(step)
    offers = tuple(
        (locale, voice_templates.prompt_language_choice(IvrState(locale).voice, key))
        for key, locale in enumerate(current_context().policy.languages, 1)
    )
    return IvrTurn(step.next_state(), offers, "language", digits=1)


def _check_keyed_code(said: CallerInput, code: str) -> IvrTurn:
    """Check a code once: a replayed request does not check it again."""
    step = said.step
    if not said.caller.call:
        return say_and_hang_up(step)
    try:
        with unit_of_work() as session:
            turn_id = f"{said.caller.call}-{step.asks}"
            if not inbox.record_once(session, turn_id, said.phone, "keypad", current_time()):
                return say_and_hang_up(step)
            verdict = check_code(
                session,
                said.phone,
                code,
                Channel.KEYPAD,
                current_time(),
                organisation=current_context().policy.organisation,
            )
        CHECK_VERDICTS.labels("keypad", verdict_name(verdict)).inc()
        return _say_verdict(step.next_state(phone=said.phone, said=_verdict_speech(step, verdict)))
    except Exception as error:  # a customer may be on the phone with a caller and needs advice
        error_handlers.log_failure("cannot check", error)
        return cannot_check_turn(step)


def _say_verdict(step: IvrState) -> IvrTurn:
    return prompt_for_keys(
        step, f"{step.said} {voice_templates.prompt_after_verdict(step.voice)}", "after", digits=1
    )


def _verdict_speech(step: IvrState, verdict: Verdict) -> str:
    if isinstance(verdict, Genuine):
        return voice_templates.say_genuine(
            step.voice, verdict.caller, verdict.topic, verdict.reply_word
        )
    if isinstance(verdict, AlreadyConfirmed):
        at = format_time_of_day(verdict.confirmed_at, verdict.zone, step.locale)
        return voice_templates.say_already_confirmed(step.voice, at)
    return voice_templates.say_not_confirmed(step.voice)


def _read_out_callbacks(said: CallerInput) -> IvrTurn:
    """Queue a call that reads out the caller's booked calls to the number that this call comes
    from."""
    call = said.caller.call
    if call and said.caller.phone:
        with unit_of_work() as session:
            if inbox.record_once(session, f"{call}-own", said.caller.phone, "own", current_time()):
                ring_back.queue_ring_back(
                    session, said.caller.phone, current_context().policy, current_time()
                )
    return say_and_hang_up(said.step, voice_templates.say_ringing_back(said.step.voice))
