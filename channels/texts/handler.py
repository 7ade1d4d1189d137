"""Handles a customer's text once and answers in the customer's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session

from channels.check_service import CHECK_VERDICTS, verdict_name
from channels.texts import reply_allowance, report_answer_parser
from channels.texts.command_parser import TextCommand, parse_text_command
from incidents.reports import followup_questions, report_fields, submission
from incidents.reports.models import Report
from messaging import call_queue, inbox, opt_outs, report_texts, text_templates, verdict_texts
from messaging.call_states import CallState
from messaging.message_context import MessageContext
from messaging.sending_limits import SendingLimits, is_country_allowed
from people.customers import customer_number, customer_records
from people.models import Customer
from procedures import callback_refusal
from scheduling import callbacks
from scheduling.booking import bookings, slot_offers
from scheduling.errors import SlotTaken
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.policy import Policy
from verification import call_session, number_proof
from verification.code_check import check_code
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, NotConfirmed, Verdict

log = structlog.get_logger("texts")


@dataclass(frozen=True)
class ReceivedText:
    """A received text. ``sender`` is E.164, as the provider reports it. ``opting`` is ``out`` or
    ``in`` if the provider treated the text as an opt-out or an opt-in."""

    provider_id: str
    sender: str
    body: str
    opting: str = ""


@dataclass(frozen=True)
class _TextJob:
    """A text with what is needed to handle it."""

    session: Session
    text: ReceivedText
    asked: TextCommand
    customer: Customer | None
    voice: MessageContext
    policy: Policy
    now: datetime


def handle_text(
    session: Session, text: ReceivedText, policy: Policy, rules: SendingLimits, now: datetime
) -> str | None:
    """Execute the command of a text and return the answer; ``None`` for a replay, which changes
    nothing, and for senders who must get no text.

    A number that is not a customer's gets the same answers as a customer without a booking.
    """
    if not is_country_allowed(text.sender, rules.countries):
        return None
    asked = parse_text_command(text.body, policy.code_digits)
    opting = _detect_opting(session, text)
    word = f"opt_{opting}" if opting else asked.word
    if not inbox.record_once(session, text.provider_id, text.sender, word, now):
        return None
    log.info("text received", word=word)
    if opting:
        _record_opting(session, text.sender, opting, now)
        return None
    return _answer_text(session, text, asked, policy, rules, now)


def _detect_opting(session: Session, text: ReceivedText) -> str:
    if text.opting:
        return text.opting
    word = "".join(c for c in text.body[:100].lower() if c.isalpha())
    if word in opt_outs.OPT_OUT_WORDS:
        return "out"
    # For a number that did not opt out, the provider does not treat these words as an opt-in.
    return (
        "in"
        if word in opt_outs.OPT_IN_WORDS and opt_outs.is_opted_out(session, text.sender)
        else ""
    )


def _record_opting(session: Session, sender: str, opting: str, now: datetime) -> None:
    """Record an opt-out or opt-in. The provider has answered it, and blocks our texts after an
    opt-out."""
    if opting == "out":
        opt_outs.record_opt_out(session, sender, now)
    else:
        opt_outs.record_opt_in(session, sender, now)


def _answer_text(
    session: Session,
    text: ReceivedText,
    asked: TextCommand,
    policy: Policy,
    rules: SendingLimits,
    now: datetime,
) -> str | None:
    opted_out = opt_outs.is_opted_out(session, text.sender)
    if opted_out and asked.word not in _DONE_WITHOUT_ANSWER:
        return None  # Above all a code, which would be used up although its verdict is not sent.
    customer = customer_number.find_active_holder(session, text.sender, now)
    voice = _context_for_sender(session, customer, policy, now)
    job = _TextJob(session, text, asked, customer, voice, policy, now)
    if asked.word == "code":
        return _answer_code(job, rules)
    allowed = reply_allowance.allowance_for_text(
        session, text.sender, asked.word, customer, policy, now
    )
    if not allowed.purses:
        return None
    with session.begin_nested() as savepoint:
        answer = _HANDLERS[asked.word](job)
        if answer is None or opted_out:
            return None
        if not allowed.pay_for_answer(session, answer, rules, now):
            log.error("answer held back: the spending limit is reached", word=asked.word)
            if asked.word in _ANSWERED_OR_NOT_DONE:
                savepoint.rollback()
            return None
    return answer


def _answer_code(job: _TextJob, rules: SendingLimits) -> str | None:
    """Answer a code with its verdict. If the answer cannot be sent, the check is rolled back, so
    that no code is used up."""
    session, sender = job.session, job.text.sender
    with session.begin_nested() as savepoint:
        verdict = check_code(
            session,
            sender,
            job.asked.code,
            Channel.TEXT,
            job.now,
            organisation=job.voice.organisation,
        )
        allowed = reply_allowance.allowance_for_verdict(
            session, sender, verdict, job.customer, job.policy, job.now
        )
        answer = _verdict_words(job, verdict)
        if not allowed.pay_for_answer(session, answer, rules, job.now):
            log.error("no answer to a code: too many, or the spending limit is reached")
            if not isinstance(verdict, NotConfirmed) or verdict.counted:
                savepoint.rollback()
            return None
    CHECK_VERDICTS.labels("text", verdict_name(verdict)).inc()
    return answer


def _context_for_sender(
    session: Session, customer: Customer | None, policy: Policy, now: datetime
) -> MessageContext:
    if customer is None:
        return policy.message_context_for()
    phrase = customer_records.read_safe_phrase(session, customer, now, "to answer a text")
    return policy.message_context_for(customer.locale, customer.timezone, phrase)


def _verdict_words(job: _TextJob, verdict: Verdict) -> str:
    if isinstance(verdict, Genuine):
        return verdict_texts.text_genuine(
            job.voice, verdict.caller, verdict.topic, verdict.booked_for, verdict.reply_word
        )
    if isinstance(verdict, AlreadyConfirmed):
        return verdict_texts.text_already_confirmed(
            job.voice, verdict.confirmed_at, verdict.channel
        )
    return verdict_texts.text_not_confirmed(job.voice)


def _handle_check_word(job: _TextJob) -> str:
    call = call_session.find_active_call(job.session, job.text.sender, job.now)
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


def _handle_scam_word(job: _TextJob) -> str:
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


def _handle_other_text(job: _TextJob) -> str | None:
    """Take an answer to an open question about a report; without one, reply with help."""
    report = followup_questions.find_questioned_report(job.session, job.text.sender, job.now)
    if report is None:
        return _answer_with_help(job)
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


def _repeat_report_question(job: _TextJob, report: Report) -> str | None:
    """Repeat the question once; after that, handle the text like any other."""
    if inbox.was_asked_again(job.session, job.text.sender, followup_questions.asked_at(report)):
        return _answer_with_help(job)
    inbox.set_inbound_word(job.session, job.text.provider_id, "unclear")
    return report_texts.text_report_unclear(job.voice, followup_questions.next_question(report))


def _handle_refuse_word(job: _TextJob) -> str:
    callback = _next_booked_callback(job.session, job.customer, job.now)
    if callback is None:
        return text_templates.text_nothing_to_refuse(job.voice)
    callback_refusal.refuse_and_report(job.session, callback, "text", job.now)
    return text_templates.text_call_refused(job.voice)


def _handle_move_word(job: _TextJob) -> str:
    callback = _next_booked_callback(job.session, job.customer, job.now)
    if callback is None:
        return text_templates.text_nothing_to_refuse(job.voice)
    bookings.request_move(job.session, callback, job.now)
    times = _offer_times_by_text(job, callback)
    if not times:
        return text_templates.text_move_requested(job.voice)
    agent = callback_notifier.agent_first_name(job.session, callback.agent_id)
    return text_templates.text_offered_times(job.voice, agent, times)


def _offer_times_by_text(job: _TextJob, callback: Callback) -> list[datetime]:
    offers = slot_offers.offer_other_slots(job.session, callback, job.policy, job.now)
    return [offer.starts_at for offer in offers]


def _handle_picked_time(job: _TextJob) -> str | None:
    """Accept an offered time by its number; without an open offer, handle the text like any
    other."""
    customer = job.customer
    offers = slot_offers.list_open_offers(job.session, customer.id, job.now) if customer else []
    offer = next(
        (candidate for candidate in offers if str(candidate.number) == job.asked.code), None
    )
    if offer is None:
        return _answer_with_help(job)
    agent = callback_notifier.agent_first_name(job.session, offer.agent_id)
    try:
        moved = slot_offers.accept_offer(job.session, offer, job.policy, job.now)
    except SlotTaken:
        callback = job.session.get_one(Callback, offer.callback_id)
        return text_templates.text_time_gone(job.voice, agent, _offer_times_by_text(job, callback))
    if moved is None:
        return text_templates.text_nothing_to_refuse(job.voice)
    return text_templates.text_moved(job.voice, agent, moved.starts_at)


def _handle_phrase_word(job: _TextJob) -> str:
    """Change the safe phrase. The answer shows the old one, so that a customer who did not ask for
    the change notices it."""
    phrase = customer_records.parse_safe_phrase(job.asked.rest)
    if not phrase:
        return text_templates.text_phrase_invalid(job.voice)
    if job.customer is not None:
        customer_records.save_safe_phrase(job.session, job.customer, phrase, job.now)
    return text_templates.text_phrase_saved(job.voice, phrase)


def _handle_page_word(job: _TextJob) -> str | None:
    """Send a page number to a phone that gets none from the web for now; else reply with help."""
    number = number_proof.create_text_page_number(job.session, job.text.sender, job.policy, job.now)
    return (
        _answer_with_help(job)
        if number is None
        else number_proof.format_page_number_text(job.voice, number)
    )


def _answer_with_help(job: _TextJob) -> str | None:
    if inbox.was_helped_recently(job.session, job.text.sender, job.text.provider_id, job.now):
        inbox.set_inbound_word(job.session, job.text.provider_id, "unanswered")
        return None
    inbox.set_inbound_word(job.session, job.text.provider_id, "other")
    return text_templates.text_help(job.voice)


def _next_booked_callback(
    session: Session, customer: Customer | None, now: datetime
) -> Callback | None:
    return callbacks.lock_next_booked(session, customer.id, now) if customer else None


_HANDLERS = {
    "check": _handle_check_word,
    "scam": _handle_scam_word,
    "refuse": _handle_refuse_word,
    "move": _handle_move_word,
    "pick": _handle_picked_time,
    "phrase": _handle_phrase_word,
    "page": _handle_page_word,
    "other": _handle_other_text,
}
#: Commands that are executed for a sender who has opted out, without an answer.
_DONE_WITHOUT_ANSWER = frozenset({"scam", "refuse", "move"})
#: Commands that are undone if their answer cannot be sent: the customer would not know that a time
#: was taken, a page number created, or the phrase changed by somebody else in their name.
_ANSWERED_OR_NOT_DONE = frozenset({"pick", "page", "phrase"})
