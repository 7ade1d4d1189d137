"""Checkpoints of the log: made here, stored with it, and useful only once they are stored
elsewhere."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from vault.audit import log_state, merkle
from vault.audit.models import AuditCheckpoint
from vault.audit.row_macs import LogTampered
from vault.audit.signed_notes import Checkpoint, InvalidNote, NoteSigner, open_checkpoint
from vault.audit.tiles import Tiles
from vault.keys import keyring


def log_signer(session: Session, origin: str) -> NoteSigner:
    """Return the signer with the log's own key and name."""
    return NoteSigner(origin, keyring.current_keyring(session).log_signing_seed())


def find_latest_checkpoint(session: Session) -> AuditCheckpoint | None:
    """Return the newest checkpoint."""
    return session.exec(
        select(AuditCheckpoint).order_by(col(AuditCheckpoint.size).desc()).limit(1)
    ).first()


def verify_latest_checkpoint(session: Session, origin: str) -> AuditCheckpoint | None:
    """Return the newest checkpoint after verifying our signature. Raises ``LogTampered``."""
    latest = find_latest_checkpoint(session)
    if latest is None:
        return None
    name = latest.note.partition("\n")[0]  # the log may have had another name
    try:
        checkpoint = open_checkpoint(latest.note, log_signer(session, name or origin).verifier)
    except InvalidNote:
        raise LogTampered("The newest checkpoint in the store was not made by us.") from None
    if checkpoint.size != latest.size:
        raise LogTampered("The newest checkpoint in the store is of another size.")
    return latest


def create_checkpoint(session: Session, origin: str, now: datetime) -> AuditCheckpoint:
    """Create a checkpoint of the whole log; return the existing one if nothing is new."""
    found, size = (
        verify_latest_checkpoint(session, origin),
        log_state.count_sequenced_entries(session),
    )
    if found is not None and found.size == size:
        return found
    root = merkle.compute_root(Tiles(session), size)
    note = log_signer(session, origin).sign_note(str(Checkpoint(origin, size, root)))
    checkpoint = AuditCheckpoint(size=size, at=now, note=note)
    session.add(checkpoint)
    session.flush()
    return checkpoint
