"""Detects contact with canaries from the records that are kept of every customer, so that no page,
text or check takes another path or another time for a canary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.canaries import store
from incidents.canaries.detections import CanaryDetection, DetectionKind, report_detections
from incidents.canaries.store import Canary, CanarySet
from incidents.reports.models import SignalRecord
from incidents.reports.signals import UNCONFIRMED
from messaging.models import InboundText
from people.models import Role, Staff
from vault.audit.acts import AuditAct
from vault.keys import keyring
from vault.models import AuditEntry

#: Ids are assigned before commit, so this many of the last entries are read again.
ENTRY_ID_OVERLAP = 5000
RECHECK_WINDOW = timedelta(minutes=10)
RESEAL_INTERVAL = timedelta(hours=1)
_BATCH_SIZE = 500
T = TypeVar("T")
_CALL_REPLY_WORDS = frozenset({"keypad", "own", "report"})
_KIND_BY_CUSTOMER_ACT = {
    "report": DetectionKind.REPORT,
    "check": DetectionKind.CHECK,
    "callback": DetectionKind.TEXT,
}


class CanaryDetectionJob:
    """A job of the worker, on each of its runs. Any number of workers may run it: a detection that
    is in a case is not reported again."""

    def __init__(self) -> None:
        self._seen: set[UUID] = set()
        self._last = 0
        self._since: datetime | None = None
        self._resealed: datetime | None = None

    def __call__(self, session: Session, now: datetime) -> None:
        """Open cases for new contacts with canaries."""
        canaries = store.link_imported_canaries(session, store.load_canaries(session))
        if not canaries.canaries:
            return
        signs = [
            *self._detect_in_audit_log(session, canaries),
            *self._detect_in_texts(session, canaries),
            *self._detect_in_failed_checks(session, canaries),
        ]
        if signs:
            report_detections(session, signs, now)
        self._since = now - RECHECK_WINDOW
        if self._resealed is None or now - self._resealed >= RESEAL_INTERVAL:
            store.reseal_canary_batches(session)
            self._resealed = now

    @property
    def __name__(self) -> str:
        return "canary_watch"

    def _detect_in_audit_log(self, session: Session, found: CanarySet) -> list[CanaryDetection]:
        by_customer = found.by_customer
        rows = [
            *_load_canary_entries(
                session, by_customer.keys() & self._seen, self._last - ENTRY_ID_OVERLAP
            ),
            *_load_canary_entries(session, by_customer.keys() - self._seen, 0),
        ]
        self._seen = set(by_customer)
        self._last = max([self._last, *(row.id or 0 for row in rows)])
        investigators = _find_acting_investigators(session, rows)
        detections = (_detection_from_entry(row, by_customer, investigators) for row in rows)
        return [detection for detection in detections if detection is not None]

    def _detect_in_texts(self, session: Session, found: CanarySet) -> Iterator[CanaryDetection]:
        forms = keyring.current_keyring(session).compute_search_forms
        by_index = {form: owner for owner in found.canaries for form in forms("phone", owner.phone)}
        for some in _batch_canary_keys(list(by_index)):
            statement = select(InboundText).where(col(InboundText.sender_index).in_(some))
            if self._since is not None:
                statement = statement.where(col(InboundText.received_at) > self._since)
            for row in session.exec(statement):
                what = DetectionKind.CALL if row.word in _CALL_REPLY_WORDS else DetectionKind.TEXT
                canary = by_index[row.sender_index]
                yield CanaryDetection(canary, what, f"text:{row.provider_id}", row.received_at)

    def _detect_in_failed_checks(
        self, session: Session, found: CanarySet
    ) -> Iterator[CanaryDetection]:
        """Detect checks that failed while none of our agents was calling."""
        by_customer = found.by_customer
        for some in _batch_canary_keys(sorted(by_customer)):
            statement = select(SignalRecord).where(
                col(SignalRecord.customer_id).in_(some), col(SignalRecord.kind) == UNCONFIRMED
            )
            if self._since is not None:
                statement = statement.where(col(SignalRecord.at) > self._since)
            for row in session.exec(statement):
                if row.customer_id is not None:
                    canary = by_customer[row.customer_id]
                    yield CanaryDetection(canary, DetectionKind.CHECK, f"stream:{row.id}", row.at)


def _load_canary_entries(
    session: Session, customers: Iterable[UUID], after: int
) -> list[AuditEntry]:
    rows: list[AuditEntry] = []
    for some in _batch_canary_keys(sorted(customers)):
        rows += session.exec(
            select(AuditEntry).where(
                col(AuditEntry.customer_id).in_(some), col(AuditEntry.id) > after
            )
        )
    return rows


def _batch_canary_keys(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[n : n + _BATCH_SIZE] for n in range(0, len(values), _BATCH_SIZE))


def _find_acting_investigators(session: Session, rows: Sequence[AuditEntry]) -> set[UUID]:
    who = {row.staff_id for row in rows if row.staff_id}
    statement = select(Staff.id).where(col(Staff.id).in_(who), col(Staff.role) == Role.INVESTIGATOR)
    return set(session.exec(statement)) if who else set()


def _detection_from_entry(
    row: AuditEntry, canaries: dict[UUID, Canary], investigators: set[UUID]
) -> CanaryDetection | None:
    """Return the detection that an entry about a canary gives, or ``None``."""
    canary = canaries[row.customer_id] if row.customer_id else None
    what = _classify_canary_entry(row, canary, investigators) if canary else None
    if canary is None or what is None:
        return None
    return CanaryDetection(canary, what, f"audit:{row.id}", row.at, row.staff_id)


def _classify_canary_entry(
    row: AuditEntry, canary: Canary, investigators: set[UUID]
) -> DetectionKind | None:
    if row.staff_id is not None:
        in_turn = row.callback_id in canary.planted or row.staff_id in investigators
        return None if in_turn else DetectionKind.OPENED
    if row.actor == "operator":
        return DetectionKind.IMPORT if row.action == AuditAct.CUSTOMER_CHANGE else None
    if row.actor == "customer":
        return _KIND_BY_CUSTOMER_ACT.get(row.action.partition(".")[0], DetectionKind.PAGE)
    return None
