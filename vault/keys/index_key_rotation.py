"""A new index key: everything in the store is brought to it, as all works on.

A rotation goes through three states (:mod:`vault.keys.blind_index`), and never back. Between them it must wait
until every process knows of the last. What is done stays done: a run that was killed is run again,
and two at once do no harm.

1. ``known``: all look for both forms of a value, and still write the former.
2. ``current``: all write the new form. Who adds what may be there once holds the keys while it does
   (:func:`vault.keys.keyring.hold_index`), so no value is added under both.
3. ``alone``: no former form is left, and none is looked for.
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
from storage.column_helpers import BLIND
from storage.statement_timeout import take_time
from vault.keys import key_register, keyring
from vault.keys.aead import new_key
from vault.keys.blind_index import ALONE, FORM_BYTES, KNOWN
from vault.keys.index_key_cache import INDEX_ROWS, KNOWS_FOR
from vault.keys.key_register import INDEX, KeyRegister, index_number
from vault.keys.master_keys import MasterKeys
from vault.models import PurposeKey

AT_A_TIME = 200
_TURN = b"index key"
#: A process may have begun a unit of work with what it was just about to read anew.
ALL_KNOW_AFTER = timedelta(seconds=2 * KNOWS_FOR)
#: How a row of a column is brought to the new key that holds more than the form, by its id.
Movers = Mapping[str, Callable[[Session, Any], None]]


def newest(session: Session) -> PurposeKey:
    """The newest index key, locked: nobody adds what may be there once, or goes on with a rotation,
    until this transaction ends."""
    advisory_lock.take(session, _TURN)  # first, to see a key that another run has just made
    rows = session.exec(
        select_rows(PurposeKey)
        .where(col(PurposeKey.purpose).startswith(INDEX))
        .order_by(col(PurposeKey.created_at), col(PurposeKey.purpose))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    return max(rows, key=lambda row: index_number(row.purpose))


def since(session: Session) -> datetime:
    """When the newest index key came into its state."""
    rows = session.connection().execute(INDEX_ROWS).all()
    row = max(rows, key=lambda each: index_number(each.purpose))
    found: datetime = row.since
    return found


def begin(session: Session, master: MasterKeys, now: datetime) -> tuple[PurposeKey, bool]:
    """A new index key that is looked for, or the one whose rotation goes on; and whether it is
    new."""
    last = newest(session)
    if last.state not in (None, ALONE):
        return last, False
    purpose, key = f"{INDEX}-{index_number(last.purpose) + 1}", new_key()
    wrapped = master.wrap(key, key_register.place(purpose))
    made = PurposeKey(purpose=purpose, wrapped=wrapped, created_at=now, state=KNOWN, since=now)
    session.add(made)
    session.flush()
    mark = key_register.key_fingerprint(key)
    key_register.change(
        session, master, lambda r: _in_state(r, purpose, KNOWN, {**r.keys, purpose: mark})
    )
    return made, True


def _in_state(
    register: KeyRegister, purpose: str, state: str, keys: Mapping[str, str]
) -> KeyRegister:
    return replace(register, keys=keys, states={**register.states, purpose: state})


def advance(session: Session, purpose: str, before: str, after: str, now: datetime) -> bool:
    """Put a rotation into its next state, unless another run has; whether it was this one. For the
    first step, and the last, :data:`ALL_KNOW_AFTER` must have gone by."""
    last = newest(session)
    if (last.purpose, last.state) != (purpose, before):
        return False
    last.state, last.since = after, now
    session.add(last)
    session.flush()
    keyring.of(session).change_register(session, lambda r: _in_state(r, purpose, after, r.keys))
    keyring.hold_index(session)
    return True


def columns(metadata: MetaData) -> list[Column[bytes]]:
    """All columns of blind indexes. Codes come first and customers last: a call begins with the
    form that its customer has, and looks whether another goes on with that number."""
    found = [
        column
        for table in metadata.tables.values()
        for column in table.columns
        if column.info.get(BLIND)
    ]
    order = {"code": 0, "customer": 2}
    return sorted(found, key=lambda c: (order.get(c.table.name, 1), str(c)))


def left(session: Session, column: Column[bytes]) -> int:
    """How many rows of a column are still under the key before the newest."""
    take_time(session)
    found = select(func.count()).select_from(column.table).where(_former(session, column))
    return session.connection().execute(found).scalar_one()


def _former(session: Session, column: Column[bytes]) -> ColumnElement[bool]:
    keys = keyring.of(session).index_keys()
    before = keys.written - 1
    if before == 0:
        # What begins with zeros stands in for numbers nobody is calling, and is no form.
        fits = func.length(column) == FORM_BYTES
        return and_(fits, func.substr(column, 1, FORM_BYTES - 1) != bytes(FORM_BYTES - 1))
    fits = func.length(column) == FORM_BYTES + 1
    return and_(fits, func.substr(column, 1, 1) == bytes([before]))


def move(
    session: Session, column: Column[bytes], after: Sequence[Any] | None, movers: Movers
) -> tuple[int, Sequence[Any] | None]:
    """Bring the next rows of a column to the newest key; how many, and the last of them: none at
    the end. ``after`` is the last of the batch before."""
    take_time(session)
    keyring.hold_index(session)
    key = list(column.table.primary_key.columns)
    statement = select(*key, column.label("form")).where(_former(session, column))
    if after is not None:
        bounds = [literal(each, c.type) for each, c in zip(after, key, strict=True)]
        statement = statement.where(tuple_(*key) > tuple_(*bounds))
    rows = session.connection().execute(statement.order_by(*key).limit(AT_A_TIME)).all()
    mover = movers.get(str(column))
    if mover is not None:
        for row in rows:
            mover(session, row[0])
    elif rows:
        _move(session, column, rows)
    return len(rows), tuple(rows[-1][:-1]) if len(rows) == AT_A_TIME else None


def _move(session: Session, column: Column[bytes], rows: Sequence[Any]) -> None:
    ring, key = keyring.of(session), list(column.table.primary_key.columns)
    pairs = {row.form: ring.anew(row.form) for row in rows}
    if key == [column]:
        _drop_known_twice(session, column, pairs)
    changed = (
        update(column.table)
        .where(*(c == bindparam(f"key{n}") for n, c in enumerate(key)))
        .where(column == bindparam("before"))  # else it was changed meanwhile
        .values({column.name: bindparam("anew")})
    )
    values = [
        {f"key{n}": each for n, each in enumerate(row[:-1])}
        | {"before": row.form, "anew": pairs[row.form]}
        for row in rows
    ]
    session.connection().execute(changed, values)


def _drop_known_twice(
    session: Session, column: Column[bytes], pairs: Mapping[bytes, bytes]
) -> None:
    """A fact about a number that has been noted again since: the later row says it too."""
    known = set(
        session.connection()
        .execute(select(column).where(column.in_(list(pairs.values()))))
        .scalars()
    )
    twice = [before for before, anew in pairs.items() if anew in known]
    if twice:
        session.connection().execute(delete(column.table).where(column.in_(twice)))
