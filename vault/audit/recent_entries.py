"""A quick check of the end of the log every minute: whether recent entries are still there. ``audit
verify`` checks the whole log; this reads a few minutes of it, and remembers what it saw."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, func, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from vault.audit import log_state
from vault.audit.completeness import CompletenessCheck, LostWriter
from vault.audit.entry_encoding import ALL_COLUMNS
from vault.audit.models import AuditRun
from vault.audit.row_macs import LogTampered
from vault.models import AuditEntry

_ENTRY = AuditEntry.__table__  # type: ignore[attr-defined]
#: The number of entries in the first check, and the number of checks that read each entry again.
INITIAL_ENTRIES, CHECKS_PER_ENTRY = 20_000, 4


class RecentEntries:
    """What one process has seen of the end of the log."""

    def __init__(self) -> None:
        self._marks: CompletenessCheck | None = None
        self._ids: set[int] = set()
        self._lows: deque[int] = deque(maxlen=CHECKS_PER_ENTRY)

    def check_recent_entries(self, session: Session) -> str:
        """Return what is wrong with the end of the log, in a sentence, or an empty string."""
        try:
            return self._check_or_begin(session)
        except LogTampered as error:
            return str(error)
        except (
            ValueError,
            TypeError,
            AttributeError,
        ):  # a value that no column of that type can hold
            return "An entry of the last minutes cannot be read."

    def find_recently_lost_writers(self, now: datetime) -> list[LostWriter]:
        """Return the unexplained ends of processes among the entries seen."""
        return self._marks.find_lost_writers(now) if self._marks else []

    def _check_or_begin(self, session: Session) -> str:
        if self._marks is None:
            marks = CompletenessCheck(session)
            self._lows.append(max(0, _highest_entry_id(session) - INITIAL_ENTRIES))
            self._check_newest_entries(session, marks)
            marks.assume_earlier_complete()
            self._marks = marks
            return ""
        self._marks.load_writer_positions(session)
        before = {id_ for id_ in self._ids if id_ > self._lows[0]}
        self._check_newest_entries(session, self._marks)
        gone = before - self._ids
        if gone:
            return f"Entry {min(gone)} was there a minute ago and is gone."
        return self._describe_missing_after_recheck(session, self._marks)

    def _check_newest_entries(self, session: Session, marks: CompletenessCheck) -> None:
        seen, low = set(), self._lows[0]
        for row in _read_audit_entries(session, _ENTRY.c.id > low):
            marks.check_entry(row, again=row["id"] in self._ids)
            seen.add(row["id"])
        self._ids = seen
        self._lows.append(max(seen, default=low))

    def _describe_missing_after_recheck(self, session: Session, marks: CompletenessCheck) -> str:
        """Return what is missing after re-reading the last hour: a long transaction can have an id
        from before the last minutes."""
        if marks.describe_missing_entries():
            low = log_state.last_settled_id(session)
            for row in _read_audit_entries(
                session, _ENTRY.c.id > low, _ENTRY.c.id <= self._lows[0]
            ):
                marks.check_entry(row, again=True)
        return marks.describe_missing_entries()


def find_first_unsequenced_time(session: Session) -> datetime | None:
    """Return the time of the first entry that is not sequenced yet, of those after the last that
    is."""
    last = session.exec(
        select_rows(AuditRun).order_by(col(AuditRun.first_id).desc()).limit(1)
    ).first()
    highest = last.first_id + last.count - 1 if last else 0
    return session.exec(
        select_rows(AuditEntry.at)
        .where(col(AuditEntry.id) > highest)
        .order_by(col(AuditEntry.id))
        .limit(1)
    ).first()


def _highest_entry_id(session: Session) -> int:
    return session.connection().execute(select(func.max(_ENTRY.c.id))).scalar() or 0


def _read_audit_entries(session: Session, *where: ColumnElement[bool]) -> Iterable[RowMapping]:
    columns = [_ENTRY.c[name] for name in ALL_COLUMNS]
    statement = select(*columns).where(*where).order_by(_ENTRY.c.id)
    return session.connection().execute(statement).mappings()
