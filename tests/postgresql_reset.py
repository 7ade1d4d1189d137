"""Makes a PostgreSQL database that a test has used like the prepared one again."""

from __future__ import annotations

from functools import cache
from typing import Any

import psycopg
from psycopg import Connection, sql
from sqlalchemy import make_url

#: Whatever a test could have changed of tables, columns, keys, indexes, triggers, rights, settings,
#: as one short sum.
_SHAPE = """
SELECT md5(string_agg(row, E'\\n' ORDER BY row)) FROM (
  SELECT concat_ws('|', attrelid::regclass, attname, atttypid, attnotnull, atthasdef, attisdropped)
  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
  WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws('|', conname, conrelid::regclass, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws('|', indexname, indexdef) FROM pg_indexes WHERE schemaname = 'public'
  UNION ALL SELECT concat_ws('|', tgname, tgrelid::regclass, tgenabled) FROM pg_trigger
  WHERE NOT tgisinternal OR tgenabled <> 'O'
  UNION ALL SELECT concat_ws('|', tablename, rulename) FROM pg_rules WHERE schemaname = 'public'
  UNION ALL SELECT concat_ws('|', tablename, policyname) FROM pg_policies
  UNION ALL SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'
  UNION ALL SELECT concat_ws('|', relname, relacl, relrowsecurity) FROM pg_class
  WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws('|', setconfig) FROM pg_db_role_setting
  WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
  UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
) AS shape (row)
"""
_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
_SEQUENCES = "SELECT relname FROM pg_class WHERE relkind = 'S'"
_THROW_OUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def clean(url: str, template: str) -> bool:
    """Disconnect all other clients, empty the tables and reset the sequences.
    Return False if its schema differs from the template or it cannot be emptied."""
    try:
        with psycopg.connect(_address(url), options="-c lock_timeout=2000") as connection:
            connection.execute(_THROW_OUT)
            shape, refill = _prepared(template)
            same = _shape(connection) == shape
            if same:
                connection.execute(refill)
    except psycopg.Error:
        return False
    return same


def _address(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _shape(connection: Connection[Any]) -> str:
    found = connection.execute(_SHAPE).fetchone()
    return str(found and found[0])


@cache
def _prepared(template: str) -> tuple[str, bytes]:
    """The shape of the prepared database, and the statements that empty every table and put into it
    what the migrations and the first keys did: all in one, since each way there and back counts."""
    parts: list[sql.Composable] = [sql.SQL("SET LOCAL session_replication_role = replica")]
    with psycopg.connect(_address(template)) as connection:
        for (name,) in connection.execute(_TABLES).fetchall():
            parts.append(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
            rows = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))
            parts += _insert(name, rows.fetchall())
        for (name,) in connection.execute(_SEQUENCES).fetchall():
            parts.append(sql.SQL("ALTER SEQUENCE {} RESTART").format(sql.Identifier(name)))
        return _shape(connection), sql.SQL(";").join(parts).as_bytes(connection)


def _insert(table: str, rows: list[tuple[Any, ...]]) -> list[sql.Composable]:
    if not rows:
        return []
    values = (sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, row))) for row in rows)
    into = sql.SQL("INSERT INTO {} VALUES ").format(sql.Identifier(table))
    return [into + sql.SQL(", ").join(values)]
