"""Decides whether a text is answered, and which spending budget pays for the answer (rule M5).

Anyone can text us, under any number. So answers have low limits and small budgets. Verdicts on our
own calls do not share them: texts of strangers cannot use those up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from messaging import inbox, segments, spending
from messaging.message_kinds import SpendingBudgetName
from messaging.sending_limits import SendingLimits
from people.models import Customer
from scheduling import callback_rows
from scheduling.policy import Policy
from verification import call_status
from verification.verdicts import NotConfirmed, Verdict


@dataclass(frozen=True)
class ReplyAllowance:
    """The budgets that can pay for the answer, in order; empty for no answer."""

    purses: tuple[SpendingBudgetName, ...] = ()

    def pay_for_answer(
        self, session: Session, answer: str, rules: SendingLimits, now: datetime
    ) -> bool:
        """Charge the price of an answer to the first budget that has enough; return whether one
        had."""
        price = segments.count_segments(answer) * rules.segment_price
        budget = spending.lock_spending_budget(session, rules, now)
        return any(
            budget.try_spend(price, answer=True, purse=budget_name) for budget_name in self.purses
        )


def allowance_for_text(
    session: Session,
    sender: str,
    word: str,
    customer: Customer | None,
    policy: Policy,
    now: datetime,
) -> ReplyAllowance:
    """Return the allowance for a text of ``sender``; ``customer`` is the number's holder, if there
    is one."""
    small = SpendingBudgetName.CUSTOMERS if customer else SpendingBudgetName.STRANGERS
    if word == "refuse" and customer and callback_rows.lock_next_booked(session, customer.id, now):
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
    """Return the allowance for the answer to a code. Decide it after the check, so that a call of
    ours causes no extra lookup (rule C5). A verdict on an ongoing call is always answered: a code
    has at most five wrong attempts."""
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
    """Return when the ongoing call with this number began, or ``None``."""
    call = call_status.find_active_call(session, sender, now)
    return call.started_at if call else None
