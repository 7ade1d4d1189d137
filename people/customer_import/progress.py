"""How far imports have come: what a later run of the same file continues from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.models import CustomerImport
from vault.audit import audit_log
from vault.audit.acts import AuditAct


@dataclass
class ImportCounts:
    """The number of lines by outcome."""

    added: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0

    def __add__(self, other: ImportCounts) -> ImportCounts:
        return ImportCounts(
            self.added + other.added,
            self.changed + other.changed,
            self.same + other.same,
            self.refused + other.refused,
        )


@dataclass(frozen=True)
class ImportProgress:
    """The progress of an unfinished import."""

    id: UUID
    position: int
    line: int
    digest: str
    counts: ImportCounts


def list_unfinished_imports(session: Session) -> list[ImportProgress]:
    """List unfinished imports, latest first."""
    rows = session.exec(
        select(CustomerImport)
        .where(col(CustomerImport.finished_at).is_(None))
        .order_by(col(CustomerImport.id).desc())
        .limit(20)
    )
    return [
        ImportProgress(
            row.id,
            row.position,
            row.line,
            row.digest,
            ImportCounts(row.added, row.changed, row.same, row.refused),
        )
        for row in rows
    ]


def create_import(session: Session, now: datetime) -> ImportProgress:
    """Create an import."""
    row = CustomerImport(started_at=now)
    session.add(row)
    session.flush()
    audit_log.record_act(
        session, audit_log.OPERATOR, AuditAct.IMPORT_BEGIN, now, detail=str(row.id)
    )
    return ImportProgress(row.id, 0, 0, "", ImportCounts())
