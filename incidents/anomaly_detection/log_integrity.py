"""Watches the audit log itself: anything that could silence it opens a case for the investigators
(rule I6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import CaseKind
from storage.session import StoreUnavailable, transaction
from vault.audit import audit_log, log_health, row_macs
from vault.audit.acts import AuditAct
from vault.audit.completeness import LOST, LostWriter
from vault.audit.models import AuditWriter
from vault.audit.recent_entries import RecentEntries
from vault.errors import KeyUnavailable, Tampered

log = structlog.get_logger("audit")
CHECK_INTERVAL = timedelta(minutes=1)
EVIDENCE_KIND, DEDUP_KEY = "log", "audit-log"


class LogIntegrityJob:
    """A job of the worker, once a minute, in its own thread: it reads minutes of the log."""

    def __init__(self, engine: Engine, info: dict[Any, Any], clock: Callable[[], datetime]) -> None:
        self._engine, self._info, self._clock = engine, info, clock
        self._recent = RecentEntries()
        self._hands = ThreadPoolExecutor(1, "log-watch")
        self._busy: Future[list[str]] | None = None
        self._looked: datetime | None = None

    @property
    def __name__(self) -> str:
        return "log_watch"

    def __call__(self, _session: Session, now: datetime) -> None:
        """Start a check when one is due, unless the last is still running."""
        due = self._looked is None or abs(now - self._looked) >= CHECK_INTERVAL
        if due and (self._busy is None or self._busy.done()):
            self._looked = now
            self._busy = self._hands.submit(self.check_log_integrity)

    def check_log_integrity(self) -> list[str]:
        """Check the log, open a case for faults, and return them as sentences."""
        faults: list[str] = []
        try:
            with transaction(self._engine, read_only=True, info=self._info) as session:
                now = self._clock()
                wrong = self._recent.check_recent_entries(session)
                faults = [wrong] * bool(wrong) + log_health.find_log_faults(session, now)
                ends = [
                    writer
                    for writer in self._recent.find_recently_lost_writers(now)
                    if not writer.told
                ]
            if faults or ends:
                log.critical("the audit log is not as it should be", found=faults, ends=len(ends))
                with transaction(self._engine, info=self._info) as session:
                    _report_log_faults(session, faults, ends, now)
        except (*StoreUnavailable, KeyUnavailable, Tampered):
            log.exception("the audit log cannot be watched")
        return faults + [end.sentence for end in ends]


def _report_log_faults(
    session: Session, found: Sequence[str], ends: Sequence[LostWriter], now: datetime
) -> None:
    evidence = [_log_fault_evidence("changed", fault, now) for fault in found]
    for end in ends:
        if _record_lost_writer(session, end, now):
            evidence.append(_log_fault_evidence("ended", end.sentence, end.since))
    if evidence:
        open_or_extend_case(session, CaseKind.LOG, DEDUP_KEY, evidence, now)


def _log_fault_evidence(what: str, sentence: str, at: datetime) -> NewEvidence:
    ref = f"{what}:{at:%Y%m%d}:{sha256(sentence.encode()).hexdigest()[:24]}"
    return NewEvidence(EVIDENCE_KIND, ref, at, facts={"what": what, "found": sentence})


def _record_lost_writer(session: Session, end: LostWriter, now: datetime) -> bool:
    """Record once in the log that a process ended without notice; return ``False`` if it has come
    back."""
    row = session.get(AuditWriter, end.writer, with_for_update=True)
    if row is None:
        row = AuditWriter(
            id=end.writer, kind=end.kind, began_at=end.since, at=end.since, number=0, state=LOST
        )
    elif row.at != end.since or row.state == LOST:
        return False
    row.state = LOST
    row_macs.set_row_mac(session, row)
    session.add(row)
    session.flush()
    detail = f"{end.kind} {end.writer:016x}"
    audit_log.record_act(session, audit_log.SYSTEM, AuditAct.LOG_LOST, now, detail=detail)
    return True
