"""The audit entries behind an exported case, with proofs that they are in the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from incidents.audit_search import entry_search
from incidents.cases.case_view import EvidenceItem
from incidents.cases.models import Case
from incidents.cases.visibility import audit_entry_visible_to
from incidents.error_codes import IncidentErrorCode
from people.errors import InvalidInput
from vault.audit import checkpoints, proofs, sequencer
from vault.models import AuditEntry

MAX_ENTRIES = 5000


def load_exported_entries(
    session: Session, case: Case, who: UUID, items: Sequence[EvidenceItem]
) -> list[AuditEntry]:
    """Return all entries made under the case's reference and all entries that are evidence, except
    those that the exporter may not see."""
    cited = [item.entry.id for item in items if item.entry]
    rows = session.exec(
        select(AuditEntry)
        .where(
            or_(
                and_(*entry_search.match_purpose(session, case.reference)),
                col(AuditEntry.id).in_(cited),
            )
        )
        .where(audit_entry_visible_to(session, who))
        .order_by(col(AuditEntry.id))
        .limit(MAX_ENTRIES + 1)
    ).all()
    if len(rows) > MAX_ENTRIES:
        raise InvalidInput("exporting", IncidentErrorCode.CASE_TOO_MANY_ENTRIES, limit=MAX_ENTRIES)
    return list(rows)


def prove_exported_entries(
    session: Session, entries: Sequence[AuditEntry], origin: str, now: datetime
) -> list[dict[str, Any]]:
    """Build a proof of each entry, under a new checkpoint that includes the latest entries."""
    session.flush()
    while sequencer.sequence_entries(session, now) == sequencer.BATCH_SIZE:
        pass
    checkpoints.create_checkpoint(session, origin, now)
    entry_proofs = [proofs.build_entry_proof(session, entry.id or 0) for entry in entries]
    if None in entry_proofs:
        raise InvalidInput("exporting", IncidentErrorCode.ENTRY_NOT_IN_LOG_YET)
    return [item for item in entry_proofs if item is not None]
