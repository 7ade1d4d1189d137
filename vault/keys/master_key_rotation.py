"""Master key rotation: rewraps all keys in the database under the current master key without
downtime.

Old master keys unwrap what they wrapped until nothing is left under them. Each batch is a separate,
permanent transaction, so an interrupted run is simply run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Column, func, select, update
from sqlmodel import Session

from storage.statement_timeout import remove_statement_timeout
from vault.keys import key_register
from vault.keys.master_keys import MasterKeys
from vault.models import DataKey, KeyRegisterRow, PurposeKey

BATCH_SIZE = 500
_DATA = DataKey.__table__  # type: ignore[attr-defined]
_PURPOSE = PurposeKey.__table__  # type: ignore[attr-defined]
_REGISTER = KeyRegisterRow.__table__  # type: ignore[attr-defined]
FIRST_OWNER = UUID(int=0)


def count_data_keys(session: Session) -> int:
    """Count the customers' data keys."""
    remove_statement_timeout(session)
    return session.connection().execute(select(func.count()).select_from(_DATA)).scalar_one()


def rewrap_data_keys(session: Session, master: MasterKeys, after: UUID) -> tuple[int, UUID | None]:
    """Rewrap the next customers' keys that are not under the current master key; return how many
    rows were read, and the last owner, or ``None`` at the end. Raises ``KeyUnavailable``."""
    rows = session.connection().execute(
        select(_DATA.c.owner_id, _DATA.c.wrapped)
        .where(_DATA.c.owner_id > after)
        .order_by(_DATA.c.owner_id)
        .limit(BATCH_SIZE)
    )
    batch = rows.all()
    for owner, wrapped in batch:
        if master.wrapping_key_id(wrapped) != master.current:
            new = _rewrap_key(master, wrapped, f"data_key.wrapped:{owner}")
            # If it was erased meanwhile, or rewrapped by another run, nothing is updated.
            session.connection().execute(
                update(_DATA)
                .where(_DATA.c.owner_id == owner, _DATA.c.wrapped == wrapped)
                .values(wrapped=new)
            )
    return len(batch), batch[-1][0] if len(batch) == BATCH_SIZE else None


def rewrap_purpose_keys(session: Session, master: MasterKeys) -> None:
    """Rewrap the purpose keys and the key register."""
    rows = session.connection().execute(select(_PURPOSE.c.purpose, _PURPOSE.c.wrapped)).all()
    for purpose, wrapped in rows:
        if master.wrapping_key_id(wrapped) != master.current:
            new = _rewrap_key(master, wrapped, key_register.wrap_context(purpose))
            session.connection().execute(
                update(_PURPOSE)
                .where(_PURPOSE.c.purpose == purpose, _PURPOSE.c.wrapped == wrapped)
                .values(wrapped=new)
            )
    key_register.rewrap_register(session, master)


def _rewrap_key(master: MasterKeys, wrapped: bytes, place: str) -> bytes:
    return master.wrap_with_master(master.unwrap_with_master(wrapped, place), place)


def count_keys_by_master(session: Session, names: Sequence[str]) -> dict[str, int]:
    """Count the keys that each of these master keys wraps; one that seals only the key register
    counts one, since the database cannot be used without it either."""
    remove_statement_timeout(session)
    totals = {}
    for name in names:
        counts = [_count_wrapped_rows(session, item, name) for item in _COLUMNS]
        totals[name] = sum(counts[:2]) or counts[2]
    return totals


_COLUMNS = (_DATA.c.wrapped, _PURPOSE.c.wrapped, _REGISTER.c.sealed)


def _count_wrapped_rows(session: Session, column: Column[bytes], name: str) -> int:
    prefix = f"{name}:".encode()
    query = (
        select(func.count())
        .select_from(column.table)
        .where(func.substr(column, 1, len(prefix)) == prefix)
    )
    return session.connection().execute(query).scalar_one()
