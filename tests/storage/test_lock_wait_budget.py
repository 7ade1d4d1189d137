"""A request waits for all its locks together as long as it may for one (rule F1)."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from storage import statement_timeout
from storage.compiled_statements import CompiledStatement
from storage.engine import make_engine
from storage.lock_wait_budget import with_deadline
from storage.session import core_transaction, transaction
from tests import databases

#: Two of these are too long, one is not.
SLEEP = text("SELECT pg_sleep(0.3)")


@pytest.fixture
def engine(postgresql_server):
    with databases.postgresql_copy(postgresql_server) as url:
        made = make_engine(url, wait_seconds=0.5)
        yield made
        made.dispose()


def test_what_a_request_has_waited_is_taken_off_its_next_wait(engine):
    with pytest.raises(DBAPIError), transaction(with_deadline(engine)) as session:
        session.connection().execute(SLEEP)
        session.connection().execute(SLEEP)


def test_so_it_is_on_the_path_of_a_check(engine):
    sleep = CompiledStatement(select(text("pg_sleep(0.3)")))
    with pytest.raises(DBAPIError), core_transaction(with_deadline(engine), {}) as work:
        sleep.run_without_result(work, {})
        sleep.run_without_result(work, {})


def test_the_next_request_over_the_same_connection_starts_again(engine):
    for _ in range(3):
        with transaction(with_deadline(engine)) as session:
            session.connection().execute(SLEEP)


def test_what_was_undone_to_a_savepoint_has_been_waited_too(engine):
    with pytest.raises(DBAPIError), transaction(with_deadline(engine)) as session:
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            session.connection().execute(SLEEP)
            raise ZeroDivisionError
        session.connection().execute(SLEEP)


def test_jobs_and_requests_that_take_time_may_wait_each_time(engine):
    with transaction(engine) as session:
        session.connection().execute(SLEEP)
        session.connection().execute(SLEEP)
    with transaction(with_deadline(engine)) as session:
        statement_timeout.remove_statement_timeout(session)
        session.connection().execute(SLEEP)
        session.connection().execute(SLEEP)


def test_who_takes_time_for_a_while_is_bound_again_after_it(engine):
    with pytest.raises(DBAPIError), transaction(with_deadline(engine)) as session:
        with statement_timeout.extended_timeout(session):
            session.connection().execute(SLEEP)
            session.connection().execute(SLEEP)
        session.connection().execute(SLEEP)
        session.connection().execute(SLEEP)


def test_what_was_waited_before_it_took_its_time_counts_on(engine):
    with pytest.raises(DBAPIError), transaction(with_deadline(engine)) as session:
        session.connection().execute(SLEEP)
        with statement_timeout.extended_timeout(session):
            session.connection().execute(SLEEP)
        session.connection().execute(SLEEP)


def test_nobody_takes_time_without_end(engine):
    with transaction(with_deadline(engine)) as session, statement_timeout.extended_timeout(session):
        found = session.connection().execute(text("SHOW statement_timeout")).scalar_one()
    assert found == f"{statement_timeout.EXTENDED_SECONDS}s"


def test_a_statement_that_fails_after_its_wait_has_waited_too(engine):
    fails = text("SELECT 1 / length(pg_sleep(0.3)::text)")
    with pytest.raises(DBAPIError, match="timeout"), transaction(with_deadline(engine)) as session:
        with pytest.raises(DBAPIError, match="zero"), session.begin_nested():
            session.connection().execute(fails)
        session.connection().execute(SLEEP)
