"""Handles the commands of a customer's text: one function a command, each returns the answer."""

from __future__ import annotations

from channels.texts import report_answer_parser
from channels.texts.callback_commands import (
    handle_move_word,
    handle_picked_time,
    handle_refuse_word,
)
from channels.texts.text_job import TextJob, answer_with_help
from incidents.reports import followup_questions, report_fields, submission
from incidents.reports.models import Report
from messaging import call_queue, inbox, report_texts, text_templates, verdict_texts
from messaging.call_states import CallState
from people.customers import customer_preferences
from scheduling.notifications import callback_notifier
from verification import call_status, number_proof


def _handle_check_word(job: TextJob) -> str:
    call = call_status.find_active_call(job.session, job.text.sender, job.now)
    if call is None or call.started_at is None:
        return verdict_texts.text_not_calling_you(job.voice)
    agent = callback_notifier.agent_first_name(job.session, call.agent_id)
    bridged = call_queue.find_latest_call(job.session, call.id)
    if bridged is None:
        return verdict_texts.text_calling_you(job.voice, agent, call.started_at)
    if bridged.state == CallState.LIVE and bridged.live_at is not None:
        return verdict_texts.text_calling_you(job.voice, agent, bridged.live_at)
    if bridged.state in (CallState.RINGING, CallState.ANSWERED):
        return verdict_texts.text_ringing_you(job.voice)
    return verdict_texts.text_not_calling_you(job.voice)


def _handle_scam_word(job: TextJob) -> str:
    """File a report at once and answer with advice, followed by two optional questions."""
    body = job.text.body.strip()
    scam_report = report_fields.ReportSubmission(
        phone=job.text.sender,
        channel="text",
        proven=True,
        said=body[:1000] if " " in body else "",
    )
    report = submission.submit_report(job.session, scam_report, job.now)
    question = followup_questions.ask_followup_questions(job.session, report, job.now)
    return report_texts.text_report_received(job.voice, report.reference, question)


def _handle_other_text(job: TextJob) -> str | None:
    """Take an answer to an open question about a report; without one, reply with help."""
    report = followup_questions.find_questioned_report(job.session, job.text.sender, job.now)
    if report is None:
        return answer_with_help(job)
    answer = report_answer_parser.parse_report_answer(job.text.body)
    if not answer:
        return _repeat_report_question(job, report)
    inbox.set_inbound_word(job.session, job.text.provider_id, "answer")
    if answer.skipped:
        followup_questions.skip_question(job.session, report)
    else:
        answer_fields = report_fields.ReportSubmission(
            phone=job.text.sender,
            channel="text",
            shown_number=answer.number,
            number_hidden=answer.hidden,
            knew=answer.knew,
        )
        followup_questions.record_followup_answer(job.session, report, answer_fields, job.now)
    return report_texts.text_next_report_question(
        job.voice, report.reference, followup_questions.next_question(report)
    )


def _repeat_report_question(job: TextJob, report: Report) -> str | None:
    """Repeat the question once; after that, handle the text like any other."""
    if inbox.was_asked_again(job.session, job.text.sender, followup_questions.asked_at(report)):
        return answer_with_help(job)
    inbox.set_inbound_word(job.session, job.text.provider_id, "unclear")
    return report_texts.text_report_unclear(job.voice, followup_questions.next_question(report))


def _handle_phrase_word(job: TextJob) -> str:
    """Change the safe phrase. The answer shows the old one, so that a customer who did not ask for
    the change notices it."""
    phrase = customer_preferences.parse_safe_phrase(job.asked.rest)
    if not phrase:
        return text_templates.text_phrase_invalid(job.voice)
    if job.customer is not None:
        customer_preferences.save_safe_phrase(job.session, job.customer, phrase, job.now)
    return text_templates.text_phrase_saved(job.voice, phrase)


def _handle_page_word(job: TextJob) -> str | None:
    """Send a page number to a phone that gets none from the web for now; else reply with help."""
    number = number_proof.create_text_page_number(job.session, job.text.sender, job.policy, job.now)
    return (
        answer_with_help(job)
        if number is None
        else number_proof.format_page_number_text(job.voice, number)
    )


COMMAND_HANDLERS = {
    "check": _handle_check_word,
    "scam": _handle_scam_word,
    "refuse": handle_refuse_word,
    "move": handle_move_word,
    "pick": handle_picked_time,
    "phrase": _handle_phrase_word,
    "page": _handle_page_word,
    "other": _handle_other_text,
}
