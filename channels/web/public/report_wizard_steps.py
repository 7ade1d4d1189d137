"""The questions about a call: what each form brings, and what of it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import gettext

from channels.app_context import ctx, now
from channels.web.public import report_choices
from channels.web.public.report_wizard_state import Answers
from incidents.reports import report_fields
from people.errors import InvalidInput

#: In this order. What was given comes first, since that may need help at once.
QUESTIONS = ("gave", "when", "number", "who", "knew", "wanted", "phone")
#: What is kept of somebody's own words here: a cookie holds little.
SAID_LIMIT = 500
_OLDEST = timedelta(days=366)


def taken(question: str, before: Answers) -> Answers:
    """The answers with that of the form on this question. Raises ``InvalidInput``."""
    return _FORMS[question](before)


def skipped(question: str, before: Answers) -> Answers:
    """The answers without one to this question."""
    empty = Answers()
    return before.but(**{name: getattr(empty, name) for name in _FIELDS[question]})


def _gave(before: Answers) -> Answers:
    ticked = _ticks("gave", report_choices.gave())
    return before.but(gave=ticked or (["nothing"] if "nothing" in request.form else []))


def _when(before: Answers) -> Answers:
    when = _one("when", report_choices.days())
    hour = request.form.get("hour", "")
    on = request.form.get("on", "").strip() if when == "other" else ""
    kept = before.but(
        when=when,
        on=_day(on) if on else "",
        hour=hour if hour in _HOURS and when != "now" else "",
        answered_at=now().isoformat(),
    )
    if when == "other" and not on:
        raise InvalidInput("on", gettext("Choose the day of the call."))
    return kept


def _day(text: str) -> str:
    problem = InvalidInput("on", gettext("Choose the day of the call. It cannot be in the future."))
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise problem from None
    today = now().astimezone(ZoneInfo(ctx().policy.default_zone)).date()
    if not today - _OLDEST <= day <= today + timedelta(days=1):
        raise problem
    return day.isoformat()


def _number(before: Answers) -> Answers:
    shown = _text("shown_number", report_fields.NUMBER_LIMIT, gettext("This number is too long."))
    hidden = "hidden" in request.form
    return before.but(shown="" if hidden else shown, hidden=hidden)


def _who(before: Answers) -> Answers:
    other = _text("who_else", report_fields.CLAIMED_LIMIT, gettext("Please use fewer words."))
    who = _one("who", report_choices.claimed())
    return before.but(who=who or ("other" if other else ""), who_else=other)


def _knew(before: Answers) -> Answers:
    return before.but(knew=_ticks("knew", report_choices.knew()))


def _wanted(before: Answers) -> Answers:
    said = _text("said", SAID_LIMIT, gettext("Please use fewer words."))
    return before.but(wanted=_ticks("wanted", report_choices.wanted()), said=said)


def _phone(before: Answers) -> Answers:
    phone = request.form.get("phone", "").strip()[:80]
    return before.but(phone=phone, tell="tell" in request.form)


def _ticks(name: str, known: dict[str, str]) -> list[str]:
    given = request.form.getlist(name)
    return [each for each in known if each in given]


def _one(name: str, known: dict[str, str]) -> str:
    given = request.form.get(name, "")
    return given if given in known else ""


def _text(name: str, limit: int, advice: str) -> str:
    text = request.form.get(name, "").replace("\r\n", "\n").strip()
    if len(text) > limit or "\x00" in text:
        raise InvalidInput(name, advice)
    return text


_HOURS = frozenset(str(hour) for hour in range(24))
_FORMS: dict[str, Callable[[Answers], Answers]] = {
    "gave": _gave,
    "when": _when,
    "number": _number,
    "who": _who,
    "knew": _knew,
    "wanted": _wanted,
    "phone": _phone,
}
_FIELDS = {
    "gave": ("gave",),
    "when": ("when", "on", "hour", "answered_at"),
    "number": ("shown", "hidden"),
    "who": ("who", "who_else"),
    "knew": ("knew",),
    "wanted": ("wanted", "said"),
    "phone": ("phone", "tell"),
}
