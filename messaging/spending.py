"""The ceiling on money per hour and day: what is spent is counted before it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from messaging.models import Spending
from messaging.rules import KEPT_FOR_ANSWERS, Rules
from storage.upsert import insert_or

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


@dataclass
class Purse:
    """What may still be spent, held by one transaction: nobody else can spend meanwhile."""

    session: Session
    rules: Rules
    hour: int
    this_hour: int
    this_day: int

    def take(self, price: int, *, answer: bool = False) -> bool:
        """Spend if the ceilings allow it. The last fifth is kept for answers to customers."""
        share = 1.0 if answer else 1.0 - KEPT_FOR_ANSWERS
        for spent, ceiling in (
            (self.this_hour, self.rules.per_hour),
            (self.this_day, self.rules.per_day),
        ):
            if ceiling and spent + price > ceiling * share:
                return False
        _add(self.session, self.hour, price)
        self.this_hour += price
        self.this_day += price
        return True


def purse(session: Session, rules: Rules, now: datetime) -> Purse:
    """The purse of this moment; whoever opens it next waits for this transaction to end."""
    hour = (now - _EPOCH) // _HOUR
    _add(session, hour, 0)
    this_hour, this_day = spent(session, now)
    return Purse(session, rules, hour, this_hour, this_day)


def spent(session: Session, now: datetime) -> tuple[int, int]:
    """What was spent in this hour, and in the 24 hours that end with it."""
    hour = (now - _EPOCH) // _HOUR
    day = session.exec(
        select(func.sum(Spending.spent)).where(
            col(Spending.hour) > hour - 24, col(Spending.hour) <= hour
        )
    ).one()
    current = session.exec(select(Spending.spent).where(col(Spending.hour) == hour)).first()
    return int(current or 0), int(day or 0)


def next_hour(now: datetime) -> datetime:
    """When the next hour's money can be spent."""
    return _EPOCH + ((now - _EPOCH) // _HOUR + 1) * _HOUR


def _add(session: Session, hour: int, price: int) -> None:
    table = Spending.__table__  # type: ignore[attr-defined]
    session.connection().execute(
        insert_or(session, table, {"hour": hour, "spent": price}).on_conflict_do_update(
            index_elements=["hour"], set_={"spent": table.c.spent + price}
        )
    )
