"""Statements of the check path, compiled once."""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError, NoResultFound, OperationalError
from sqlalchemy.types import TypeEngine

from storage.session import Work


class NotKept(OperationalError):
    """The database did not keep what it was given, and said nothing: it counts as out of reach."""

    def __init__(self, sql: str) -> None:
        reason = sqlite3.DatabaseError("the database did not keep a row as it was written")
        super().__init__(sql, None, reason, hide_parameters=True)


class Prepared:
    """A statement of the check path, compiled once and run on the driver's own cursor.

    SQLAlchemy writes the SQL and converts the values, here as elsewhere. Left out is what it sets
    up anew for each execution, which takes longer than the database does.
    ``names`` are the columns an INSERT is given.
    """

    def __init__(
        self, statement: Select[Any] | Insert | Update, names: Sequence[str] | None = None
    ) -> None:
        self._statement = statement
        self._names = names
        self._forms: dict[str, _Form] = {}

    def one(self, work: Work, values: Mapping[str, Any]) -> Any:
        """The first row, with its columns by name. Raises ``NoResultFound``."""
        found = self.first(work, values)
        if found is None:
            raise NoResultFound("a row was expected")
        return found

    def first(self, work: Work, values: Mapping[str, Any]) -> Any:
        """The first row, or ``None``."""
        form, cursor = self._begun(work)
        with _as_sqlalchemy_says(work.connection(), form):
            form.execute(work.connection(), cursor, values)
            found = cursor.fetchone()
        cursor.close()
        return None if found is None else form.row(found)

    def last(self, work: Work, values: Mapping[str, Any]) -> Any:
        """The last row, with its columns by name. Raises ``NoResultFound``."""
        form, cursor = self._begun(work)
        with _as_sqlalchemy_says(work.connection(), form):
            form.execute(work.connection(), cursor, values)
            found = cursor.fetchall()
        cursor.close()
        if not found:
            raise NoResultFound("a row was expected")
        return form.row(found[-1])

    def run(self, work: Work, values: Mapping[str, Any]) -> None:
        """Without an answer."""
        form, cursor = self._begun(work)
        with _as_sqlalchemy_says(work.connection(), form):
            form.execute(work.connection(), cursor, values)
        cursor.close()

    def kept(self, work: Work, values: Mapping[str, Any]) -> None:
        """An INSERT that returns the columns it is given. Raises :class:`NotKept` when what the
        database wrote is anything else: a trigger or a rule can drop a row, or change it."""
        form, cursor = self._begun(work)
        with _as_sqlalchemy_says(work.connection(), form):
            bound = form.execute(work.connection(), cursor, values)
            found = cursor.fetchall()
        cursor.close()
        # PostgreSQL's driver gives back what it was given; SQLite knows no ids and no times.
        given = tuple(values[n] for n in form.columns) if form.order is None else bound
        if len(found) != 1 or tuple(found[0]) != tuple(given):
            raise NotKept(form.sql)

    def _begun(self, work: Work) -> tuple[_Form, Any]:
        connection = work.connection()
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _form(self._statement, self._names, dialect)
        return form, connection.connection.cursor()


@contextmanager
def _as_sqlalchemy_says(connection: Connection, form: _Form) -> Iterator[None]:
    """Raise what SQLAlchemy does, so that the edge knows a store that is out of reach; a
    connection that was lost is not used again, nor are those that were idle at that time."""
    try:
        yield
    except form.error as error:
        dialect = connection.dialect
        if dialect.is_disconnect(error, connection.connection, None):
            connection.invalidate(error)
            connection.engine.dispose()
        raise DBAPIError.instance(
            form.sql, None, error, form.error, hide_parameters=True, dialect=dialect
        ) from error


_Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class _Form:
    """A statement as one database understands it. ``fixed`` are the values it brings along,
    ``order`` is that of its values where they go by place."""

    sql: str
    fixed: Mapping[str, Any]
    order: Sequence[str] | None
    inward: Sequence[tuple[str, _Convert]]
    outward: Sequence[tuple[int, _Convert]]
    row_type: Any
    error: Any
    #: What it returns, by name.
    columns: Sequence[str]

    def execute(self, connection: Connection, cursor: Any, values: Mapping[str, Any]) -> Any:
        """Gives the values as the driver got them."""
        bound = self.bound(values)
        for listener in connection.dispatch.before_cursor_execute:
            listener(connection, cursor, self.sql, bound, None, False)
        cursor.execute(self.sql, bound)
        for listener in connection.dispatch.after_cursor_execute:
            listener(connection, cursor, self.sql, bound, None, False)
        return bound

    def bound(self, values: Mapping[str, Any]) -> Any:
        full = {**self.fixed, **values}
        for name, convert in self.inward:
            full[name] = convert(full[name])
        return full if self.order is None else [full[name] for name in self.order]

    def row(self, found: Sequence[Any]) -> Any:
        values = list(found)
        for place, convert in self.outward:
            values[place] = convert(values[place])
        return self.row_type(*values)


def _form(
    statement: Select[Any] | Insert | Update, names: Sequence[str] | None, dialect: Dialect
) -> _Form:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(names) if names else None)
    columns = list(statement.exported_columns)
    inward = {name: _inward(compiled.binds[name].type, dialect) for name in compiled.params}
    outward = [_outward(column.type, dialect) for column in columns]
    return _Form(
        sql=compiled.string,
        fixed={name: value for name, value in compiled.params.items() if value is not None},
        order=compiled.positiontup,
        inward=[(name, convert) for name, convert in inward.items() if convert],
        outward=[(place, convert) for place, convert in enumerate(outward) if convert],
        row_type=namedtuple("Row", [str(column.key) for column in columns]),
        error=dialect.loaded_dbapi.Error,
        columns=[str(column.key) for column in columns],
    )


def _inward(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _outward(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
