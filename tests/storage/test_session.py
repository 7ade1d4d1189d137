"""A unit of work is kept whole or not at all, and an unavailable store says so in time."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, NoResultFound, OperationalError
from sqlmodel import select

from messaging.models import Heartbeat, InboundText
from storage.compiled_statements import CompiledStatement
from storage.engine import make_engine
from storage.session import StoreUnavailable, core_transaction, summarise_store_error, transaction
from tests import databases, factories
from tests.processes import at_once
from tests.servers import free_port

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TABLE = Heartbeat.__table__


class Stopped(BaseException):
    """Something that is not even an error, like Ctrl-C."""


@pytest.mark.parametrize("problem", [ValueError, Stopped, KeyboardInterrupt])
@pytest.mark.parametrize("flushed", [True, False])
def test_whatever_ends_it_early_nothing_is_kept(store, problem, flushed):
    with pytest.raises(problem), store.unit() as session:
        session.add(Heartbeat(name="x", at=NOW))
        if flushed:
            session.flush()
        raise problem
    assert store.all(select(Heartbeat)) == []
    with store.unit() as session:  # the connection is good for the next
        session.add(Heartbeat(name="x", at=NOW))
    assert len(store.all(select(Heartbeat))) == 1


def test_a_failed_core_unit_keeps_nothing(store):
    with pytest.raises(ValueError, match="x"), core_transaction(store.engine, {}) as work:
        work.connection().execute(TABLE.insert().values(name="x", at=NOW))
        raise ValueError("x")
    assert store.all(select(Heartbeat)) == []


def test_what_is_refused_inside_does_not_end_the_rest(store):
    with store.unit() as session:
        session.add(Heartbeat(name="x", at=NOW))
        session.flush()
        with pytest.raises(IntegrityError), session.begin_nested():
            session.connection().execute(TABLE.insert().values(name="x", at=NOW))
        session.add(Heartbeat(name="y", at=NOW))
    assert {row.name for row in store.all(select(Heartbeat))} == {"x", "y"}


def test_an_error_never_shows_what_was_stored(store):
    row = {"provider_id": "SM1", "sender_index": b"+447400123456", "word": "x" * 5000}
    row |= {"received_at": NOW}
    for _ in range(2):
        try:
            with store.unit() as session:
                session.connection().execute(InboundText.__table__.insert().values(**row))
        except StoreUnavailable as told:
            assert "7400123456" not in str(told)
            assert "xxxxx" not in str(told)
            assert "xxxxx" not in repr(told)
            break
    else:
        pytest.fail("nothing was refused")


def test_a_prepared_statement_gives_and_refuses_what_the_plain_one_does(store):
    select_one = CompiledStatement(select(TABLE.c.name, TABLE.c.at).where(TABLE.c.name == "x"))
    insert = CompiledStatement(TABLE.insert().inline(), ("name", "at"))
    with core_transaction(store.engine, {}) as work:
        with pytest.raises(NoResultFound):
            select_one.fetch_one_row(work, {})
        insert.run_without_result(work, {"name": "x", "at": NOW})
        found = select_one.fetch_one_row(work, {})
        assert (found.name, found.at) == ("x", NOW)
    with pytest.raises(IntegrityError), core_transaction(store.engine, {}) as work:
        insert.run_without_result(work, {"name": "x", "at": NOW})
    with pytest.raises(ValueError, match="zone"), core_transaction(store.engine, {}) as work:
        insert.run_without_result(work, {"name": "y", "at": NOW.replace(tzinfo=None)})


def test_counts_by_many_processes_at_once_add_up(store):
    with store.unit() as session:
        who = factories.an_agent(session, NOW)

    def add() -> None:
        from people.models import Staff

        mine = databases.opened(store.url, wait_seconds=60)
        for _ in range(10):
            with mine.unit() as session:
                row = session.exec(select(Staff).where(Staff.id == who.id).with_for_update()).one()
                row.totp_last_step += 1
                session.add(row)

    at_once([add] * 6, lambda: store.engine.dispose(close=False))
    with store.unit() as session:
        assert session.exec(text("SELECT totp_last_step FROM staff")).scalar() == 60


def test_a_lock_that_is_not_given_up_is_an_error_in_time(store):
    with store.unit() as session:
        factories.an_agent(session, NOW)
    impatient = databases.opened(store.url, wait_seconds=0.3)
    lock = text("UPDATE staff SET active = active")
    with store.engine.begin() as holder:
        holder.execute(lock)
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable), impatient.engine.begin() as other:
            other.execute(lock)
        assert time.monotonic() - begun < 5
    with impatient.engine.begin() as other:
        other.execute(lock)


def test_a_reader_does_not_wait_for_a_writer(store):
    with store.unit() as session:
        session.add(Heartbeat(name="x", at=NOW))
        session.flush()
        with transaction(store.engine, read_only=True) as reader:
            assert reader.exec(select(Heartbeat)).all() == []


def test_a_server_that_is_away_is_a_store_out_of_reach():
    url = f"postgresql+psycopg://x@127.0.0.1:{free_port()}/x"
    with pytest.raises(StoreUnavailable), transaction(make_engine(url, wait_seconds=1)) as session:
        session.exec(select(Heartbeat))


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql://x/y", "postgresql+psycopg2://x/y"])
def test_another_kind_of_database_is_refused(url):
    with pytest.raises((ValueError, ImportError)):
        make_engine(url)


def test_the_log_is_told_why_a_store_is_out_of_reach_and_nothing_of_what_it_keeps():
    driver = Exception("database is locked\nDETAIL: more")
    assert summarise_store_error(OperationalError("SELECT 1", {}, driver)) == "database is locked"
    told = Exception("Key (phone)=(+447400123456) already exists.")
    assert summarise_store_error(IntegrityError("INSERT", {}, told)) == "IntegrityError"
