"""Handles a customer's text once and answers in the customer's language."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlmodel import Session

from channels.check_service import CHECK_VERDICTS, verdict_name
from channels.texts import reply_allowance
from channels.texts.command_handlers import COMMAND_HANDLERS
from channels.texts.command_parser import TextCommand, parse_text_command
from channels.texts.text_job import ReceivedText, TextJob
from messaging import inbox, opt_outs, verdict_texts
from messaging.message_context import MessageContext
from messaging.sending_limits import SendingLimits, is_country_allowed
from people.customers import customer_number, customer_preferences
from people.models import Customer
from scheduling.policy import Policy
from verification.code_check import check_code
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, NotConfirmed, Verdict

log = structlog.get_logger("texts")


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
    job = TextJob(session, text, asked, customer, voice, policy, now)
    if asked.word == "code":
        return _answer_code(job, rules)
    allowed = reply_allowance.allowance_for_text(
        session, text.sender, asked.word, customer, policy, now
    )
    if not allowed.purses:
        return None
    with session.begin_nested() as savepoint:
        answer = COMMAND_HANDLERS[asked.word](job)
        if answer is None or opted_out:
            return None
        if not allowed.pay_for_answer(session, answer, rules, now):
            log.error("answer held back: the spending limit is reached", word=asked.word)
            if asked.word in _ANSWERED_OR_NOT_DONE:
                savepoint.rollback()
            return None
    return answer


def _answer_code(job: TextJob, rules: SendingLimits) -> str | None:
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
    phrase = customer_preferences.read_safe_phrase(session, customer, now, "to answer a text")
    return policy.message_context_for(customer.locale, customer.timezone, phrase)


def _verdict_words(job: TextJob, verdict: Verdict) -> str:
    if isinstance(verdict, Genuine):
        return verdict_texts.text_genuine(
            job.voice, verdict.caller, verdict.topic, verdict.booked_for, verdict.reply_word
        )
    if isinstance(verdict, AlreadyConfirmed):
        return verdict_texts.text_already_confirmed(
            job.voice, verdict.confirmed_at, verdict.channel
        )
    return verdict_texts.text_not_confirmed(job.voice)


#: Commands that are executed for a sender who has opted out, without an answer.
_DONE_WITHOUT_ANSWER = frozenset({"scam", "refuse", "move"})
#: Commands that are undone if their answer cannot be sent: the customer would not know that a time
#: was taken, a page number created, or the phrase changed by somebody else in their name.
_ANSWERED_OR_NOT_DONE = frozenset({"pick", "page", "phrase"})
