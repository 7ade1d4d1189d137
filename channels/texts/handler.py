"""A customer's text: read, handled once, answered in the customer's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session

from channels.check_service import VERDICTS, name
from channels.texts import reply_allowance, report_answer_parser
from channels.texts.command_parser import Asked, read
from incidents.reports import followup_questions, submission
from incidents.reports.models import Report
from messaging import call_queue, inbox, opt_outs, text_templates
from messaging.call_states import CallState
from messaging.sending_limits import Rules, country_allowed
from messaging.text_templates import Voice
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
from verification.code_check import check
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, NotConfirmed, Verdict

log = structlog.get_logger("texts")


@dataclass(frozen=True)
class Text:
    """A text that reached us; ``sender`` is E.164, as the provider vouches for it. ``opting`` is
    ``out`` or ``in`` when the provider says that it took the text for an opt-out or an opt-in."""

    provider_id: str
    sender: str
    body: str
    opting: str = ""


@dataclass(frozen=True)
class _Job:
    """A text with what is needed to handle it."""

    session: Session
    text: Text
    asked: Asked
    customer: Customer | None
    voice: Voice
    policy: Policy
    now: datetime


def receive(
    session: Session, text: Text, policy: Policy, rules: Rules, now: datetime
) -> str | None:
    """Do what the text asks, and give the answer; ``None`` for a replay, which changes nothing,
    and for whoever must get no text.

    A number we do not know gets what a customer without a booking gets.
    """
    if not country_allowed(text.sender, rules.countries):
        return None
    asked = read(text.body, policy.code_digits)
    opting = _opting(session, text)
    word = f"opt_{opting}" if opting else asked.word
    if not inbox.first_time(session, text.provider_id, text.sender, word, now):
        return None
    log.info("text received", word=word)
    if opting:
        _opt(session, text.sender, opting, now)
        return None
    return _answered(session, text, asked, policy, rules, now)


def _opting(session: Session, text: Text) -> str:
    if text.opting:
        return text.opting
    word = "".join(c for c in text.body[:100].lower() if c.isalpha())
    if word in opt_outs.OUT:
        return "out"
    # To somebody who gets our texts, the provider takes these for nothing special.
    return "in" if word in opt_outs.IN and opt_outs.is_out(session, text.sender) else ""


def _opt(session: Session, sender: str, opting: str, now: datetime) -> None:
    """The provider has answered, and lets nothing of ours through after an opt-out."""
    if opting == "out":
        opt_outs.note_out(session, sender, now)
    else:
        opt_outs.note_in(session, sender, now)


def _answered(
    session: Session, text: Text, asked: Asked, policy: Policy, rules: Rules, now: datetime
) -> str | None:
    out = opt_outs.is_out(session, text.sender)
    if out and asked.word not in _WITHOUT_ANSWER:
        return None  # a code above all, which would be used up with nobody told
    customer = customer_number.holder(session, text.sender, now)
    voice = _voice(session, customer, policy, now)
    job = _Job(session, text, asked, customer, voice, policy, now)
    if asked.word == "code":
        return _code_answered(job, rules)
    allowed = reply_allowance.of(session, text.sender, asked.word, customer, policy, now)
    if not allowed.purses:
        return None
    with session.begin_nested() as done:
        answer = _HANDLERS[asked.word](job)
        if answer is None or out:
            return None
        if not allowed.pay(session, answer, rules, now):
            log.error("answer held back: the ceiling on spending is reached", word=asked.word)
            if asked.word in _ANSWERED_OR_NOT_DONE:
                done.rollback()
            return None
    return answer


def _code_answered(job: _Job, rules: Rules) -> str | None:
    """The verdict on a code. One that cannot be answered is not evaluated: it uses up nothing."""
    session, sender = job.session, job.text.sender
    with session.begin_nested() as done:
        verdict = check(
            session,
            sender,
            job.asked.code,
            Channel.TEXT,
            job.now,
            organisation=job.voice.organisation,
        )
        allowed = reply_allowance.of_verdict(
            session, sender, verdict, job.customer, job.policy, job.now
        )
        answer = _verdict_words(job, verdict)
        if not allowed.pay(session, answer, rules, job.now):
            log.error("no answer to a code: too many, or the ceiling on spending is reached")
            if not isinstance(verdict, NotConfirmed) or verdict.counted:
                done.rollback()
            return None
    VERDICTS.labels("text", name(verdict)).inc()
    return answer


def _voice(session: Session, customer: Customer | None, policy: Policy, now: datetime) -> Voice:
    if customer is None:
        return policy.voice()
    phrase = customer_records.safe_phrase(session, customer, now, "to answer a text")
    return policy.voice(customer.locale, customer.timezone, phrase)


def _verdict_words(job: _Job, verdict: Verdict) -> str:
    if isinstance(verdict, Genuine):
        return text_templates.genuine(
            job.voice, verdict.caller, verdict.topic, verdict.booked_for, verdict.reply_word
        )
    if isinstance(verdict, AlreadyConfirmed):
        return text_templates.already_confirmed(job.voice, verdict.confirmed_at, verdict.channel)
    return text_templates.not_confirmed(job.voice)


def _check(job: _Job) -> str:
    call = call_session.ringing_now(job.session, job.text.sender, job.now)
    if call is None or call.started_at is None:
        return text_templates.not_calling_you(job.voice)
    agent = callback_notifier.agent_name(job.session, call.agent_id)
    bridged = call_queue.latest(job.session, call.id)
    if bridged is None:
        return text_templates.calling_you(job.voice, agent, call.started_at)
    if bridged.state == CallState.LIVE and bridged.live_at is not None:
        return text_templates.calling_you(job.voice, agent, bridged.live_at)
    if bridged.state in (CallState.RINGING, CallState.ANSWERED):
        return text_templates.ringing_you(job.voice)
    return text_templates.not_calling_you(job.voice)


def _scam(job: _Job) -> str:
    """Filed at once, with the advice; then two questions, which nobody need answer."""
    body = job.text.body.strip()
    told = submission.Told(
        phone=job.text.sender,
        channel="text",
        proven=True,
        said=body[:1000] if " " in body else "",
    )
    report = submission.filed(job.session, told, job.now)
    question = followup_questions.begin(job.session, report, job.now)
    return text_templates.reported(job.voice, report.reference, question)


def _other(job: _Job) -> str | None:
    """An answer to a question about a report, if one is open; else what can be sent."""
    report = followup_questions.open_for(job.session, job.text.sender, job.now)
    if report is None:
        return _help(job)
    answer = report_answer_parser.read(job.text.body)
    if not answer:
        return _unclear(job, report)
    inbox.note(job.session, job.text.provider_id, "answer")
    if answer.skipped:
        followup_questions.skip(job.session, report)
    else:
        told = submission.Told(
            phone=job.text.sender,
            channel="text",
            shown_number=answer.number,
            number_hidden=answer.hidden,
            knew=answer.knew,
        )
        followup_questions.answer(job.session, report, told, job.now)
    return text_templates.report_goes_on(
        job.voice, report.reference, followup_questions.following(report)
    )


def _unclear(job: _Job, report: Report) -> str | None:
    """The question once more; after that, such a text is one like any other."""
    if inbox.was_unclear(job.session, job.text.sender, followup_questions.asked_at(report)):
        return _help(job)
    inbox.note(job.session, job.text.provider_id, "unclear")
    return text_templates.report_unclear(job.voice, followup_questions.following(report))


def _refuse(job: _Job) -> str:
    callback = _next_booked(job.session, job.customer, job.now)
    if callback is None:
        return text_templates.nothing_to_refuse(job.voice)
    callback_refusal.refuse(job.session, callback, "text", job.now)
    return text_templates.refused(job.voice)


def _move(job: _Job) -> str:
    callback = _next_booked(job.session, job.customer, job.now)
    if callback is None:
        return text_templates.nothing_to_refuse(job.voice)
    bookings.ask_to_move(job.session, callback, job.now)
    times = _offered(job, callback)
    if not times:
        return text_templates.move_asked(job.voice)
    agent = callback_notifier.agent_name(job.session, callback.agent_id)
    return text_templates.times_offered(job.voice, agent, times)


def _offered(job: _Job, callback: Callback) -> list[datetime]:
    made = slot_offers.make(job.session, callback, job.policy, job.now)
    return [each.starts_at for each in made]


def _pick(job: _Job) -> str | None:
    """The number of a time that was offered; without an offer, a text like any other."""
    customer = job.customer
    found = slot_offers.standing(job.session, customer.id, job.now) if customer else []
    offer = next((each for each in found if str(each.number) == job.asked.code), None)
    if offer is None:
        return _help(job)
    agent = callback_notifier.agent_name(job.session, offer.agent_id)
    try:
        moved = slot_offers.take(job.session, offer, job.policy, job.now)
    except SlotTaken:
        callback = job.session.get_one(Callback, offer.callback_id)
        return text_templates.time_gone(job.voice, agent, _offered(job, callback))
    if moved is None:
        return text_templates.nothing_to_refuse(job.voice)
    return text_templates.moved(job.voice, agent, moved.starts_at)


def _phrase(job: _Job) -> str:
    """Told to the old words, so that one who did not ask for it sees that it was changed."""
    phrase = customer_records.phrase_from(job.asked.rest)
    if not phrase:
        return text_templates.phrase_unfit(job.voice)
    if job.customer is not None:
        customer_records.keep_safe_phrase(job.session, job.customer, phrase, job.now)
    return text_templates.phrase_kept(job.voice, phrase)


def _page(job: _Job) -> str | None:
    """A page number, for a phone that the web gives none just now; else what can be sent."""
    number = number_proof.for_text(job.session, job.text.sender, job.policy, job.now)
    return _help(job) if number is None else number_proof.in_words(job.voice, number)


def _help(job: _Job) -> str | None:
    if inbox.helped_lately(job.session, job.text.sender, job.text.provider_id, job.now):
        inbox.note(job.session, job.text.provider_id, "unanswered")
        return None
    inbox.note(job.session, job.text.provider_id, "other")
    return text_templates.help_words(job.voice)


def _next_booked(session: Session, customer: Customer | None, now: datetime) -> Callback | None:
    return callbacks.next_booked(session, customer.id, now) if customer else None


_HANDLERS = {
    "check": _check,
    "scam": _scam,
    "refuse": _refuse,
    "move": _move,
    "pick": _pick,
    "phrase": _phrase,
    "page": _page,
    "other": _other,
}
#: What is done for somebody who wants no texts, and so hears nothing of it.
_WITHOUT_ANSWER = frozenset({"scam", "refuse", "move"})
#: What is not done when its answer cannot be sent: the customer would not know that a time was
#: taken, a page number made, or the phrase changed by somebody else in their name.
_ANSWERED_OR_NOT_DONE = frozenset({"pick", "page", "phrase"})
