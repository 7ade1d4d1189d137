"""Sealed fields: each customer's data under that customer's own key (rule I2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlmodel import Session

from storage.column_types import new_id
from storage.session import Work
from vault.errors import KeyUnavailable
from vault.keys import keyring
from vault.keys.aead import new_key, seal, unseal
from vault.models import DataKey

_TABLE = DataKey.__table__  # type: ignore[attr-defined]
_SELECT = select(_TABLE.c.wrapped)


@dataclass(frozen=True, repr=False)
class FieldKey:
    """An unwrapped data key; every value it seals is bound to table, column and row."""

    key: bytes

    def seal(self, table: str, column: str, row: UUID | str, value: str) -> bytes:
        """The ciphertext of ``value`` for this place. ``row`` is the row's id, with whatever else
        of the row the value must not be parted from."""
        return seal(self.key, value.encode(), f"{table}.{column}:{row}")

    def open(self, table: str, column: str, row: UUID | str, sealed: bytes) -> str:
        """The inverse of :meth:`seal`. Raises ``Tampered`` for a value from another place."""
        return unseal(self.key, sealed, f"{table}.{column}:{row}").decode()


#: Nobody's; what it seals is opened by this process alone, and never stored.
DECOY = FieldKey(new_key())


def new_data_key(session: Session, owner: UUID) -> FieldKey:
    """Make and keep the key of a new customer."""
    wrapped, key = make(session, owner)
    keep(session, [(owner, wrapped)])
    return key


def make(session: Work, owner: UUID) -> tuple[bytes, FieldKey]:
    """A key for somebody who is about to be added: wrapped, to be kept by :func:`keep`, and ready
    to seal with."""
    wrapped = keyring.of(session).wrap_new_key(owner)
    return wrapped, unwrapped(session, wrapped, owner)


def keep(session: Work, made: Sequence[tuple[UUID, bytes]]) -> None:
    """Keep the wrapped keys of new customers."""
    rows = [{"owner_id": owner, "wrapped": wrapped} for owner, wrapped in made]
    session.connection().execute(insert(_TABLE), rows)


def data_keys(session: Session, owners: Collection[UUID]) -> dict[UUID, FieldKey]:
    """The keys of many customers at once; without those that have been destroyed."""
    statement = select(_TABLE.c.owner_id, _TABLE.c.wrapped).where(_TABLE.c.owner_id.in_(owners))
    rows = session.connection().execute(statement).all()
    return {owner: unwrapped(session, wrapped, owner) for owner, wrapped in rows}


def destroy(session: Work, owners: Collection[UUID]) -> None:
    """Destroy the keys of these customers: what they sealed opens no more, for nobody."""
    session.connection().execute(delete(_TABLE).where(_TABLE.c.owner_id.in_(owners)))


def data_key(session: Session, owner: UUID) -> FieldKey:
    """The key of one customer. Raises ``KeyUnavailable`` once it has been destroyed."""
    wrapped = session.connection().execute(_SELECT.where(_TABLE.c.owner_id == owner)).scalar()
    return unwrapped(session, wrapped, owner)


def data_key_or_decoy(session: Session, owner: UUID | None) -> FieldKey:
    """The key of one customer; for nobody :data:`DECOY`, at the same cost (rule C5)."""
    if owner is not None:
        return data_key(session, owner)
    session.connection().execute(_SELECT.where(_TABLE.c.owner_id == new_id())).scalar()
    return FieldKey(keyring.of(session).unwrap_decoy(DECOY.key))


def unwrapped(session: Work, wrapped: bytes | None, owner: UUID) -> FieldKey:
    """The key from its wrapped form, for statements that have read it along with other columns."""
    if wrapped is None:
        raise KeyUnavailable("this customer's key has been destroyed")
    return FieldKey(keyring.of(session).unwrap_key(wrapped, owner))
