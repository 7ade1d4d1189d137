"""A customer's text: read, handled once, answered in the customer's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session

from channels.checks import VERDICTS, name
from channels.texts.reading import Asked, read
from incidents import reports
from messaging import inbox, wording
from messaging.wording import Voice
from people import customers
from people.models import Customer
from scheduling import booking, callbacks
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import State
from verification import calls
from verification.checking import check
from verification.verdicts import AlreadyConfirmed, Channel, Genuine

log = structlog.get_logger("texts")


@dataclass(frozen=True)
class Text:
    """A text that reached us; ``sender`` is E.164, as the provider vouches for it."""

    provider_id: str
    sender: str
    body: str


@dataclass(frozen=True)
class _Job:
    """A text with what is needed to handle it."""

    session: Session
    text: Text
    asked: Asked
    customer: Customer | None
    voice: Voice
    now: datetime


def receive(session: Session, text: Text, policy: Policy, now: datetime) -> str | None:
    """Do what the text asks, and give the answer; ``None`` for a replay, which changes nothing.

    A number we do not know gets what a customer without a booking gets.
    """
    asked = read(text.body, policy.code_digits)
    if not inbox.first_time(session, text.provider_id, text.sender, asked.word, now):
        return None
    log.info("text received", word=asked.word)
    customer = customers.find_by_phone(session, text.sender)
    voice = policy.voice(customer.locale, customer.timezone) if customer else policy.voice()
    handle = _HANDLERS.get(asked.word)
    if handle is not None:
        return handle(_Job(session, text, asked, customer, voice, now))
    if inbox.helped_lately(session, text.sender, text.provider_id, now):
        return None
    return wording.help_words(voice)


def _code(job: _Job) -> str:
    verdict = check(
        job.session,
        job.text.sender,
        job.asked.code,
        Channel.TEXT,
        job.now,
        organisation=job.voice.organisation,
    )
    VERDICTS.labels("text", name(verdict)).inc()
    if isinstance(verdict, Genuine):
        return wording.genuine(
            job.voice, verdict.caller, verdict.topic, verdict.booked_for, verdict.reply_word
        )
    if isinstance(verdict, AlreadyConfirmed):
        return wording.already_confirmed(job.voice, verdict.confirmed_at, verdict.channel)
    return wording.not_confirmed(job.voice)


def _check(job: _Job) -> str:
    call = calls.ringing_now(job.session, job.text.sender, job.now)
    if call is None or call.started_at is None:
        return wording.not_calling_you(job.voice)
    return wording.calling_you(
        job.voice, booking.agent_name(job.session, call.agent_id), call.started_at
    )


def _scam(job: _Job) -> str:
    told = reports.Told(
        phone=job.text.sender, channel="text", proven=True, said=job.text.body[:1000]
    )
    return wording.reported(job.voice, reports.file(job.session, told, job.now))


def _refuse(job: _Job) -> str:
    callback = _next_booked(job.session, job.customer, job.now)
    if callback is None:
        return wording.nothing_to_refuse(job.voice)
    booking.refuse(job.session, callback, job.now)
    return wording.refused(job.voice)


def _move(job: _Job) -> str:
    callback = _next_booked(job.session, job.customer, job.now)
    if callback is None:
        return wording.nothing_to_refuse(job.voice)
    booking.ask_to_move(job.session, callback, job.now)
    return wording.move_asked(job.voice)


def _next_booked(session: Session, customer: Customer | None, now: datetime) -> Callback | None:
    if customer is None:
        return None
    found = callbacks.upcoming(session, customer.id, now)
    return next((each for each in found if each.state == State.BOOKED), None)


_HANDLERS = {
    "code": _code,
    "check": _check,
    "scam": _scam,
    "refuse": _refuse,
    "move": _move,
}
