"""Checkpoints of the log: made here, kept beside it, and good for something only once they are kept
elsewhere."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from vault.audit import merkle, sequencer
from vault.audit.models import AuditCheckpoint
from vault.audit.row_macs import LogTampered
from vault.audit.signed_notes import Checkpoint, NotValid, Signer, opened
from vault.audit.tiles import Tiles
from vault.keys import keyring


def signer(session: Session, origin: str) -> Signer:
    """The log's own key, under the log's name."""
    return Signer(origin, keyring.of(session).log_seed())


def latest(session: Session) -> AuditCheckpoint | None:
    """The newest checkpoint."""
    return session.exec(
        select(AuditCheckpoint).order_by(col(AuditCheckpoint.size).desc()).limit(1)
    ).first()


def newest(session: Session, origin: str) -> AuditCheckpoint | None:
    """The newest checkpoint, once it is seen that we made it. Raises ``LogTampered``."""
    found = latest(session)
    if found is None:
        return None
    name = found.note.partition("\n")[0]  # the log may have been called otherwise
    try:
        told = opened(found.note, signer(session, name or origin).verifier)
    except NotValid:
        raise LogTampered("The newest checkpoint in the store was not made by us.") from None
    if told.size != found.size:
        raise LogTampered("The newest checkpoint in the store is of another size.")
    return found


def make(session: Session, origin: str, now: datetime) -> AuditCheckpoint:
    """A checkpoint of all that is in the log; the one there is when nothing is new."""
    found, size = newest(session, origin), sequencer.size(session)
    if found is not None and found.size == size:
        return found
    root = merkle.root(Tiles(session), size)
    note = signer(session, origin).sign(str(Checkpoint(origin, size, root)))
    made = AuditCheckpoint(size=size, at=now, note=note)
    session.add(made)
    session.flush()
    return made
