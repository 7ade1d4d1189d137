"""Handles commands about the customer's next callback: refuse it, move it, pick a time."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from channels.texts.text_job import TextJob, answer_with_help
from messaging import text_templates
from people.models import Customer
from procedures import callback_refusal
from scheduling import callback_rows
from scheduling.booking import slot_offers, time_changes
from scheduling.errors import SlotTaken
from scheduling.models import Callback
from scheduling.notifications import callback_notifier


def handle_refuse_word(job: TextJob) -> str:
    """Refuse the customer's next booked callback."""
    callback = _next_booked_callback(job.session, job.customer, job.now)
    if callback is None:
        return text_templates.text_nothing_to_refuse(job.voice)
    callback_refusal.refuse_and_report(job.session, callback, "text", job.now)
    return text_templates.text_call_refused(job.voice)


def handle_move_word(job: TextJob) -> str:
    """Offer other times for the customer's next booked callback."""
    callback = _next_booked_callback(job.session, job.customer, job.now)
    if callback is None:
        return text_templates.text_nothing_to_refuse(job.voice)
    time_changes.request_move(job.session, callback, job.now)
    times = _offer_times_by_text(job, callback)
    if not times:
        return text_templates.text_move_requested(job.voice)
    agent = callback_notifier.agent_first_name(job.session, callback.agent_id)
    return text_templates.text_offered_times(job.voice, agent, times)


def _offer_times_by_text(job: TextJob, callback: Callback) -> list[datetime]:
    offers = slot_offers.offer_other_slots(job.session, callback, job.policy, job.now)
    return [offer.starts_at for offer in offers]


def handle_picked_time(job: TextJob) -> str | None:
    """Accept an offered time by its number; without an open offer, handle the text like any
    other."""
    customer = job.customer
    offers = slot_offers.list_open_offers(job.session, customer.id, job.now) if customer else []
    offer = next(
        (candidate for candidate in offers if str(candidate.number) == job.asked.code), None
    )
    if offer is None:
        return answer_with_help(job)
    agent = callback_notifier.agent_first_name(job.session, offer.agent_id)
    try:
        moved = slot_offers.accept_offer(job.session, offer, job.policy, job.now)
    except SlotTaken:
        callback = job.session.get_one(Callback, offer.callback_id)
        return text_templates.text_time_gone(job.voice, agent, _offer_times_by_text(job, callback))
    if moved is None:
        return text_templates.text_nothing_to_refuse(job.voice)
    return text_templates.text_moved(job.voice, agent, moved.starts_at)


def _next_booked_callback(
    session: Session, customer: Customer | None, now: datetime
) -> Callback | None:
    return callback_rows.lock_next_booked(session, customer.id, now) if customer else None
