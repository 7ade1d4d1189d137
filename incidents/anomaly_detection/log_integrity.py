"""Watches the audit log itself: what could silence it is a case for the investigators (rule I6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from incidents.cases.creation import Evidence, raise_case
from incidents.cases.models import Kind
from storage.session import StoreUnavailable, transaction
from vault.audit import audit_log, log_health, row_macs
from vault.audit.acts import AuditAct
from vault.audit.completeness import LOST, End
from vault.audit.models import AuditWriter
from vault.audit.recent_entries import Recent
from vault.errors import KeyUnavailable, Tampered

log = structlog.get_logger("audit")
EVERY = timedelta(minutes=1)
EVIDENCE, FOLD = "log", "audit-log"


class LogWatch:
    """A job of the worker, once a minute, in a thread of its own: it reads minutes of the log."""

    def __init__(self, engine: Engine, info: dict[Any, Any], clock: Callable[[], datetime]) -> None:
        self._engine, self._info, self._clock = engine, info, clock
        self._recent = Recent()
        self._hands = ThreadPoolExecutor(1, "log-watch")
        self._busy: Future[list[str]] | None = None
        self._looked: datetime | None = None

    @property
    def __name__(self) -> str:
        return "log_watch"

    def __call__(self, _session: Session, now: datetime) -> None:
        """Set it to work when it is due, unless it still is."""
        due = self._looked is None or abs(now - self._looked) >= EVERY
        if due and (self._busy is None or self._busy.done()):
            self._looked = now
            self._busy = self._hands.submit(self.work)

    def work(self) -> list[str]:
        """Look, and raise a case of what is found; gives it, in sentences."""
        found: list[str] = []
        try:
            with transaction(self._engine, read_only=True, info=self._info) as session:
                now = self._clock()
                wrong = self._recent.look(session)
                found = [wrong] * bool(wrong) + log_health.faults(session, now)
                ends = [each for each in self._recent.ends(now) if not each.told]
            if found or ends:
                log.critical("the audit log is not as it should be", found=found, ends=len(ends))
                with transaction(self._engine, info=self._info) as session:
                    _tell(session, found, ends, now)
        except (*StoreUnavailable, KeyUnavailable, Tampered):
            log.exception("the audit log cannot be watched")
        return found + [each.sentence for each in ends]


def _tell(session: Session, found: Sequence[str], ends: Sequence[End], now: datetime) -> None:
    evidence = [_evidence("changed", each, now) for each in found]
    for each in ends:
        if _told(session, each, now):
            evidence.append(_evidence("ended", each.sentence, each.since))
    if evidence:
        raise_case(session, Kind.LOG, FOLD, evidence, now)


def _evidence(what: str, sentence: str, at: datetime) -> Evidence:
    ref = f"{what}:{at:%Y%m%d}:{sha256(sentence.encode()).hexdigest()[:24]}"
    return Evidence(EVIDENCE, ref, at, facts={"what": what, "found": sentence})


def _told(session: Session, end: End, now: datetime) -> bool:
    """Say in the log that a process ended without a word, once; False when it has come back."""
    row = session.get(AuditWriter, end.writer, with_for_update=True)
    if row is None:
        row = AuditWriter(
            id=end.writer, kind=end.kind, began_at=end.since, at=end.since, number=0, state=LOST
        )
    elif row.at != end.since or row.state == LOST:
        return False
    row.state = LOST
    row_macs.seal(session, row)
    session.add(row)
    session.flush()
    detail = f"{end.kind} {end.writer:016x}"
    audit_log.record(session, audit_log.SYSTEM, AuditAct.LOG_LOST, now, detail=detail)
    return True
