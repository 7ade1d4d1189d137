"""Index key rotation: moves every blind index to a new key without downtime.

A rotation goes through three states (:mod:`vault.keys.blind_index`), and never back. Between them
it must wait until every process knows of the last. Each step is permanent: an interrupted run is
run again, and two runs at once do no harm.

1. ``known``: every process searches both forms of a value, and still writes the previous one.

2. ``current``: every process writes the new form. Code that adds a unique value locks the keys
while it does (:func:`vault.keys.keyring.lock_index_keys`), so that no value is added under both.

3. ``alone``: no previous form is left, and none is searched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    MetaData,
    and_,
    bindparam,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from storage import advisory_lock
from storage.column_helpers import BLIND_INDEX
from storage.statement_timeout import remove_statement_timeout
from vault.keys import key_register, keyring
from vault.keys.aead import generate_key
from vault.keys.blind_index import FORM_BYTES, KNOWN, ONLY, STAND_IN_PREFIX
from vault.keys.index_key_cache import INDEX_ROWS, MAX_AGE_SECONDS
from vault.keys.key_register import INDEX, KeyRegister, index_key_number
from vault.keys.master_keys import MasterKeys
from vault.models import PurposeKey

BATCH_SIZE = 200
_TURN = b"index key"
#: A process may have started a unit of work with keys that were about to expire from its cache.
PROPAGATION_DELAY = timedelta(seconds=2 * MAX_AGE_SECONDS)
#: How to move a row, by its id, for columns whose rows depend on more than the form.
RowMovers = Mapping[str, Callable[[Session, Any], None]]


def lock_newest_index_key(session: Session) -> PurposeKey:
    """Lock and return the newest index key: until this transaction ends, nobody adds a unique value
    or continues a rotation."""
    advisory_lock.acquire_lock(session, _TURN)  # first, to see a key that another run has just made
    rows = session.exec(
        select_rows(PurposeKey)
        .where(col(PurposeKey.purpose).startswith(INDEX))
        .order_by(col(PurposeKey.created_at), col(PurposeKey.purpose))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    return max(rows, key=lambda row: index_key_number(row.purpose))


def find_rotation_state_time(session: Session) -> datetime:
    """Return when the newest index key entered its state."""
    rows = session.connection().execute(INDEX_ROWS).all()
    row = max(rows, key=lambda each: index_key_number(each.purpose))
    since: datetime = row.since
    return since


def begin_index_rotation(
    session: Session, master: MasterKeys, now: datetime
) -> tuple[PurposeKey, bool]:
    """Create a new index key in state ``known``, or return the one whose rotation is in progress;
    and whether it is new."""
    last = lock_newest_index_key(session)
    if last.state not in (None, ONLY):
        return last, False
    purpose, key = f"{INDEX}-{index_key_number(last.purpose) + 1}", generate_key()
    wrapped = master.wrap_with_master(key, key_register.wrap_context(purpose))
    new_row = PurposeKey(purpose=purpose, wrapped=wrapped, created_at=now, state=KNOWN, since=now)
    session.add(new_row)
    session.flush()
    fingerprint = key_register.register_fingerprint(key)
    key_register.update_register(
        session,
        master,
        lambda r: _with_index_state(r, purpose, KNOWN, {**r.keys, purpose: fingerprint}),
    )
    return new_row, True


def _with_index_state(
    register: KeyRegister, purpose: str, state: str, keys: Mapping[str, str]
) -> KeyRegister:
    return replace(register, keys=keys, states={**register.states, purpose: state})


def advance_index_rotation(
    session: Session, purpose: str, before: str, after: str, now: datetime
) -> bool:
    """Move a rotation to its next state, unless another run did; return whether this run did.
    Before the first and the last step, :data:`PROPAGATION_DELAY` must have passed."""
    last = lock_newest_index_key(session)
    if (last.purpose, last.state) != (purpose, before):
        return False
    last.state, last.since = after, now
    session.add(last)
    session.flush()
    keyring.current_keyring(session).update_key_register(
        session, lambda r: _with_index_state(r, purpose, after, r.keys)
    )
    keyring.lock_index_keys(session)
    return True


def list_index_columns(metadata: MetaData) -> list[Column[bytes]]:
    """List all blind index columns. Codes come first and customers last: a call starts with its
    customer's form, and checks whether another call with that number is in progress."""
    columns = [
        column
        for table in metadata.tables.values()
        for column in table.columns
        if column.info.get(BLIND_INDEX)
    ]
    order = {"code": 0, "customer": 2}
    return sorted(columns, key=lambda c: (order.get(c.table.name, 1), str(c)))


def count_rows_left(session: Session, column: Column[bytes]) -> int:
    """Count the rows of a column that are still under the previous key."""
    remove_statement_timeout(session)
    query = (
        select(func.count()).select_from(column.table).where(_is_under_former_key(session, column))
    )
    return session.connection().execute(query).scalar_one()


def _is_under_former_key(session: Session, column: Column[bytes]) -> ColumnElement[bool]:
    keys = keyring.current_keyring(session).index_keys()
    before = keys.written - 1
    if before == 0:
        # Excludes decoy and queue rows of checks, which have no number.
        right_length = func.length(column) == FORM_BYTES
        return and_(right_length, func.substr(column, 1, len(STAND_IN_PREFIX)) != STAND_IN_PREFIX)
    right_length = func.length(column) == FORM_BYTES + 1
    return and_(right_length, func.substr(column, 1, 1) == bytes([before]))


def move_next_rows(
    session: Session, column: Column[bytes], after: Sequence[Any] | None, movers: RowMovers
) -> tuple[int, Sequence[Any] | None]:
    """Move the next rows of a column to the newest key; return how many, and the key of the last
    row, or ``None`` at the end. ``after`` is the last row of the previous batch."""
    remove_statement_timeout(session)
    keyring.lock_index_keys(session)
    key = list(column.table.primary_key.columns)
    statement = select(*key, column.label("form")).where(_is_under_former_key(session, column))
    if after is not None:
        bounds = [literal(bound, c.type) for bound, c in zip(after, key, strict=True)]
        statement = statement.where(tuple_(*key) > tuple_(*bounds))
    rows = session.connection().execute(statement.order_by(*key).limit(BATCH_SIZE)).all()
    mover = movers.get(str(column))
    if mover is not None:
        for row in rows:
            mover(session, row[0])
    elif rows:
        _rewrite_index_rows(session, column, rows)
    return len(rows), tuple(rows[-1][:-1]) if len(rows) == BATCH_SIZE else None


def _rewrite_index_rows(session: Session, column: Column[bytes], rows: Sequence[Any]) -> None:
    ring, key = keyring.current_keyring(session), list(column.table.primary_key.columns)
    pairs = {row.form: ring.to_current_form(row.form) for row in rows}
    if key == [column]:
        _drop_duplicate_facts(session, column, pairs)
    changed = (
        update(column.table)
        .where(*(c == bindparam(f"key{n}") for n, c in enumerate(key)))
        .where(column == bindparam("before"))  # otherwise it was changed meanwhile
        .values({column.name: bindparam("moved")})
    )
    values = [
        {f"key{n}": key_value for n, key_value in enumerate(row[:-1])}
        | {"before": row.form, "moved": pairs[row.form]}
        for row in rows
    ]
    session.connection().execute(changed, values)


def _drop_duplicate_facts(
    session: Session, column: Column[bytes], pairs: Mapping[bytes, bytes]
) -> None:
    """Delete facts about a number that were recorded again under the new key: the later row says
    the same."""
    known = set(
        session.connection()
        .execute(select(column).where(column.in_(list(pairs.values()))))
        .scalars()
    )
    duplicates = [before for before, new_form in pairs.items() if new_form in known]
    if duplicates:
        session.connection().execute(delete(column.table).where(column.in_(duplicates)))
