"""Spending limits per hour and day; an amount is recorded before it is spent.

Messages that anyone can trigger are paid from small budgets, each a share of the limit, so that
any amount of them leaves the money for protective messages untouched (rule M5).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from messaging.message_kinds import SMALL_BUDGETS, SpendingBudgetName
from messaging.models import HourlySpending
from messaging.sending_limits import SendingLimits
from storage.upsert import insert_on_conflict

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


@dataclass
class SpendingBudget:
    """The remaining budget, locked by one transaction.

    ``small_hour`` and ``small_day`` hold the spending of the small budgets, by name.
    """

    session: Session
    rules: SendingLimits
    hour: int
    this_hour: int
    this_day: int
    small_hour: Counter[str] = field(default_factory=Counter)
    small_day: Counter[str] = field(default_factory=Counter)

    def try_spend(
        self,
        price: int,
        *,
        answer: bool = False,
        purse: SpendingBudgetName = SpendingBudgetName.OURS,
    ) -> bool:
        """Spend if the limits allow it; return whether they do.

        A reserve of ``OURS`` is kept for answers.
        """
        for spent, small, ceiling in (
            (self.this_hour, self.small_hour, self.rules.per_hour),
            (self.this_day, self.small_day, self.rules.per_day),
        ):
            if ceiling and not self._fits_ceiling(price, spent, small, ceiling, answer, purse):
                return False
        _add_spending(self.session, self.hour, price, purse)
        self.this_hour += price
        self.this_day += price
        if purse != SpendingBudgetName.OURS:
            self.small_hour[purse] += price
            self.small_day[purse] += price
        return True

    def _fits_ceiling(
        self,
        price: int,
        spent: int,
        small: Counter[str],
        ceiling: int,
        answer: bool,
        purse: SpendingBudgetName,
    ) -> bool:
        if spent + price > ceiling:
            return False
        if purse != SpendingBudgetName.OURS:
            return small[purse] + price <= ceiling * self.rules.small_share
        # Spending of the small budgets does not count against ours.
        return answer or spent - small.total() + price <= ceiling * self.rules.notices_share


def lock_spending_budget(session: Session, rules: SendingLimits, now: datetime) -> SpendingBudget:
    """Lock and return the current budget; other transactions wait until this one ends."""
    hour = (now - _EPOCH) // _HOUR
    _add_spending(session, hour, 0)
    this_hour, this_day = total_spent(session, now)
    small_hour, small_day = small_budgets_spent(session, now)
    return SpendingBudget(session, rules, hour, this_hour, this_day, small_hour, small_day)


def total_spent(session: Session, now: datetime) -> tuple[int, int]:
    """Return the spending of this hour, and of the 24 hours that end with it."""
    hour = (now - _EPOCH) // _HOUR
    day = session.exec(
        select(func.sum(HourlySpending.spent)).where(
            col(HourlySpending.hour) > hour - 24, col(HourlySpending.hour) <= hour
        )
    ).one()
    current = session.exec(
        select(HourlySpending.spent).where(col(HourlySpending.hour) == hour)
    ).first()
    return int(current or 0), int(day or 0)


def small_budgets_spent(session: Session, now: datetime) -> tuple[Counter[str], Counter[str]]:
    """Return the spending of each small budget, for the same periods as :func:`total_spent`."""
    hour = (now - _EPOCH) // _HOUR
    this_hour, this_day = Counter[str](), Counter[str]()
    lately = select(HourlySpending).where(
        col(HourlySpending.hour) > hour - 24, col(HourlySpending.hour) <= hour
    )
    for row in session.exec(lately.execution_options(populate_existing=True)):
        for name in SMALL_BUDGETS:
            amount = getattr(row, name)
            this_day[name] += amount
            if row.hour == hour:
                this_hour[name] += amount
    return this_hour, this_day


def next_spending_hour(now: datetime) -> datetime:
    """Return when the next hour's budget begins."""
    return _EPOCH + ((now - _EPOCH) // _HOUR + 1) * _HOUR


def _add_spending(
    session: Session, hour: int, price: int, purse: SpendingBudgetName = SpendingBudgetName.OURS
) -> None:
    """Add an amount to the total and to its small budget; one statement serves every budget."""
    table = HourlySpending.__table__  # type: ignore[attr-defined]
    parts = {str(name): price if name == purse else 0 for name in SMALL_BUDGETS}
    values: dict[str, int] = {"hour": hour, "spent": price, **parts}
    session.connection().execute(
        insert_on_conflict(session, table, values).on_conflict_do_update(
            index_elements=["hour"],
            set_={name: table.c[name] + values[name] for name in ("spent", *SMALL_BUDGETS)},
        )
    )
