"""Precompiled statements for the check path."""

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

from storage.session import UnitOfWork


class RowNotKept(OperationalError):
    """The database did not store what it was given and reported no error; handled as
    unreachable."""

    def __init__(self, sql: str) -> None:
        reason = sqlite3.DatabaseError("the database did not keep a row as it was written")
        super().__init__(sql, None, reason, hide_parameters=True)


class CompiledStatement:
    """A statement of the check path, compiled once and run on the driver's own cursor.

    SQLAlchemy writes the SQL and converts the values. Its setup for each execution is skipped,
    because it takes longer than the database itself. ``names`` are the columns that an INSERT is
    given.
    """

    def __init__(
        self, statement: Select[Any] | Insert | Update, names: Sequence[str] | None = None
    ) -> None:
        self._statement = statement
        self._names = names
        self._forms: dict[str, _DialectForm] = {}

    def fetch_one_row(self, work: UnitOfWork, values: Mapping[str, Any]) -> Any:
        """Return the first row, with its columns by name. Raises ``NoResultFound``."""
        row = self.fetch_first_row(work, values)
        if row is None:
            raise NoResultFound("a row was expected")
        return row

    def fetch_first_row(self, work: UnitOfWork, values: Mapping[str, Any]) -> Any:
        """Return the first row, or ``None``."""
        form, cursor = self._open_cursor(work)
        with _raise_as_sqlalchemy(work.connection(), form):
            form.execute_with_listeners(work.connection(), cursor, values)
            row = cursor.fetchone()
        cursor.close()
        return None if row is None else form.convert_row(row)

    def fetch_rows(self, work: UnitOfWork, values: Mapping[str, Any]) -> list[Any]:
        """Return all rows, with their columns by name. Raises ``NoResultFound`` without any."""
        form, cursor = self._open_cursor(work)
        with _raise_as_sqlalchemy(work.connection(), form):
            form.execute_with_listeners(work.connection(), cursor, values)
            rows = cursor.fetchall()
        cursor.close()
        if not rows:
            raise NoResultFound("a row was expected")
        return [form.convert_row(row) for row in rows]

    def run_without_result(self, work: UnitOfWork, values: Mapping[str, Any]) -> None:
        """Execute the statement and return nothing."""
        form, cursor = self._open_cursor(work)
        with _raise_as_sqlalchemy(work.connection(), form):
            form.execute_with_listeners(work.connection(), cursor, values)
        cursor.close()

    def insert_and_verify(self, work: UnitOfWork, values: Mapping[str, Any]) -> None:
        """Execute an INSERT that returns the columns it is given. Raises :class:`RowNotKept` if the
        database stored anything else: a trigger or a rule can drop or change a row."""
        form, cursor = self._open_cursor(work)
        with _raise_as_sqlalchemy(work.connection(), form):
            bound = form.execute_with_listeners(work.connection(), cursor, values)
            rows = cursor.fetchall()
        cursor.close()
        # PostgreSQL's driver returns the types it was given; SQLite has none for ids and times.
        expected = tuple(values[n] for n in form.columns) if form.order is None else bound
        if len(rows) != 1 or tuple(rows[0]) != tuple(expected):
            raise RowNotKept(form.sql)

    def _open_cursor(self, work: UnitOfWork) -> tuple[_DialectForm, Any]:
        connection = work.connection()
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _compile_for_dialect(
                self._statement, self._names, dialect
            )
        return form, connection.connection.cursor()


@contextmanager
def _raise_as_sqlalchemy(connection: Connection, form: _DialectForm) -> Iterator[None]:
    """Raise driver errors as SQLAlchemy does, so that the channels recognise an unreachable
    database. After a lost connection, discard it and the idle ones of the pool."""
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


_Converter = Callable[[Any], Any]


@dataclass(frozen=True)
class _DialectForm:
    """A statement compiled for a dialect. ``fixed`` are the values that it includes; ``order`` is
    the order of its values if they are positional."""

    sql: str
    fixed: Mapping[str, Any]
    order: Sequence[str] | None
    inward: Sequence[tuple[str, _Converter]]
    outward: Sequence[tuple[int, _Converter]]
    row_type: Any
    error: Any
    #: The columns that it returns, by name.
    columns: Sequence[str]

    def execute_with_listeners(
        self, connection: Connection, cursor: Any, values: Mapping[str, Any]
    ) -> Any:
        """Execute the statement with SQLAlchemy's event listeners; return the values as the driver
        got them."""
        bound = self.bind_values(values)
        for listener in connection.dispatch.before_cursor_execute:
            listener(connection, cursor, self.sql, bound, None, False)
        cursor.execute(self.sql, bound)
        for listener in connection.dispatch.after_cursor_execute:
            listener(connection, cursor, self.sql, bound, None, False)
        return bound

    def bind_values(self, values: Mapping[str, Any]) -> Any:
        full = {**self.fixed, **values}
        for name, convert in self.inward:
            full[name] = convert(full[name])
        return full if self.order is None else [full[name] for name in self.order]

    def convert_row(self, found: Sequence[Any]) -> Any:
        values = list(found)
        for place, convert in self.outward:
            values[place] = convert(values[place])
        return self.row_type(*values)


def _compile_for_dialect(
    statement: Select[Any] | Insert | Update, names: Sequence[str] | None, dialect: Dialect
) -> _DialectForm:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(names) if names else None)
    columns = list(statement.exported_columns)
    inward = {name: _bind_converter(compiled.binds[name].type, dialect) for name in compiled.params}
    outward = [_result_converter(column.type, dialect) for column in columns]
    return _DialectForm(
        sql=compiled.string,
        fixed={name: value for name, value in compiled.params.items() if value is not None},
        order=compiled.positiontup,
        inward=[(name, convert) for name, convert in inward.items() if convert],
        outward=[(place, convert) for place, convert in enumerate(outward) if convert],
        row_type=namedtuple("Row", [str(column.key) for column in columns]),
        error=dialect.loaded_dbapi.Error,
        columns=[str(column.key) for column in columns],
    )


def _bind_converter(kind: TypeEngine[Any], dialect: Dialect) -> _Converter | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _result_converter(kind: TypeEngine[Any], dialect: Dialect) -> _Converter | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
