"""Inserts years of customers and calls inside the database, one call per customer.

The sealed columns hold random bytes of the right length, since nobody opens them; ids, indexes,
references and states are realistic. A million customers take under two minutes.
"""

from __future__ import annotations

import time
from uuid import UUID

from sqlalchemy import Connection, text

YEARS_MS = 5 * 365 * 86_400_000

_ROWS = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
    " SELECT :now - abs(random()) % :span AS ms FROM n)",
    "postgresql": "(SELECT :now - floor(random() * :span)::bigint AS ms"
    " FROM generate_series(1, :count)) AS n",
}
_PAST = "CREATE TEMP TABLE past AS SELECT ms, {id} AS who, {id} AS what, {id} AS code FROM {rows}"
_INSERTS = (
    "INSERT INTO customer (id, phone, phone_index, name, locale, timezone, created_at)"
    " SELECT who, {b42}, {b16}, {b40}, 'en', 'Europe/London', {at} FROM past",
    "INSERT INTO data_key (owner_id, wrapped) SELECT who, {b75} FROM past",
    "INSERT INTO callback (id, customer_id, agent_id, starts_at, minutes, ends_at, state, topic,"
    " ticket, ticket_index, booked_at, started_at, ended_at, outcome)"
    " SELECT what, who, :agent, {at}, 15, {at}, 'ended', {b40}, {b40}, {b16}, {at}, {at}, {at},"
    " 'reached' FROM past",
    "INSERT INTO code (id, phone_index, callback_id, customer_id, digits, counter, reissued,"
    " valid_from, valid_until, tries_open, tries_own, tries_ignored, closed_at)"
    " SELECT code, {b16}, what, who, 6, 0, 0, {at}, {at}, 0, 0, 0, {at} FROM past",
    "INSERT INTO audit_entry (at, actor, staff_id, action, customer_id, callback_id, purpose,"
    " detail) SELECT {at}, 'staff', :agent, action, who, what, 'in the call', '' FROM past"
    " CROSS JOIN (SELECT 'callback.book' AS action UNION ALL SELECT 'callback.start'"
    " UNION ALL SELECT 'callback.end') AS actions",
)


def add(connection: Connection, agent: UUID, count: int) -> None:
    """Add ``count`` customers, each with one call by ``agent``, spread over five years."""
    kind = connection.dialect.name
    words = _sqlite() if kind == "sqlite" else _postgresql()
    values = {"agent": agent.hex if kind == "sqlite" else agent}
    connection.execute(
        text(_PAST.format(rows=_ROWS[kind], **words)),
        {"count": count, "now": time.time_ns() // 1_000_000, "span": YEARS_MS},
    )
    for insert in _INSERTS:
        statement = text(insert.format(**words))
        connection.execute(statement, values if ":agent" in insert else {})
    connection.execute(text("DROP TABLE past"))


def _sqlite() -> dict[str, str]:
    return {
        "id": "printf('%012x7', ms) || substr(lower(hex(randomblob(2))), 1, 3) || '8'"
        " || substr(lower(hex(randomblob(8))), 1, 15)",
        "at": "strftime('%Y-%m-%d %H\\:%M\\:%S.000000', ms / 1000, 'unixepoch')",
        **{f"b{length}": f"randomblob({length})" for length in (16, 40, 42, 75)},
    }


def _postgresql() -> dict[str, str]:
    some = "md5(random()\\:\\:text)"
    return {
        "id": f"(lpad(to_hex(ms), 12, '0') || '7' || left({some}, 3) || '8' || left({some}, 15))"
        "\\:\\:uuid",
        "at": "to_timestamp(ms / 1000.0)",
        **{
            f"b{length}": f"decode(left({' || '.join([some] * -(-length // 16))}, {length * 2}),"
            " 'hex')"
            for length in (16, 40, 42, 75)
        },
    }
