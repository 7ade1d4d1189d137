"""Proofs that can be verified without the log: that an entry is in it, and that it only grew."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from config.domain_errors import DomainError
from vault.audit import checkpoints, merkle
from vault.audit.entry_encoding import ALL_COLUMNS, encode_entry
from vault.audit.models import AuditRun
from vault.audit.signed_notes import Checkpoint, VerifierKey, open_checkpoint
from vault.audit.tiles import Tiles
from vault.error_codes import VaultErrorCode
from vault.models import AuditEntry

_ENTRY = AuditEntry.__table__  # type: ignore[attr-defined]


class InvalidProof(DomainError):
    """A proof does not show what it claims."""


def find_entry_place(session: Session, entry_id: int) -> int | None:
    """Return the position of an entry in the log, from 0."""
    run = session.exec(
        select(AuditRun)
        .where(col(AuditRun.first_id) <= entry_id)
        .order_by(col(AuditRun.first_id).desc())
        .limit(1)
    ).first()
    if run is None or entry_id >= run.first_id + run.count:
        return None
    return run.place + entry_id - run.first_id


def build_entry_proof(session: Session, entry_id: int) -> dict[str, Any] | None:
    """Return the entry, its position, the path to the newest checkpoint, and that checkpoint."""
    place, newest = find_entry_place(session, entry_id), checkpoints.find_latest_checkpoint(session)
    if place is None or newest is None or place >= newest.size:
        return None
    columns = [_ENTRY.c[name] for name in ALL_COLUMNS]
    statement = select_columns(*columns).where(_ENTRY.c.id == entry_id)
    row = session.connection().execute(statement).mappings().first()
    if row is None:
        return None
    path = merkle.build_inclusion_proof(Tiles(session), place, newest.size)
    return {
        "entry": encode_entry(dict(row)).decode(),
        "place": place,
        "path": [b64encode(item).decode() for item in path],
        "checkpoint": newest.note,
    }


def build_growth_proof(session: Session, old: int) -> dict[str, Any] | None:
    """Return the proof from a log of ``old`` entries to the newest checkpoint, and that
    checkpoint."""
    newest = checkpoints.find_latest_checkpoint(session)
    if newest is None or newest.size < old:
        return None
    path = merkle.build_consistency_proof(Tiles(session), old, newest.size)
    return {"path": [b64encode(item).decode() for item in path], "checkpoint": newest.note}


def verify_proof(proof: Mapping[str, Any], key: VerifierKey, earlier: Checkpoint | None) -> str:
    """Return what a proof shows, in a sentence. Raises :class:`InvalidProof`, or ``InvalidNote``
    for a checkpoint that is not correctly signed."""
    try:
        path = [b64decode(item, validate=True) for item in proof["path"]]
        newest = open_checkpoint(str(proof["checkpoint"]), key)
        if "entry" in proof:
            return _verify_entry_proof(str(proof["entry"]), int(proof["place"]), path, newest)
    except (KeyError, TypeError) as error:
        raise InvalidProof(VaultErrorCode.PROOF_INCOMPLETE, part=error) from None
    if earlier is None:
        raise InvalidProof(VaultErrorCode.EARLIER_CHECKPOINT_MISSING)
    if not merkle.verify_consistency(earlier.size, earlier.root, newest.size, newest.root, path):
        raise InvalidProof(VaultErrorCode.LOG_NOT_GROWN)
    return f"the log of {newest.size:,} entries begins with the {earlier.size:,} of before."


def _verify_entry_proof(entry: str, place: int, path: list[bytes], newest: Checkpoint) -> str:
    leaf = merkle.leaf_hash(entry.encode())
    if not merkle.verify_inclusion(leaf, place, newest.size, path, newest.root):
        raise InvalidProof(VaultErrorCode.ENTRY_NOT_IN_CHECKPOINT)
    return f"this is entry {place:,} of the {newest.size:,} of that checkpoint: {entry}"
