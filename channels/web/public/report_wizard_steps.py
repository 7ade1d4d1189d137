"""The steps of the report wizard: how each form is read and validated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from flask import request

from channels.app_context import current_context, current_time
from channels.error_codes import ChannelErrorCode
from channels.web.public import report_choices
from channels.web.public.report_wizard_state import WizardAnswers
from config.domain_errors import ErrorCode
from incidents.reports import report_fields
from people.errors import InvalidInput

#: In this order. What was given comes first, because it may need help at once.
WIZARD_STEPS = ("gave", "when", "number", "who", "knew", "wanted", "phone")
#: The length of the reporter's own words, limited by the size of a cookie.
SAID_LIMIT = 500
_OLDEST_CALL = timedelta(days=366)


def apply_wizard_answer(question: str, before: WizardAnswers) -> WizardAnswers:
    """Return the answers with that of this question's form. Raises ``InvalidInput``."""
    return _FORM_READERS[question](before)


def clear_wizard_answer(question: str, before: WizardAnswers) -> WizardAnswers:
    """Return the answers without that of this question."""
    empty = WizardAnswers()
    return before.with_changes(**{name: getattr(empty, name) for name in _ANSWER_FIELDS[question]})


def _read_given_items(before: WizardAnswers) -> WizardAnswers:
    ticked = _ticked_choices("gave", report_choices.list_given_items())
    return before.with_changes(gave=ticked or (["nothing"] if "nothing" in request.form else []))


def _read_call_time(before: WizardAnswers) -> WizardAnswers:
    when = _chosen_option("when", report_choices.list_call_days())
    hour = request.form.get("hour", "")
    on = request.form.get("on", "").strip() if when == "other" else ""
    answers = before.with_changes(
        when=when,
        on=_parse_call_day(on) if on else "",
        hour=hour if hour in _HOURS and when != "now" else "",
        answered_at=current_time().isoformat(),
    )
    if when == "other" and not on:
        raise InvalidInput("on", ChannelErrorCode.CALL_DAY_MISSING)
    return answers


def _parse_call_day(text: str) -> str:
    problem = InvalidInput("on", ChannelErrorCode.CALL_DAY_OUT_OF_RANGE)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise problem from None
    today = current_time().astimezone(ZoneInfo(current_context().policy.default_zone)).date()
    if not today - _OLDEST_CALL <= day <= today + timedelta(days=1):
        raise problem
    return day.isoformat()


def _read_shown_number(before: WizardAnswers) -> WizardAnswers:
    shown = _limited_text(
        "shown_number", report_fields.NUMBER_LIMIT, ChannelErrorCode.SHOWN_NUMBER_TOO_LONG
    )
    hidden = "hidden" in request.form
    return before.with_changes(shown="" if hidden else shown, hidden=hidden)


def _read_claimed_identity(before: WizardAnswers) -> WizardAnswers:
    other = _limited_text("who_else", report_fields.CLAIMED_LIMIT, ChannelErrorCode.TOO_MANY_WORDS)
    who = _chosen_option("who", report_choices.list_claimed_identities())
    return before.with_changes(who=who or ("other" if other else ""), who_else=other)


def _read_known_details(before: WizardAnswers) -> WizardAnswers:
    return before.with_changes(knew=_ticked_choices("knew", report_choices.list_known_details()))


def _read_requested_items(before: WizardAnswers) -> WizardAnswers:
    said = _limited_text("said", SAID_LIMIT, ChannelErrorCode.TOO_MANY_WORDS)
    return before.with_changes(
        wanted=_ticked_choices("wanted", report_choices.list_requested_items()), said=said
    )


def _read_own_phone(before: WizardAnswers) -> WizardAnswers:
    phone = request.form.get("phone", "").strip()[:80]
    return before.with_changes(phone=phone, tell="tell" in request.form)


def _ticked_choices(name: str, known: dict[str, str]) -> list[str]:
    ticked = request.form.getlist(name)
    return [choice for choice in known if choice in ticked]


def _chosen_option(name: str, known: dict[str, str]) -> str:
    chosen = request.form.get(name, "")
    return chosen if chosen in known else ""


def _limited_text(name: str, limit: int, code: ErrorCode) -> str:
    text = request.form.get(name, "").replace("\r\n", "\n").strip()
    if len(text) > limit or "\x00" in text:
        raise InvalidInput(name, code)
    return text


_HOURS = frozenset(str(hour) for hour in range(24))
_FORM_READERS: dict[str, Callable[[WizardAnswers], WizardAnswers]] = {
    "gave": _read_given_items,
    "when": _read_call_time,
    "number": _read_shown_number,
    "who": _read_claimed_identity,
    "knew": _read_known_details,
    "wanted": _read_requested_items,
    "phone": _read_own_phone,
}
_ANSWER_FIELDS = {
    "gave": ("gave",),
    "when": ("when", "on", "hour", "answered_at"),
    "number": ("shown", "hidden"),
    "who": ("who", "who_else"),
    "knew": ("knew",),
    "wanted": ("wanted", "said"),
    "phone": ("phone", "tell"),
}
