"""Checkpoints of the log: made here, kept beside it, and good for something only once they are kept
elsewhere."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from vault import keyring
from vault.log import merkle, sequencing
from vault.log.models import AuditCheckpoint
from vault.log.notes import Checkpoint, Signer
from vault.log.tiles import Tiles


def signer(session: Session, origin: str) -> Signer:
    """The log's own key, under the log's name."""
    return Signer(origin, keyring.of(session).log_seed())


def latest(session: Session) -> AuditCheckpoint | None:
    """The newest checkpoint."""
    return session.exec(
        select(AuditCheckpoint).order_by(col(AuditCheckpoint.size).desc()).limit(1)
    ).first()


def make(session: Session, origin: str, now: datetime) -> AuditCheckpoint:
    """A checkpoint of all that is in the log; the one there is when nothing is new."""
    found, size = latest(session), sequencing.size(session)
    if found is not None and found.size == size:
        return found
    root = merkle.root(Tiles(session), size)
    note = signer(session, origin).sign(str(Checkpoint(origin, size, root)))
    made = AuditCheckpoint(size=size, at=now, note=note)
    session.add(made)
    session.flush()
    return made
