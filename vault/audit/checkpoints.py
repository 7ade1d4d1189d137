"""Checkpoints of the log: made here, kept beside it, and good for something only once they are kept
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
    """The log's own key, under the log's name."""
    return NoteSigner(origin, keyring.current_keyring(session).log_signing_seed())


def find_latest_checkpoint(session: Session) -> AuditCheckpoint | None:
    """The newest checkpoint."""
    return session.exec(
        select(AuditCheckpoint).order_by(col(AuditCheckpoint.size).desc()).limit(1)
    ).first()


def verify_latest_checkpoint(session: Session, origin: str) -> AuditCheckpoint | None:
    """The newest checkpoint, once it is seen that we made it. Raises ``LogTampered``."""
    found = find_latest_checkpoint(session)
    if found is None:
        return None
    name = found.note.partition("\n")[0]  # the log may have been called otherwise
    try:
        told = open_checkpoint(found.note, log_signer(session, name or origin).verifier)
    except InvalidNote:
        raise LogTampered("The newest checkpoint in the store was not made by us.") from None
    if told.size != found.size:
        raise LogTampered("The newest checkpoint in the store is of another size.")
    return found


def create_checkpoint(session: Session, origin: str, now: datetime) -> AuditCheckpoint:
    """A checkpoint of all that is in the log; the one there is when nothing is new."""
    found, size = (
        verify_latest_checkpoint(session, origin),
        log_state.count_sequenced_entries(session),
    )
    if found is not None and found.size == size:
        return found
    root = merkle.compute_root(Tiles(session), size)
    note = log_signer(session, origin).sign_note(str(Checkpoint(origin, size, root)))
    made = AuditCheckpoint(size=size, at=now, note=note)
    session.add(made)
    session.flush()
    return made
