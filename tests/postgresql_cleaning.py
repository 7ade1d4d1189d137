"""Makes a PostgreSQL database that a test has used like the prepared one again."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
_SEQUENCES = "SELECT relname FROM pg_class WHERE relkind = 'S'"
#: Whatever a test could have changed of tables, columns, keys, indexes, triggers, rights, settings.
_SHAPE = (
    "SELECT attrelid::regclass::text, attname, atttypid, attnotnull, atthasdef, attisdropped"
    " FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
    " WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2",
    "SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    "SELECT tgname, tgrelid::regclass::text, tgenabled FROM pg_trigger WHERE NOT tgisinternal"
    " ORDER BY 1, 2",
    "SELECT relname, relacl::text, relrowsecurity FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
    "SELECT setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()),"
    " setconfig::text FROM pg_db_role_setting ORDER BY 1, 2",
    "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
)


Rows = list[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]


def clean(server: str, url: str, template: str) -> bool:
    """Empty its tables and set its sequences back, once whoever is still connected is thrown out.
    False when it is not what the prepared one is, or does not let itself be emptied."""
    try:
        _throw_out(server, make_url(url).database or "")
        engine = create_engine(url, connect_args={"options": "-c lock_timeout=2000"})
        with engine.begin() as connection:
            shape, rows = _prepared(template)
            same = _shape(connection) == shape
            if same:
                _refill(connection, rows)
        engine.dispose()
    except DBAPIError:
        return False
    return same


def _throw_out(server: str, name: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": name},
        )
    engine.dispose()


def _refill(connection: Connection, rows: Rows) -> None:
    """Empty every table, and put into it what the migrations and the first keys did."""
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    for table, columns, values in rows:
        connection.execute(text(f'DELETE FROM "{table}"'))
        if values:
            names = ", ".join(f'"{name}"' for name in columns)
            binds = ", ".join(f":v{n}" for n in range(len(columns)))
            connection.execute(
                text(f'INSERT INTO "{table}" ({names}) VALUES ({binds})'),
                [{f"v{n}": value for n, value in enumerate(row)} for row in values],
            )
    for sequence in connection.execute(text(_SEQUENCES)).scalars().all():
        connection.execute(text(f'ALTER SEQUENCE "{sequence}" RESTART'))


def _shape(connection: Connection) -> list[Any]:
    return [connection.execute(text(each)).all() for each in _SHAPE]


@cache
def _prepared(template: str) -> tuple[list[Any], Rows]:
    engine = create_engine(template)
    with engine.connect() as connection:
        rows = []
        for table in connection.execute(text(_TABLES)).scalars().all():
            found = connection.execute(text(f'SELECT * FROM "{table}"'))
            rows.append((table, tuple(found.keys()), [tuple(row) for row in found]))
        shape = _shape(connection)
    engine.dispose()
    return shape, rows
