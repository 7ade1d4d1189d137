"""Whether a text may be answered, and who pays for the answer (rule M5).

Anybody can text us, and in anybody's name. So answers have small counts and small purses, but for
verdicts on a call of ours: what strangers send uses up nothing of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from messaging import inbox, segments, spending
from messaging.message_kinds import SpendingBudgetName
from messaging.sending_limits import SendingLimits
from people.models import Customer
from scheduling import callbacks
from scheduling.policy import Policy
from verification import call_session
from verification.verdicts import NotConfirmed, Verdict


@dataclass(frozen=True)
class ReplyAllowance:
    """Which purses pay for the answer to a text, the first that can; none for no answer."""

    purses: tuple[SpendingBudgetName, ...] = ()

    def pay_for_answer(
        self, session: Session, answer: str, rules: SendingLimits, now: datetime
    ) -> bool:
        """Take the price of an answer; whether there was enough."""
        price = segments.count_segments(answer) * rules.segment_price
        purse = spending.lock_spending_budget(session, rules, now)
        return any(
            purse.try_spend(price, answer=True, purse=one_purse) for one_purse in self.purses
        )


def allowance_for_text(
    session: Session,
    sender: str,
    word: str,
    customer: Customer | None,
    policy: Policy,
    now: datetime,
) -> ReplyAllowance:
    """What a text of ``sender`` is allowed, whose ``customer`` it is, if anybody's."""
    small = SpendingBudgetName.CUSTOMERS if customer else SpendingBudgetName.STRANGERS
    if word == "refuse" and customer and callbacks.lock_next_booked(session, customer.id, now):
        return ReplyAllowance(
            (small, SpendingBudgetName.OURS)
        )  # once for each call that we have booked
    begun = _current_call_start(session, sender, now) if word == "check" else None
    if begun is not None:
        before = inbox.count_texts_since(session, sender, word, begun, with_it=True)
        ours = (SpendingBudgetName.OURS,) if before <= inbox.MAX_PER_CALL else ()
        after = inbox.count_texts_since(session, sender, word, begun, with_it=False)
        if after <= inbox.MAX_PER_CALL:
            return ReplyAllowance((small, *ours))
    return ReplyAllowance(
        () if _has_too_many_texts(session, sender, word, customer, policy, now) else (small,)
    )


def allowance_for_verdict(
    session: Session,
    sender: str,
    verdict: Verdict,
    customer: Customer | None,
    policy: Policy,
    now: datetime,
) -> ReplyAllowance:
    """What the answer to a code is allowed. Decided after the check, so that nothing is looked up
    for a call of ours that is not for others (rule C5). What concerns a call that is going on is
    always answered: there are no more than five wrong tries at a code."""
    small = SpendingBudgetName.CUSTOMERS if customer else SpendingBudgetName.STRANGERS
    too_many = _has_too_many_texts(session, sender, "code", customer, policy, now)
    if not isinstance(verdict, NotConfirmed):
        return ReplyAllowance((SpendingBudgetName.OURS,))
    if verdict.counted:
        return ReplyAllowance((small, SpendingBudgetName.OURS))
    return ReplyAllowance(() if too_many else (small,))


def _has_too_many_texts(
    session: Session,
    sender: str,
    word: str,
    customer: Customer | None,
    policy: Policy,
    now: datetime,
) -> bool:
    decent = policy.calling_hours_for(customer.timezone if customer else policy.default_zone)
    night = decent.last_night_start(now) if decent.next_allowed(now) > now else None
    return inbox.has_texted_too_often(session, sender, word, now, night=night)


def _current_call_start(session: Session, sender: str, now: datetime) -> datetime | None:
    """When the call began that is going on with this number."""
    call = call_session.find_active_call(session, sender, now)
    return call.started_at if call else None
