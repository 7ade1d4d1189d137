"""Field encryption: each customer's data is sealed under that customer's own key (rule I2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlmodel import Session

from storage.column_types import new_id
from storage.session import UnitOfWork
from vault.errors import KeyUnavailable
from vault.keys import keyring
from vault.keys.aead import generate_key, seal, unseal
from vault.models import DataKey

_TABLE = DataKey.__table__  # type: ignore[attr-defined]
_SELECT = select(_TABLE.c.wrapped)


@dataclass(frozen=True, repr=False)
class FieldKey:
    """An unwrapped data key; every value it seals is bound to table, column and row."""

    key: bytes

    def seal_field(self, table: str, column: str, row: UUID | str, value: str) -> bytes:
        """Encrypt ``value`` for this place. ``row`` is the row's id, with any other columns that
        the value is bound to."""
        return seal(self.key, value.encode(), f"{table}.{column}:{row}")

    def open_field(self, table: str, column: str, row: UUID | str, sealed: bytes) -> str:
        """Decrypt the output of :meth:`seal_field`. Raises ``Tampered`` for a value from another
        place."""
        return unseal(self.key, sealed, f"{table}.{column}:{row}").decode()


#: The key of no customer; what it seals is decrypted by this process alone, and never stored.
DECOY_KEY = FieldKey(generate_key())


def create_data_key(session: Session, owner: UUID) -> FieldKey:
    """Create and store the key of a new customer."""
    wrapped, key = generate_data_key(session, owner)
    store_data_keys(session, [(owner, wrapped)])
    return key


def generate_data_key(session: UnitOfWork, owner: UUID) -> tuple[bytes, FieldKey]:
    """Create a key for a customer who is about to be added; return it wrapped, for
    :func:`store_data_keys`, and unwrapped."""
    wrapped = keyring.current_keyring(session).wrap_new_key(owner)
    return wrapped, unwrap_data_key(session, wrapped, owner)


def store_data_keys(session: UnitOfWork, made: Sequence[tuple[UUID, bytes]]) -> None:
    """Store the wrapped keys of new customers."""
    rows = [{"owner_id": owner, "wrapped": wrapped} for owner, wrapped in made]
    session.connection().execute(insert(_TABLE), rows)


def load_data_keys(session: Session, owners: Collection[UUID]) -> dict[UUID, FieldKey]:
    """Load the keys of many customers at once; leaves out destroyed ones."""
    statement = select(_TABLE.c.owner_id, _TABLE.c.wrapped).where(_TABLE.c.owner_id.in_(owners))
    rows = session.connection().execute(statement).all()
    return {owner: unwrap_data_key(session, wrapped, owner) for owner, wrapped in rows}


def destroy_data_keys(session: UnitOfWork, owners: Collection[UUID]) -> None:
    """Destroy the keys of these customers: what they sealed can never be decrypted again."""
    session.connection().execute(delete(_TABLE).where(_TABLE.c.owner_id.in_(owners)))


def load_data_key(session: Session, owner: UUID) -> FieldKey:
    """Load the key of one customer. Raises ``KeyUnavailable`` once it has been destroyed."""
    wrapped = session.connection().execute(_SELECT.where(_TABLE.c.owner_id == owner)).scalar()
    return unwrap_data_key(session, wrapped, owner)


def load_data_key_or_decoy(session: Session, owner: UUID | None) -> FieldKey:
    """Load the key of one customer; return :data:`DECOY_KEY` without one, at the same cost (rule
    C5)."""
    if owner is not None:
        return load_data_key(session, owner)
    session.connection().execute(_SELECT.where(_TABLE.c.owner_id == new_id())).scalar()
    return unwrap_at_decoy_cost(session, DECOY_KEY)


def unwrap_data_key(session: UnitOfWork, wrapped: bytes | None, owner: UUID) -> FieldKey:
    """Unwrap a key that was read with other columns in the caller's statement."""
    if wrapped is None:
        raise KeyUnavailable("this customer's key has been destroyed")
    return FieldKey(keyring.current_keyring(session).unwrap_key(wrapped, owner))


def unwrap_at_decoy_cost(session: UnitOfWork, key: FieldKey) -> FieldKey:
    """Return ``key`` itself at the cost of :func:`unwrap_data_key`: for work that must take as long
    when there is nothing to decrypt (rule C5)."""
    ring = keyring.current_keyring(session)
    unwrap_data_key(session, ring.decoy_wrapped_key, keyring.DECOY_OWNER)
    return key
