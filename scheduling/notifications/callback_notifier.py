"""Telling a customer about a callback: each text goes into the outbox in the same transaction as
what it tells."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from messaging import line_types, outbox, text_templates, voice_templates
from messaging.models import OutboxMessage, Priority
from messaging.providers.base import TEXT, VOICE
from messaging.text_templates import Voice
from people.customers import customer_records
from people.models import Customer, Staff
from people.staff import staff_records
from people.text_input import first_name
from scheduling import callbacks, quiet
from scheduling.models import Callback
from scheduling.policy import Policy
from scheduling.states import State

SOON = timedelta(hours=1)
PHRASES_A_DAY = 5


def booked(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Announce a callback."""
    teller = Teller(session, callback, policy, now)
    topic = callbacks.topic_of(session, callback)
    teller.coming(
        "booked", text_templates.booked(teller.voice, teller.agent, callback.starts_at, topic)
    )


def moved(
    session: Session, callback: Callback, policy: Policy, now: datetime, *, answered: bool = False
) -> None:
    """Tell the new time, unless the customer is told it in answer to a text of theirs."""
    teller = Teller(session, callback, policy, now)
    body = text_templates.moved(teller.voice, teller.agent, callback.starts_at)
    teller.coming("moved", "" if answered else body)


def again(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Tell that we try once more, after nobody answered."""
    teller = Teller(session, callback, policy, now)
    teller.coming("again", text_templates.again(teller.voice, teller.agent, callback.starts_at))


def handed(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Tell that somebody else will ring."""
    teller = Teller(session, callback, policy, now)
    teller.coming("handed", text_templates.handed(teller.voice, teller.agent, callback.starts_at))


def stays(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Tell that the call stays when it is on the customer's clock, whose rules have changed."""
    teller = Teller(session, callback, policy, now)
    teller.coming("moved", text_templates.stays(teller.voice, teller.agent, callback.starts_at))


def taken_over(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Tell, in the middle of a call, that somebody else goes on with it: by text alone."""
    teller = Teller(session, callback, policy, now)
    if not teller.landline:
        teller.tell("handed", text_templates.taken_over(teller.voice, teller.agent), "")


def cancelled(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Tell that the call is off."""
    teller = Teller(session, callback, policy, now)
    at = callback.starts_at
    teller.tell(
        "cancelled",
        text_templates.cancelled(teller.voice, at),
        voice_templates.off(teller.voice, at),
    )


def missed(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Own up that we did not ring, while it is of use: whoever did ring was not us."""
    teller = Teller(session, callback, policy, now)
    at, until = callback.starts_at, now + timedelta(days=1)
    body = text_templates.missed(teller.voice, at)
    teller.tell("missed", body, voice_templates.not_made(teller.voice, at), until)


def aloud(session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
    """Announce by voice what no text could tell."""
    teller = Teller(session, callback, policy, now)
    outbox.withdraw(session, callback.id, now)
    teller.coming("booked", "-")


def earlier(
    session: Session, callback: Callback, at: datetime, policy: Policy, now: datetime
) -> None:
    """Offer an earlier time that has come free."""
    teller = Teller(session, callback, policy, now)
    body = text_templates.earlier_free(teller.voice, teller.agent, at, callback.starts_at)
    if not teller.landline:
        teller.tell("earlier", body, "", expires_at=at)


def phrase_changed(
    session: Session, customer: Customer, phrase: str, policy: Policy, now: datetime
) -> bool:
    """Tell of a new safe phrase, with the old one: who did not ask for it sees the change. Whether
    that was told; such a text is under no limit, so it is not written more often than
    :data:`PHRASES_A_DAY`, and the phrase must stay then."""
    lately = select(func.count()).where(
        col(OutboxMessage.customer_id) == customer.id,
        col(OutboxMessage.kind) == outbox.PHRASE,
        col(OutboxMessage.created_at) > now - timedelta(days=1),
    )
    if session.exec(lately).one() >= PHRASES_A_DAY:
        return False
    person = customer_records.opened(session, customer)
    voice = voice_of(session, customer, policy, now)
    draft = outbox.Draft(
        customer_id=customer.id,
        kind=outbox.PHRASE,
        to=person.phone,
        body=text_templates.phrase_kept(voice, phrase),
        due_at=now,
        expires_at=now + timedelta(days=2),
        priority=Priority.ANSWER,
    )
    outbox.put(session, draft, now)
    return True


def plan_anew(session: Session, customer_id: UUID, policy: Policy, now: datetime) -> None:
    """Write the reminders of a customer anew, whose language, zone or phrase has changed."""
    for callback in callbacks.upcoming(session, customer_id, now):
        if callback.state == State.BOOKED:
            outbox.withdraw(session, callback.id, now, outbox.REMINDER)
            Teller(session, callback, policy, now).remind()


class Teller:
    """Tells the customer of one callback, in their language and on their clock: by text, or where
    their phone takes none, by voice."""

    def __init__(self, session: Session, callback: Callback, policy: Policy, now: datetime) -> None:
        self._session, self._callback, self._policy, self._now = session, callback, policy, now
        self._customer = session.get_one(Customer, callback.customer_id)
        self._phone = customer_records.opened(session, self._customer).phone
        self.landline = line_types.known(session, self._phone, now) == line_types.LANDLINE
        self.voice = voice_of(session, self._customer, policy, now)
        self.agent = agent_name(session, callback.agent_id)

    def coming(self, kind: str, body: str) -> None:
        """Tell of a call to come, unless the customer knows it (``body`` is empty), and remind."""
        if body:
            self.tell(
                kind, body, voice_templates.coming(self.voice, self.agent, self._callback.starts_at)
            )
        self.remind()

    def tell(self, kind: str, body: str, said: str, expires_at: datetime | None = None) -> None:
        """Store a text, or what is ``said`` instead; no use once the call would be over.

        At night where the customer lives it waits for the morning (rule M4).
        """
        soon = self._callback.starts_at - self._now <= SOON
        priority = Priority.SOON if soon else Priority.NOTICE
        until = expires_at or self._callback.ends_at
        self._put(kind, said if self.landline else body, self._now, until, priority)

    def remind(self) -> None:
        """Store the reminders of a callback, each until the next is due. There is none for what
        was booked inside its lead, and none that the night would hold up until the call."""
        starts_at = self._callback.starts_at
        leads = sorted(self._policy.reminders, reverse=True)
        if self.landline:  # being rung is more of a bother: once, the last that leaves an hour
            leads = [lead for lead in leads if lead >= SOON][-1:]
        for lead, following in pairwise([*leads, timedelta(0)]):
            due_at, useless_at = self._decent(starts_at - lead), starts_at - following
            if self._now < starts_at - lead and due_at < useless_at:
                self._put(outbox.REMINDER, self._reminder(), due_at, useless_at, Priority.REMINDER)

    def _reminder(self) -> str:
        say = voice_templates.coming if self.landline else text_templates.reminder
        return say(self.voice, self.agent, self._callback.starts_at)

    def _decent(self, at: datetime) -> datetime:
        zone = self._customer.timezone
        return quiet.until_decent(at, zone, self._policy.decent_in(zone))

    def _put(
        self, kind: str, body: str, due_at: datetime, expires_at: datetime, priority: Priority
    ) -> None:
        waits = self._customer.number_waits_until
        due_at = self._decent(max(due_at, waits) if waits else due_at)
        if waits and due_at >= expires_at:
            return  # of no use once the new number may be told anything
        draft = outbox.Draft(
            customer_id=self._customer.id,
            callback_id=self._callback.id,
            kind=kind,
            to=self._phone,
            body=body,
            due_at=due_at,
            expires_at=expires_at,
            priority=priority,
            medium=VOICE if self.landline else TEXT,
            decent=self._policy.decent(self._customer.timezone),
        )
        outbox.put(self._session, draft, self._now)


def voice_of(session: Session, customer: Customer, policy: Policy, now: datetime) -> Voice:
    """How we speak to a customer."""
    phrase = customer_records.safe_phrase(session, customer, now, "to write a text")
    return policy.voice(customer.locale, customer.timezone, phrase)


def agent_name(session: Session, agent_id: UUID) -> str:
    """The first name that a customer is told."""
    member = session.get_one(Staff, agent_id)
    return first_name(staff_records.name_of(session, member.id, member.name))
