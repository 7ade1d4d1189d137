"""What somebody who can write to the database may do to any row or column of any table."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Column, Connection, Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

FAR = datetime(2036, 1, 1, tzinfo=UTC)
OVERWRITES = ("swap", "copy", "null", "zero", "future")
KINDS = (*OVERWRITES, "restore", "delete", "twice", "trigger")
_MOST_ROWS = 40


@dataclass(eq=False)
class Mutation:
    """One change to one table, made before one act of a journey. ``early`` is the act before which
    an old row is taken that is put back later."""

    kind: str
    table: str
    column: str
    at: int
    early: int = 0
    chance: random.Random = random.Random(0)  # noqa: RUF009  (each caller passes its own)
    kept: Sequence[dict[str, Any]] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.table}.{self.column} before act {self.at} (from {self.early})"

    def before(self, act: int, connection: Connection) -> bool | None:
        """Make what is due before an act; whether the database took it, ``None`` for nothing."""
        if self.kind == "restore" and act == self.early:
            self.kept = rows(connection, self._of)
        if act != self.at:
            return None
        try:
            with connection.begin_nested():
                return _MAKE[self.kind](self, connection)
        except (DBAPIError, StatementError, TypeError, ValueError):
            return False

    @property
    def trigger(self) -> str:
        return f"undo_{id(self)}"

    @property
    def _of(self) -> Table:
        return SQLModel.metadata.tables[self.table]


def any_mutation(chance: random.Random, tables: Sequence[str], acts: int) -> Mutation:
    """A mutation by chance."""
    name = chance.choice(tables)
    column = chance.choice(list(SQLModel.metadata.tables[name].columns.keys()))
    at = chance.randrange(acts)
    early = chance.randrange(at + 1)
    return Mutation(chance.choice(KINDS), name, column, at, early, chance)


def each_of(name: str) -> Iterator[tuple[str, str]]:
    """Every column of a table with every way to overwrite or restore it."""
    for column in list(SQLModel.metadata.tables[name].columns.keys()):
        for kind in (*OVERWRITES, "restore"):
            yield column, kind


def rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    """Some of the rows of a table; of codes those of calls."""
    some = select(table).limit(_MOST_ROWS)
    if table.name == "code":
        some = some.where(table.c.callback_id.is_not(None))
    if table.name == "audit_entry":
        some = some.order_by(table.c.id.desc())
    return [dict(row) for row in connection.execute(some).mappings()]


def _key(table: Table, row: dict[str, Any]) -> list[Any]:
    return [column == row[column.key] for column in table.primary_key.columns]


def _put(connection: Connection, table: Table, row: dict[str, Any], column: str, to: Any) -> bool:
    changed = update(table).where(*_key(table, row)).values({column: to})
    return connection.execute(changed).rowcount > 0


def _swap(self: Mutation, connection: Connection) -> bool:
    found = rows(connection, self._of)
    if len(found) < 2:
        return False
    one, other = self.chance.sample(found, 2)
    column, unique = self._of.c[self.column], self.column
    if column.primary_key:
        return False
    _put(connection, self._of, one, unique, _neutral(column))
    _put(connection, self._of, other, unique, one[unique])
    return _put(connection, self._of, one, unique, other[unique])


def _kind(column: Column[Any]) -> type:
    """What a column holds, under whatever type of ours."""
    kind = column.type
    found: type = (kind.impl if isinstance(kind, TypeDecorator) else kind).python_type
    return found


def _neutral(column: Column[Any]) -> Any:
    """A value that no other row has, for a column that may have each once."""
    kind = _kind(column)
    if kind is bytes:
        return uuid4().bytes
    if kind is UUID:
        return None if column.nullable else uuid4()
    return _empty(column)


def _copy(self: Mutation, connection: Connection) -> bool:
    found = rows(connection, self._of)
    if len(found) < 2:
        return False
    one, other = self.chance.sample(found, 2)
    return _put(connection, self._of, one, self.column, other[self.column])


def _set(value: Callable[[Column[Any], Any], Any]) -> Callable[[Mutation, Connection], bool]:
    def made(self: Mutation, connection: Connection) -> bool:
        found = rows(connection, self._of)
        if not found:
            return False
        row = self.chance.choice(found)
        to = value(self._of.c[self.column], row[self.column])
        return _put(connection, self._of, row, self.column, to)

    return made


def _empty(column: Column[Any]) -> Any:
    kind = _kind(column)
    plain = {bytes: b"", str: "", int: 0, bool: False, UUID: UUID(int=0), float: 0.0}
    if kind is datetime:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return date(1970, 1, 1) if kind is date else plain.get(kind, b"")


def _far(column: Column[Any], was: Any) -> Any:
    kind = _kind(column)
    if kind is datetime:
        return FAR
    if kind is date:
        return FAR.date()
    if kind is int:
        return 2**31 - 1
    if kind is bool:
        return not was
    if kind is str:
        others = ("supervisor", "booked", "started", "confirmed", "live", "web", "web,api")
        return next((other for other in others if other != was), "x")
    return uuid4() if kind is UUID else bytes(was or b"x")[::-1]


def _restore(self: Mutation, connection: Connection) -> bool:
    """A whole former row, its mark with it: or one that has been removed since."""
    if not self.kept:
        return False
    now = rows(connection, self._of)
    changed = [row for row in self.kept if row not in now] or list(self.kept)
    row = self.chance.choice(changed)
    values = {k: v for k, v in row.items() if not self._of.c[k].primary_key}
    if values:
        put = update(self._of).where(*_key(self._of, row)).values(values)
        if connection.execute(put).rowcount:
            return True
    return connection.execute(insert(self._of).values(row)).rowcount > 0


def _delete(self: Mutation, connection: Connection) -> bool:
    found = rows(connection, self._of)
    if not found:
        return False
    gone = delete(self._of).where(*_key(self._of, self.chance.choice(found)))
    return connection.execute(gone).rowcount > 0


def _twice(self: Mutation, connection: Connection) -> bool:
    """A second row like one there is, under an id of its own."""
    found = rows(connection, self._of)
    if not found:
        return False
    row = dict(self.chance.choice(found))
    for column in self._of.columns:
        if column.primary_key or column.unique:
            kind = _kind(column)
            row[column.key] = uuid4() if kind is UUID else _neutral(column)
    return connection.execute(insert(self._of).values(row)).rowcount > 0


def _trigger(self: Mutation, connection: Connection) -> bool:
    """A trigger that undoes or changes what is written to a column from now on."""
    name, column = self.table, self.column
    if connection.dialect.name == "sqlite":
        whole = ", ".join(f'"{c.name}" = OLD."{c.name}"' for c in self._of.columns)
        undo = self.chance.choice([f'"{column}" = OLD."{column}"', whole])
        key = " AND ".join(f'"{c.name}" = NEW."{c.name}"' for c in self._of.primary_key.columns)
        connection.execute(
            text(
                f'CREATE TRIGGER {self.trigger} AFTER UPDATE ON "{name}" BEGIN'
                f' UPDATE "{name}" SET {undo} WHERE {key}; END'
            )
        )
        return True
    does = self.chance.choice([f'NEW."{column}" = OLD."{column}"; RETURN NEW', "RETURN OLD"])
    body = f"$$ BEGIN {does}; END $$"
    for statement in (
        f"CREATE FUNCTION {self.trigger}() RETURNS trigger AS {body} LANGUAGE plpgsql",
        f'CREATE TRIGGER {self.trigger} BEFORE UPDATE ON "{name}"'
        f" FOR EACH ROW EXECUTE FUNCTION {self.trigger}()",
    ):
        connection.execute(text(statement))
    return True


_MAKE: dict[str, Callable[[Mutation, Connection], bool]] = {
    "swap": _swap,
    "copy": _copy,
    "null": _set(lambda _column, _was: None),
    "zero": _set(lambda column, _was: _empty(column)),
    "future": _set(_far),
    "restore": _restore,
    "delete": _delete,
    "twice": _twice,
    "trigger": _trigger,
}
