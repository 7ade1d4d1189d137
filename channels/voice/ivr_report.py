"""Reports a call on the official line, by keys alone; no speech is recorded.

The report is stored with the first key, so that it counts even if the caller hangs up. The number
that a call comes from can be forged: it proves nothing, and the line says so.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from channels.app_context import current_context, current_time, unit_of_work
from channels.voice.ivr_state import CallerInput, IvrTurn, prompt_for_keys, say_and_hang_up
from incidents.reports import report_fields, submission
from messaging import inbox, voice_templates
from people import phone_numbers

#: The number of days ago, by key.
_DAYS_AGO_BY_KEY = {"1": 0, "2": 1}
_NOON = time(12)


def begin_keypad_report(said: CallerInput) -> IvrTurn:
    """Store a report, once per call even if the provider retries, and ask when the call was."""
    call = said.caller.call
    if not said.phone or not call:
        return say_and_hang_up(said.step)
    with unit_of_work() as session:
        report = report_fields.ReportSubmission(phone=said.phone, channel="voice")
        if inbox.record_once(session, f"{call}-report", said.phone, "report", current_time()):
            reference = submission.submit_for_reference(session, report, current_time())
        else:
            reference = submission.find_latest_reference(
                session, said.phone, "voice", current_time()
            )
    step = said.step.next_state(phone=said.phone, report=reference)
    return prompt_for_keys(
        step, voice_templates.prompt_report_time(step.voice), "report_when", digits=1
    )


def note_report_day(said: CallerInput) -> IvrTurn:
    """Add the day, if a key gives it, and ask what was given."""
    if said.keys in _DAYS_AGO_BY_KEY:
        _add_to_keypad_report(
            said, called_at=_noon_days_ago(said.phone, _DAYS_AGO_BY_KEY[said.keys])
        )
    return prompt_for_keys(
        said.step, voice_templates.prompt_what_was_given(said.step.voice), "report_gave", digits=1
    )


def note_report_given(said: CallerInput) -> IvrTurn:
    """Add whether something was given; then say what to do about it, and the reference, and hang
    up."""
    step, texts = said.step, []
    if said.keys in ("1", "2"):
        _add_to_keypad_report(said, gave=["other"] if said.keys == "1" else ["nothing"])
    if said.keys == "1":
        texts.append(voice_templates.say_emergency_steps(step.voice))
    if step.report:
        texts.append(voice_templates.say_report_reference(step.voice, step.report))
    return say_and_hang_up(step, *texts)


def _add_to_keypad_report(said: CallerInput, **more: object) -> None:
    with unit_of_work() as session:
        report = submission.find_report_for_update(session, said.step.report)
        if report is not None:
            addition = report_fields.ReportSubmission(said.phone, "voice", **more)  # type: ignore[arg-type]
            submission.add_to_report(session, report, addition, current_time())


def _noon_days_ago(phone: str, days: int) -> datetime:
    """Return noon of that day in the phone's zone, or the current time if that noon is yet to
    come."""
    zone = phone_numbers.parse_time_zone(
        phone_numbers.guess_phone_zone(phone, current_context().policy.default_zone)
    )
    day = current_time().astimezone(zone).date() - timedelta(days=days)
    return min(datetime.combine(day, _NOON, zone), current_time())
