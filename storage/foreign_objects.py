"""Finds foreign objects in the database: triggers, rules, policies and views that could drop or
change writes, hide rows, or copy data elsewhere. Our migrations create none of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Table, UniqueConstraint, text
from sqlmodel import SQLModel

_POSTGRESQL = text("""
WITH ours AS (
  SELECT c.oid, c.relname, c.relkind, c.relrowsecurity OR c.relforcerowsecurity AS secured
  FROM pg_class c
  WHERE c.oid IN (SELECT to_regclass(quote_ident(each)) FROM unnest(CAST(:names AS text[])) AS each)
)
SELECT 'a trigger: ' || tgname || ' on ' || relname FROM pg_trigger JOIN ours ON ours.oid = tgrelid
 WHERE NOT tgisinternal
UNION ALL SELECT 'a constraint that is switched off on ' || relname FROM pg_trigger
  JOIN ours ON ours.oid = tgrelid WHERE tgisinternal AND tgenabled IN ('D', 'R')
UNION ALL SELECT 'a constraint that does not hold: ' || conname || ' on ' || relname
  FROM pg_constraint JOIN ours ON ours.oid = conrelid WHERE NOT convalidated
UNION ALL SELECT 'a rule: ' || rulename || ' on ' || relname FROM pg_rewrite
  JOIN ours ON ours.oid = ev_class
UNION ALL SELECT 'a policy: ' || polname || ' on ' || relname FROM pg_policy
  JOIN ours ON ours.oid = polrelid
UNION ALL SELECT 'row security on ' || relname FROM ours WHERE secured
UNION ALL SELECT 'something else in the place of a table: ' || relname FROM ours
  WHERE relkind NOT IN ('r', 'p')
UNION ALL SELECT 'a table that inherits from ' || relname FROM pg_inherits
  JOIN ours ON ours.oid = inhparent WHERE relkind = 'r'
UNION ALL SELECT 'a default that is worked out: ' || attname || ' of ' || relname
  FROM pg_attrdef d JOIN ours ON ours.oid = adrelid
  JOIN pg_attribute a ON a.attrelid = adrelid AND a.attnum = adnum
  WHERE pg_get_expr(adbin, adrelid) LIKE '%(%' AND pg_get_expr(adbin, adrelid) NOT LIKE 'nextval(%'
UNION ALL SELECT 'a second ' || relname || ' in schema ' || nspname FROM pg_class
  JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relname = ANY (CAST(:names AS text[])) AND nspname = ANY (current_schemas(true))
  AND pg_class.oid NOT IN (SELECT oid FROM ours)
UNION ALL SELECT 'a table that is missing: ' || name FROM unnest(CAST(:names AS text[])) AS name
  WHERE to_regclass(quote_ident(name)) IS NULL
UNION ALL SELECT 'a unique index that is missing: ' || name
  FROM unnest(CAST(:unique AS text[])) AS name
  WHERE NOT EXISTS (SELECT FROM pg_index i JOIN ours ON ours.oid = indrelid
    JOIN pg_class c ON c.oid = indexrelid
    WHERE c.relname = name AND indisunique AND indisvalid AND indislive)
UNION ALL SELECT 'an event trigger: ' || evtname FROM pg_event_trigger WHERE evtenabled <> 'D'
UNION ALL SELECT 'the setting session_replication_role'
  WHERE current_setting('session_replication_role') <> 'origin'
ORDER BY 1
""")
_SQLITE = text(
    "SELECT 'a ' || type || ': ' || name || CASE type WHEN 'trigger' THEN ' on ' || tbl_name"
    " ELSE '' END FROM sqlite_master WHERE type IN ('trigger', 'view') UNION ALL"
    " SELECT 'a ' || type || ': ' || name FROM sqlite_temp_master"
    " WHERE type IN ('trigger', 'view', 'table') ORDER BY 1"
)
_SQLITE_NAMES = text("SELECT type, name FROM sqlite_master WHERE type IN ('table', 'index')")


def find_foreign_objects(connection: Connection) -> list[str]:
    """Return descriptions of objects in the database that are not ours, and of missing ones that
    are; empty for a database as our migrations left it."""
    tables = list(SQLModel.metadata.tables.values())
    names, unique = sorted(table.name for table in tables), sorted(_unique_index_names(tables))
    if connection.dialect.name == "postgresql":
        rows = connection.execute(_POSTGRESQL, {"names": names, "unique": unique})
        return [str(row) for row in rows.scalars()]
    existing = {(kind, name) for kind, name in connection.execute(_SQLITE_NAMES)}
    indexes = [
        index for index in unique if not index.startswith("uq_")
    ]  # those are part of the table
    return [
        *(str(row) for row in connection.execute(_SQLITE).scalars()),
        *(f"a table that is missing: {name}" for name in names if ("table", name) not in existing),
        *(
            f"a unique index that is missing: {index}"
            for index in indexes
            if ("index", index) not in existing
        ),
    ]


def _unique_index_names(tables: Sequence[Table]) -> set[str]:
    """Return the names of all unique indexes and constraints."""
    names: set[str] = set()
    for table in tables:
        names.update(str(index.name) for index in table.indexes if index.unique)
        names.update(
            str(constraint.name)
            for constraint in table.constraints
            if isinstance(constraint, UniqueConstraint)
        )
    return names
