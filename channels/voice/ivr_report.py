"""Reporting a call on the official line, by keys alone; nothing that is said is recorded.

The report is kept with the first key, so that whoever hangs up has reported. The number that a call
seems to come from can be forged: it proves nothing, and the line says so.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from channels.app_context import ctx, now, unit
from channels.voice.ivr_state import Said, Turn, ask, leave
from incidents.reports import submission
from messaging import inbox, voice_templates
from people import phone_numbers

#: How many days ago, by key.
_DAYS = {"1": 0, "2": 1}
_NOON = time(12)


def begin(said: Said) -> Turn:
    """Keep a report, once a call however often the provider asks, and ask when it was."""
    call = said.caller.call
    if not said.phone or not call:
        return leave(said.step)
    with unit() as session:
        told = submission.Told(phone=said.phone, channel="voice")
        if inbox.first_time(session, f"{call}-report", said.phone, "report", now()):
            reference = submission.file(session, told, now())
        else:
            reference = submission.latest_of(session, said.phone, "voice", now())
    step = said.step.next(phone=said.phone, report=reference)
    return ask(step, voice_templates.reported(step.voice), "report_when", digits=1)


def when(said: Said) -> Turn:
    """Note the day, if it is said, and ask what was given."""
    if said.keys in _DAYS:
        _add(said, called_at=_noon(said.phone, _DAYS[said.keys]))
    return ask(said.step, voice_templates.what_was_given(said.step.voice), "report_gave", digits=1)


def gave(said: Said) -> Turn:
    """What to do now, where something was given; the reference; the end."""
    step, texts = said.step, []
    if said.keys in ("1", "2"):
        _add(said, gave=["other"] if said.keys == "1" else ["nothing"])
    if said.keys == "1":
        texts.append(voice_templates.do_this_now(step.voice))
    if step.report:
        texts.append(voice_templates.reference(step.voice, step.report))
    return leave(step, *texts)


def _add(said: Said, **more: object) -> None:
    with unit() as session:
        report = submission.find(session, said.step.report)
        if report is not None:
            told = submission.Told(said.phone, "voice", **more)  # type: ignore[arg-type]
            submission.add(session, report, told, now())


def _noon(phone: str, days: int) -> datetime:
    """About when: noon of that day where the phone is, or this moment if that is still to come."""
    zone = phone_numbers.zone(phone_numbers.zone_of(phone, ctx().policy.default_zone))
    day = now().astimezone(zone).date() - timedelta(days=days)
    return min(datetime.combine(day, _NOON, zone), now())
