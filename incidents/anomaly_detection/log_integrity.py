"""Watches the audit log itself: anything that could silence it opens a case for the investigators
(rule I6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import CaseKind
from vault.audit import audit_log, log_health, row_macs
from vault.audit.acts import AuditAct
from vault.audit.completeness import LOST, LostWriter
from vault.audit.models import AuditWriter
from vault.audit.recent_entries import RecentEntries
from vault.threaded_job import ThreadedJob

log = structlog.get_logger("audit")
CHECK_INTERVAL = timedelta(minutes=1)
EVIDENCE_KIND, DEDUP_KEY = "log", "audit-log"


class LogIntegrityJob(ThreadedJob):
    """Checks the last minutes of the audit log, once a minute."""

    name = "log_watch"
    interval = CHECK_INTERVAL

    def __init__(self, engine: Engine, info: dict[Any, Any], clock: Callable[[], datetime]) -> None:
        super().__init__(engine, info, clock)
        self._recent = RecentEntries()

    def run(self) -> None:
        """Check the log; see :meth:`check_log_integrity`."""
        self.check_log_integrity()

    def check_log_integrity(self) -> list[str]:
        """Check the log, open a case for faults, and return them as sentences."""
        faults: list[str] = []
        try:
            with self.open_transaction(read_only=True) as session:
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
                with self.open_transaction() as session:
                    _report_log_faults(session, faults, ends, now)
        except self.failures:
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
