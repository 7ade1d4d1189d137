"""A quick look at the end of the log each minute: whether what was written lately is still there.

The whole is for ``audit verify``; this reads few minutes of it, and remembers what it saw.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, func, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from vault.audit import log_state
from vault.audit.completeness import End, Marks
from vault.audit.entry_encoding import ALL
from vault.audit.models import AuditRun
from vault.audit.row_macs import LogTampered
from vault.models import AuditEntry

_ENTRY = AuditEntry.__table__  # type: ignore[attr-defined]
#: So many entries it begins with, and so many looks each entry is looked at again.
BEGINS_WITH, LOOKS = 20_000, 4


class Recent:
    """What one process has seen of the end of the log."""

    def __init__(self) -> None:
        self._marks: Marks | None = None
        self._ids: set[int] = set()
        self._lows: deque[int] = deque(maxlen=LOOKS)

    def look(self, session: Session) -> str:
        """What is wrong with the end of the log, in a sentence, or nothing."""
        try:
            return self._looked(session)
        except LogTampered as error:
            return str(error)
        except (ValueError, TypeError, AttributeError):  # what no column of that kind can hold
            return "An entry of the last minutes cannot be read."

    def ends(self, now: datetime) -> list[End]:
        """The ends that nobody explains, of what it has seen."""
        return self._marks.ends(now) if self._marks else []

    def _looked(self, session: Session) -> str:
        if self._marks is None:
            marks = Marks(session)
            self._lows.append(max(0, _highest(session) - BEGINS_WITH))
            self._read(session, marks)
            marks.take_as_good()
            self._marks = marks
            return ""
        self._marks.hear(session)
        before = {each for each in self._ids if each > self._lows[0]}
        self._read(session, self._marks)
        gone = before - self._ids
        if gone:
            return f"Entry {min(gone)} was there a minute ago and is gone."
        return self._missing(session, self._marks)

    def _read(self, session: Session, marks: Marks) -> None:
        seen, low = set(), self._lows[0]
        for row in _rows(session, _ENTRY.c.id > low):
            marks.see(row, again=row["id"] in self._ids)
            seen.add(row["id"])
        self._ids = seen
        self._lows.append(max(seen, default=low))

    def _missing(self, session: Session, marks: Marks) -> str:
        """What is missing, after another look at the last hour: a transaction that took long can
        have an id from before the last minutes."""
        if marks.missing():
            low = log_state.settled_id(session)
            for row in _rows(session, _ENTRY.c.id > low, _ENTRY.c.id <= self._lows[0]):
                marks.see(row, again=True)
        return marks.missing()


def waiting_since(session: Session) -> datetime | None:
    """The time of the first entry that has no place yet, of those after the last that has one."""
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


def _highest(session: Session) -> int:
    return session.connection().execute(select(func.max(_ENTRY.c.id))).scalar() or 0


def _rows(session: Session, *where: ColumnElement[bool]) -> Iterable[RowMapping]:
    columns = [_ENTRY.c[name] for name in ALL]
    statement = select(*columns).where(*where).order_by(_ENTRY.c.id)
    return session.connection().execute(statement).mappings()
