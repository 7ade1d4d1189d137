"""Sealed fields: each customer's data under that customer's own key (rule I2)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select
from sqlmodel import Session

from storage.session import Work
from storage.types import new_id
from vault import keyring
from vault.errors import KeyUnavailable
from vault.models import DataKey
from vault.sealing import new_key, seal, unseal

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
    wrapped = keyring.of(session).wrap_new_key(owner)
    session.connection().execute(insert(_TABLE).values(owner_id=owner, wrapped=wrapped))
    return unwrapped(session, wrapped, owner)


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
