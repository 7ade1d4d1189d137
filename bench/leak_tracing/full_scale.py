"""``python -m bench.tracing_full``: traces 1,000 reports among 100 million accesses to 12 million
customers, on a temporary PostgreSQL. Takes 30 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import UUID

from sqlalchemy import create_engine, make_url, text
from sqlmodel import Session, select

from incidents.leak_tracing import access_counts, access_data, service
from incidents.leak_tracing.model_types import epoch_days
from incidents.leak_tracing.tracer import Tracer
from incidents.reports import report_fields, signals
from incidents.reports.models import Report, SignalRecord
from incidents.response import exposure
from storage import statement_timeout
from storage.column_types import new_id
from tests import databases, servers
from vault.audit.models import AuditState

END = datetime(2026, 11, 1, tzinfo=UTC)
DAYS, STAFF, REGIONS = 730, 1000, 20
TAIL = 10_000  # accesses that are not in the tally yet
#: Settings for fast filling; reads use defaults, except for memory, as on any server of this size.
OPTIONS = "-c fsync=off -c full_page_writes=off -c max_wal_size=4GB -c maintenance_work_mem=1GB "
OPTIONS += "-c shared_buffers=2GB -c work_mem=64MB -c max_connections=20 -c max_parallel_workers=2"

_UUID = "lpad(to_hex({}), 32, '0')::uuid"
_WHO = _UUID.format("(4096 + s)::bigint")
_WHOM = _UUID.format("(1048576 + c)::bigint")
_CUSTOMERS = f"""
INSERT INTO customer (id, phone, phone_index, name, locale, timezone, created_at)
SELECT {_WHOM}, '\\x00', int8send(c), '\\x00', 'en', 'Europe/London', :begin
FROM generate_series(0, :customers - 1) AS c
"""
#: Accesses per member of staff and contacts per customer are heavy-tailed; one access in twenty is
#: to a customer of any region.
_LOOKS = f"""
INSERT INTO audit_entry (at, actor, staff_id, action, customer_id, purpose, detail)
SELECT :begin + i * (interval '{DAYS} days' / :looks), 'staff', {_WHO}, 'customer.read', {_WHOM},
       'own day', ''
FROM (SELECT i, s, CASE WHEN random() < 0.95
        THEN (s % {REGIONS}) * (:customers / {REGIONS})
             + floor(:customers / {REGIONS} * power(random(), 1.5))::bigint
        ELSE floor(:customers * random())::bigint END AS c
      FROM (SELECT i, floor({STAFF} * power(random(), 1.7))::bigint AS s
            FROM generate_series(1, :looks) AS i) AS who) AS customers_seen
"""
_FRESH = """
SELECT staff_id, day, count(*) FROM
  (SELECT staff_id, customer_id, floor(extract(epoch FROM min(at)) / 86400)::int AS day
   FROM audit_entry WHERE id <= :mark GROUP BY staff_id, customer_id) AS first
GROUP BY staff_id, day
"""


def main() -> None:
    """Fill, measure, delete."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=100_000_000)
    parser.add_argument("--customers", type=int, default=12_000_000)
    parser.add_argument("--reports", type=int, default=1000)
    chosen = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    with servers.postgresql(OPTIONS) as server:
        url = make_url(server).set(database="tracing").render_as_string(hide_password=False)
        admin = create_engine(server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("CREATE DATABASE tracing"))
        databases.prepare(url)
        store = databases.opened(url)
        _fill(store, chosen.looks, chosen.customers)
        insider = UUID(int=4096 + STAFF // 2)
        _report(store, insider, chosen.reports, chosen.customers)
        _measure(store, insider)
        _exposure(store, insider)
        _keep_up(store, chosen.looks)
        store.engine.dispose()


def _said(what: str, act: Callable[[], object]) -> float:
    begin, own = time.perf_counter(), time.process_time()
    act()
    spent, own = time.perf_counter() - begin, time.process_time() - own
    print(f"{what}: {spent:.2f} s, of it {own:.2f} s of our processor time", flush=True)
    return spent


def _fill(store: databases.Store, looks: int, customers: int) -> None:
    values = {"begin": END - timedelta(days=DAYS), "looks": looks, "customers": customers}

    def run(statement: str) -> None:
        with store.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL work_mem = '1GB'"))
            connection.execute(text(statement), values | {"mark": looks - TAIL})

    indexes = [f"ix_audit_entry_{suffix}" for suffix in ("customer_id", "staff_id", "exposed")]
    with store.engine.connect() as connection:
        definitions = dict(
            connection.execute(
                text("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_entry'")
            ).all()
        )
    for name in indexes:
        run(f"DROP INDEX {name}")
    run("TRUNCATE audit_entry RESTART IDENTITY")
    _said(f"{customers:,} customers", lambda: run(_CUSTOMERS))
    _said(f"{looks:,} looks", lambda: run(_LOOKS))
    for name in indexes:
        _said(name, lambda name=name: run(definitions[name]))
    _said("tally from nothing", lambda: _tally(store, looks - TAIL))
    run(
        "INSERT INTO access_mark (id, entry_id, customers, counted_on)"
        " VALUES (1, :mark, :customers, DATE '2026-11-01')"
    )
    with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("SET statement_timeout = 0"))
        _said("vacuum", lambda: connection.execute(text("VACUUM ANALYZE")))
        for name in ("audit_entry", *indexes, "access_tally"):
            size = connection.execute(
                text("SELECT pg_size_pretty(pg_total_relation_size(:name))"), {"name": name}
            ).scalar_one()
            print(f"{name}: {size}", flush=True)


def _tally(store: databases.Store, upto: int) -> None:
    with store.unit() as session:
        statement_timeout.remove_statement_timeout(session)
        session.connection().execute(text("SET LOCAL work_mem = '1GB'"))
        rows = session.connection().execute(text(_FRESH), {"mark": upto})
        access_counts.add_tally_counts(session, {(who, day): fresh for who, day, fresh in rows})


def _report(store: databases.Store, insider: UUID, reports: int, customers: int) -> None:
    """File reports.

    Two in three are of customers the insider had accessed half a year before the end.
    """
    with store.unit() as session:
        statement_timeout.remove_statement_timeout(session)
        seen = session.connection().execute(
            text(
                "SELECT customer_id FROM (SELECT DISTINCT customer_id FROM audit_entry"
                " WHERE staff_id = :who AND at < :before) AS seen ORDER BY random() LIMIT :count"
            ),
            {"who": insider, "before": END - timedelta(days=180), "count": reports * 2 // 3},
        )
        chosen = [row[0] for row in seen]
        others = session.connection().execute(
            text(f"SELECT {_WHOM} FROM (SELECT floor(:customers * random())::bigint AS c"
                 " FROM generate_series(1, :count)) AS any_of_them"),
            {"customers": customers, "count": reports - len(chosen)},
        )  # fmt: skip
        for n, customer in enumerate([*chosen, *(row[0] for row in others)]):
            _file(session, customer, END - timedelta(days=60) + timedelta(hours=n % 1000))


def _file(session: Session, customer: UUID, at: datetime) -> None:
    row = new_id()
    knew = report_fields.seal_report_field(session, row, "knew", "name,ticket")
    blank = {"phone": b"", "shown_number": b"", "said": b""}
    report = Report(
        id=row,
        reference=f"R{row.int % 10**9:09d}"[:12],
        at=at,
        channel="text",
        proven=True,
        phone_index=row.bytes,
        customer_id=customer,
        called_at=at,
        knew=knew,
        **blank,
    )
    session.add(report)
    session.flush()
    sign = signals.Signal("report", at, "text", True, customer, row.bytes, row)
    signals.record_signal(session, sign)


def _measure(store: databases.Store, insider: UUID) -> None:
    def trace() -> None:
        with store.unit() as session:
            result = service.trace_recent_signals(session, None, END)
            first = result.rows[0]
            assert first.source == str(insider), first

    _said("trace, first", trace)
    times = [_said("trace", trace) for _ in range(7)]
    print(f"trace, median: {median(times):.2f} s")
    with store.unit() as session:
        customers = {row for row in session.exec(select(SignalRecord.customer_id)) if row}
        _said(
            "  of it: who had looked", lambda: access_data.load_first_accesses(session, customers)
        )
        _said("  of it: how many each had seen", lambda: access_data.load_access_records(session))
        sights, records = (
            access_data.load_first_accesses(session, customers),
            access_data.load_access_records(session),
        )
        tracer = Tracer(records, epoch_days(END))
        calls = [
            service.call_from_signal(signal, None)
            for signal in signals.list_recent_signals(session, END - service.LOOKBACK)
        ]
        for call in calls[1:]:
            tracer.add_report(call, sights.get(call.customer, {}))
        _said(
            "one more report",
            lambda: tracer.add_report(calls[0], sights.get(calls[0].customer, {})),
        )
        _said("its posterior", tracer.compute_posterior)


def _exposure(store: databases.Store, insider: UUID) -> None:
    """Measure the exposure of the insider's access: count, first page and a later page of ids."""
    since = END - timedelta(days=DAYS)
    with store.unit() as session:
        total = exposure.count_exposed_customers(session, insider, since, END)
        _said(
            f"{total:,} exposed, counted",
            lambda: exposure.count_exposed_customers(session, insider, since, END),
        )
        first = exposure.list_exposed_ids(session, insider, since, END, None, 200)
        _said(
            "the next 200 of them",
            lambda: exposure.list_exposed_ids(session, insider, since, END, first[-1], 200),
        )


def _keep_up(store: databases.Store, looks: int) -> None:
    """Measure the worker's cost per access."""
    with store.unit() as session:
        session.add(AuditState(settled_id=looks, next_at=END))

    def once() -> None:
        with store.unit() as session:
            access_counts.update_access_tally(session, END)

    spent = _said(f"tally of {TAIL:,} more looks", once)
    print(f"a look: {1e6 * spent / TAIL:.0f} microseconds")
    with store.unit() as session:
        statement_timeout.remove_statement_timeout(session)
        _said(
            "count of customers, once a day",
            lambda: access_counts.count_unerased_customers(session),
        )


if __name__ == "__main__":
    main()
