"""Whether a text may be answered, and who pays for the answer (rule M5).

Anybody can text us, and in anybody's name. So answers have small counts and small purses, but for
verdicts on a call of ours: what strangers send uses up nothing of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from messaging import inbox, segments, spending
from messaging.message_kinds import PurseName
from messaging.sending_limits import Rules
from people.models import Customer
from scheduling import callbacks
from scheduling.policy import Policy
from verification import call_session
from verification.verdicts import NotConfirmed, Verdict


@dataclass(frozen=True)
class Allowance:
    """Which purses pay for the answer to a text, the first that can; none for no answer."""

    purses: tuple[PurseName, ...] = ()

    def pay(self, session: Session, answer: str, rules: Rules, now: datetime) -> bool:
        """Take the price of an answer; whether there was enough."""
        price = segments.count(answer) * rules.segment_price
        purse = spending.purse(session, rules, now)
        return any(purse.take(price, answer=True, purse=each) for each in self.purses)


def of(
    session: Session,
    sender: str,
    word: str,
    customer: Customer | None,
    policy: Policy,
    now: datetime,
) -> Allowance:
    """What a text of ``sender`` is allowed, whose ``customer`` it is, if anybody's."""
    small = PurseName.CUSTOMERS if customer else PurseName.STRANGERS
    if word == "refuse" and customer and callbacks.next_booked(session, customer.id, now):
        return Allowance((small, PurseName.OURS))  # once for each call that we have booked
    begun = _begun(session, sender, now) if word == "check" else None
    if begun is not None:
        before = inbox.since(session, sender, word, begun, with_it=True)
        ours = (PurseName.OURS,) if before <= inbox.MOST_IN_A_CALL else ()
        after = inbox.since(session, sender, word, begun, with_it=False)
        if after <= inbox.MOST_IN_A_CALL:
            return Allowance((small, *ours))
    return Allowance(() if _too_many(session, sender, word, customer, policy, now) else (small,))


def of_verdict(
    session: Session,
    sender: str,
    verdict: Verdict,
    customer: Customer | None,
    policy: Policy,
    now: datetime,
) -> Allowance:
    """What the answer to a code is allowed. Decided after the check, so that nothing is looked up
    for a call of ours that is not for others (rule C5). What concerns a call that is going on is
    always answered: there are no more than five wrong tries at a code."""
    small = PurseName.CUSTOMERS if customer else PurseName.STRANGERS
    too_many = _too_many(session, sender, "code", customer, policy, now)
    if not isinstance(verdict, NotConfirmed):
        return Allowance((PurseName.OURS,))
    if verdict.counted:
        return Allowance((small, PurseName.OURS))
    return Allowance(() if too_many else (small,))


def _too_many(
    session: Session,
    sender: str,
    word: str,
    customer: Customer | None,
    policy: Policy,
    now: datetime,
) -> bool:
    decent = policy.decent(customer.timezone if customer else policy.default_zone)
    night = decent.last_end(now) if decent.next(now) > now else None
    return inbox.too_many(session, sender, word, now, night=night)


def _begun(session: Session, sender: str, now: datetime) -> datetime | None:
    """When the call began that is going on with this number."""
    call = call_session.ringing_now(session, sender, now)
    return call.started_at if call else None
