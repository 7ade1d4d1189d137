"""Watches what happens to canaries, beside everything: from what is written down of every customer
alike, so that no page, text or check takes another path or another time for a canary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.canaries import store
from incidents.canaries.detections import Sign, What, tell
from incidents.canaries.store import Canary, Known
from incidents.reports.models import StreamItem
from incidents.reports.signals import UNCONFIRMED
from messaging.models import InboundText
from people.models import Role, Staff
from vault.audit.acts import AuditAct
from vault.keys import keyring
from vault.models import AuditEntry

#: Entries get their ids before they are there for all to see; these are looked at again.
OVERLAP = 5000
AGAIN = timedelta(minutes=10)
RESEAL_EVERY = timedelta(hours=1)
_AT_A_TIME = 500
T = TypeVar("T")
_BY_PHONE = frozenset({"keypad", "own", "report"})
_OF_CUSTOMERS = {"report": What.REPORT, "check": What.CHECK, "callback": What.TEXT}


class CanaryWatch:
    """A job of the worker, at each of its beats. Any number of workers may do it: what is in a case
    is not told again."""

    def __init__(self) -> None:
        self._seen: set[UUID] = set()
        self._last = 0
        self._since: datetime | None = None
        self._resealed: datetime | None = None

    def __call__(self, session: Session, now: datetime) -> None:
        """Raise a case for whatever has happened to a canary."""
        found = store.settle(session, store.known(session))
        if not found.canaries:
            return
        signs = [
            *self._entries(session, found),
            *self._texts(session, found),
            *self._checks(session, found),
        ]
        if signs:
            tell(session, signs, now)
        self._since = now - AGAIN
        if self._resealed is None or now - self._resealed >= RESEAL_EVERY:
            store.reseal(session)
            self._resealed = now

    @property
    def __name__(self) -> str:
        return "canary_watch"

    def _entries(self, session: Session, found: Known) -> list[Sign]:
        by_customer = found.by_customer
        rows = [
            *_of(session, by_customer.keys() & self._seen, self._last - OVERLAP),
            *_of(session, by_customer.keys() - self._seen, 0),
        ]
        self._seen = set(by_customer)
        self._last = max([self._last, *(row.id or 0 for row in rows)])
        investigators = _investigators(session, rows)
        told = (_sign(row, by_customer, investigators) for row in rows)
        return [each for each in told if each is not None]

    def _texts(self, session: Session, found: Known) -> Iterator[Sign]:
        forms = keyring.of(session).forms
        by_index = {form: each for each in found.canaries for form in forms("phone", each.phone)}
        for some in _in_parts(list(by_index)):
            statement = select(InboundText).where(col(InboundText.sender_index).in_(some))
            if self._since is not None:
                statement = statement.where(col(InboundText.received_at) > self._since)
            for row in session.exec(statement):
                what = What.CALL if row.word in _BY_PHONE else What.TEXT
                canary = by_index[row.sender_index]
                yield Sign(canary, what, f"text:{row.provider_id}", row.received_at)

    def _checks(self, session: Session, found: Known) -> Iterator[Sign]:
        """Those that failed while nobody of ours was calling."""
        by_customer = found.by_customer
        for some in _in_parts(sorted(by_customer)):
            statement = select(StreamItem).where(
                col(StreamItem.customer_id).in_(some), col(StreamItem.kind) == UNCONFIRMED
            )
            if self._since is not None:
                statement = statement.where(col(StreamItem.at) > self._since)
            for row in session.exec(statement):
                if row.customer_id is not None:
                    canary = by_customer[row.customer_id]
                    yield Sign(canary, What.CHECK, f"stream:{row.id}", row.at)


def _of(session: Session, customers: Iterable[UUID], after: int) -> list[AuditEntry]:
    rows: list[AuditEntry] = []
    for some in _in_parts(sorted(customers)):
        rows += session.exec(
            select(AuditEntry).where(
                col(AuditEntry.customer_id).in_(some), col(AuditEntry.id) > after
            )
        )
    return rows


def _in_parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[n : n + _AT_A_TIME] for n in range(0, len(values), _AT_A_TIME))


def _investigators(session: Session, rows: Sequence[AuditEntry]) -> set[UUID]:
    who = {row.staff_id for row in rows if row.staff_id}
    found = select(Staff.id).where(col(Staff.id).in_(who), col(Staff.role) == Role.INVESTIGATOR)
    return set(session.exec(found)) if who else set()


def _sign(row: AuditEntry, canaries: dict[UUID, Canary], investigators: set[UUID]) -> Sign | None:
    """What an entry about a canary tells, if it tells anything."""
    canary = canaries[row.customer_id] if row.customer_id else None
    what = _what(row, canary, investigators) if canary else None
    if canary is None or what is None:
        return None
    return Sign(canary, what, f"audit:{row.id}", row.at, row.staff_id)


def _what(row: AuditEntry, canary: Canary, investigators: set[UUID]) -> What | None:
    if row.staff_id is not None:
        in_turn = row.callback_id in canary.planted or row.staff_id in investigators
        return None if in_turn else What.OPENED
    if row.actor == "operator":
        return What.IMPORT if row.action == AuditAct.CUSTOMER_CHANGE else None
    if row.actor == "customer":
        return _OF_CUSTOMERS.get(row.action.partition(".")[0], What.PAGE)
    return None
