"""Notifies customers about callbacks: each text is queued in the transaction of the change it
announces.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from messaging import calling_hours, line_types, outbox, text_templates, voice_templates
from messaging.message_context import MessageContext
from messaging.models import OutboxMessage, Priority
from messaging.providers.base import TEXT, VOICE
from people.customers import customer_preferences, customer_records
from people.models import Customer, Staff
from people.staff import staff_records
from people.text_input import first_name
from scheduling import callback_fields, callback_rows
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import CallbackState

SOON = timedelta(hours=1)
MAX_PHRASES_PER_DAY = 5


def notify_booked(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Announce a booked callback."""
    teller = CallbackNotifier(session, callback, policy, now)
    topic = callback_fields.callback_topic(session, callback)
    teller.notify_upcoming(
        "booked", text_templates.text_booked(teller.voice, teller.agent, callback.starts_at, topic)
    )


def notify_moved(
    session: Session, callback: Callback, policy: Policy, now: datetime, *, answered: bool = False
) -> None:
    """Announce the new time, unless the customer gets it in reply to a text (``answered``)."""
    teller = CallbackNotifier(session, callback, policy, now)
    body = text_templates.text_moved(teller.voice, teller.agent, callback.starts_at)
    teller.notify_upcoming("moved", "" if answered else body)


def notify_retry(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Announce the next attempt after a call that was not answered."""
    teller = CallbackNotifier(session, callback, policy, now)
    teller.notify_upcoming(
        "again", text_templates.text_retry(teller.voice, teller.agent, callback.starts_at)
    )


def notify_new_agent(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Announce that another agent will call."""
    teller = CallbackNotifier(session, callback, policy, now)
    teller.notify_upcoming(
        "handed", text_templates.text_new_agent(teller.voice, teller.agent, callback.starts_at)
    )


def notify_unchanged_local_time(
    session: Session, callback: Callback, policy: Policy, now: datetime
) -> None:
    """Announce that the local time of the call stays although the zone's rules changed."""
    teller = CallbackNotifier(session, callback, policy, now)
    teller.notify_upcoming(
        "moved",
        text_templates.text_unchanged_local_time(teller.voice, teller.agent, callback.starts_at),
    )


def notify_live_takeover(
    session: Session, callback: Callback, policy: Policy, now: datetime
) -> None:
    """Announce during a call, by text only, that another agent takes over."""
    teller = CallbackNotifier(session, callback, policy, now)
    if not teller.landline:
        teller.queue_notice(
            "handed", text_templates.text_live_takeover(teller.voice, teller.agent), ""
        )


def notify_cancelled(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Announce that the call is cancelled."""
    teller = CallbackNotifier(session, callback, policy, now)
    at = callback.starts_at
    teller.queue_notice(
        "cancelled",
        text_templates.text_cancelled(teller.voice, at),
        voice_templates.say_call_cancelled(teller.voice, at),
    )


def notify_missed(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Admit within a day that we did not call, so that a call received then was not ours."""
    teller = CallbackNotifier(session, callback, policy, now)
    at, until = callback.starts_at, now + timedelta(days=1)
    body = text_templates.text_missed(teller.voice, at)
    teller.queue_notice("missed", body, voice_templates.say_call_not_made(teller.voice, at), until)


def notify_by_voice(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Announce by voice what could not be delivered by text."""
    teller = CallbackNotifier(session, callback, policy, now)
    outbox.withdraw_for_callback(session, callback.id, now)
    teller.notify_upcoming("booked", "-")


def notify_earlier_slot(
    session: Session, callback: Callback, at: datetime, policy: Policy, now: datetime
) -> None:
    """Offer an earlier slot that has become free."""
    teller = CallbackNotifier(session, callback, policy, now)
    body = text_templates.text_earlier_slot(teller.voice, teller.agent, at, callback.starts_at)
    if not teller.landline:
        teller.queue_notice("earlier", body, "", expires_at=at)


def notify_phrase_changed(
    session: Session, customer: Customer, phrase: str, policy: Policy, now: datetime
) -> bool:
    """Announce a new safe phrase in a text that shows the old one, to expose changes by others.

    Return whether the text was queued. Such texts have no number limit, so at most
    :data:`MAX_PHRASES_PER_DAY` are sent; beyond that the phrase must not change.
    """
    lately = select(func.count()).where(
        col(OutboxMessage.customer_id) == customer.id,
        col(OutboxMessage.kind) == outbox.PHRASE_CHANGED,
        col(OutboxMessage.created_at) > now - timedelta(days=1),
    )
    if session.exec(lately).one() >= MAX_PHRASES_PER_DAY:
        return False
    person = customer_records.open_customer_details(session, customer)
    voice = customer_message_context(session, customer, policy, now)
    draft = outbox.NewMessage(
        customer_id=customer.id,
        kind=outbox.PHRASE_CHANGED,
        to=person.phone,
        body=text_templates.text_phrase_saved(voice, phrase),
        due_at=now,
        expires_at=now + timedelta(days=2),
        priority=Priority.ANSWER,
    )
    outbox.queue_message(session, draft, now)
    return True


def rebuild_reminders(session: Session, customer_id: UUID, policy: Policy, now: datetime) -> None:
    """Replace a customer's queued reminders after a change of language, zone or phrase."""
    for callback in callback_rows.lock_upcoming_callbacks(session, customer_id, now):
        if callback.state == CallbackState.BOOKED:
            outbox.withdraw_for_callback(session, callback.id, now, outbox.REMINDER)
            CallbackNotifier(session, callback, policy, now).queue_reminders()


class CallbackNotifier:
    """Notifies the customer of one callback, in their language and local time.

    It sends texts, or places calls to phones that cannot receive texts.
    """

    def __init__(self, session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
        self._session, self._callback, self._policy, self._now = session, callback, policy, now
        self._customer = session.get_one(Customer, callback.customer_id)
        self._phone = customer_records.open_customer_details(session, self._customer).phone
        self.landline = line_types.find_line_type(session, self._phone, now) == line_types.LANDLINE
        self.voice = customer_message_context(session, self._customer, policy, now)
        self.agent = agent_first_name(session, callback.agent_id)

    def notify_upcoming(self, kind: str, body: str) -> None:
        """Announce an upcoming call, unless ``body`` is empty, and queue its reminders."""
        if body:
            self.queue_notice(
                kind,
                body,
                voice_templates.say_upcoming_call(self.voice, self.agent, self._callback.starts_at),
            )
        self.queue_reminders()

    def queue_notice(
        self, kind: str, body: str, said: str, expires_at: datetime | None = None
    ) -> None:
        """Queue a text, or ``said`` for a call; by default it expires when the booked call ends.

        At night in the customer's zone it waits until the morning (rule M4).
        """
        soon = self._callback.starts_at - self._now <= SOON
        priority = Priority.SOON if soon else Priority.NOTICE
        until = expires_at or self._callback.ends_at
        self._queue_callback_message(
            kind, said if self.landline else body, self._now, until, priority
        )

    def queue_reminders(self) -> None:
        """Queue the reminders of a callback; each expires when the next is due.

        Skip reminders whose lead has passed already, and those that quiet hours would delay too
        long.
        """
        starts_at = self._callback.starts_at
        leads = sorted(self._policy.reminders, reverse=True)
        if self.landline:  # calls disturb more than texts: only one, the last an hour or more ahead
            leads = [lead for lead in leads if lead >= SOON][-1:]
        for lead, following in pairwise([*leads, timedelta(0)]):
            due_at, useless_at = (
                self._next_allowed_for_customer(starts_at - lead),
                starts_at - following,
            )
            if self._now < starts_at - lead and due_at < useless_at:
                self._queue_callback_message(
                    outbox.REMINDER, self._render_reminder(), due_at, useless_at, Priority.REMINDER
                )

    def _render_reminder(self) -> str:
        say = voice_templates.say_upcoming_call if self.landline else text_templates.text_reminder
        return say(self.voice, self.agent, self._callback.starts_at)

    def _next_allowed_for_customer(self, at: datetime) -> datetime:
        zone = self._customer.timezone
        return calling_hours.next_allowed_time(at, zone, self._policy.calling_hours_in(zone))

    def _queue_callback_message(
        self, kind: str, body: str, due_at: datetime, expires_at: datetime, priority: Priority
    ) -> None:
        waits = self._customer.number_waits_until
        due_at = self._next_allowed_for_customer(max(due_at, waits) if waits else due_at)
        if waits and due_at >= expires_at:
            return  # it would expire before messages to the new number are allowed
        draft = outbox.NewMessage(
            customer_id=self._customer.id,
            callback_id=self._callback.id,
            kind=kind,
            to=self._phone,
            body=body,
            due_at=due_at,
            expires_at=expires_at,
            priority=priority,
            medium=VOICE if self.landline else TEXT,
            decent=self._policy.calling_hours_for(self._customer.timezone),
        )
        outbox.queue_message(self._session, draft, self._now)


def customer_message_context(
    session: Session, customer: Customer, policy: Policy, now: datetime
) -> MessageContext:
    """Return the message context of a customer."""
    phrase = customer_preferences.read_safe_phrase(session, customer, now, "to write a text")
    return policy.message_context_for(customer.locale, customer.timezone, phrase)


def agent_first_name(session: Session, agent_id: UUID) -> str:
    """Return the agent's first name, as customers are given it."""
    member = session.get_one(Staff, agent_id)
    return first_name(staff_records.open_staff_name(session, member.id, member.name))
