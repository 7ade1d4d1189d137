"""Migrations: up and down, once however many begin, and no further than the models say."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlmodel import Session

import app  # noqa: F401  (so that every table is known)
from incidents.leak_tracing import access_counts
from storage import migrate
from storage.engine import make_engine
from tests import databases
from tests.processes import at_once


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, tmp_path):
    """The address of a database without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'store.sqlite3'}"
        return
    with databases.postgresql_copy(request.getfixturevalue("postgresql_server")) as url:
        with create_engine(url).begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        yield url


def tables(url: str) -> set[str]:
    return set(inspect(create_engine(url)).get_table_names()) - {"alembic_version"}


def test_an_empty_store_is_brought_to_what_the_models_say_and_back(empty):
    engine = make_engine(empty)
    with engine.connect() as connection:
        assert migrate.current_revision(connection) is None
    migrate.upgrade_store(engine)
    assert migrate.find_schema_drift(engine) == []
    assert "callback" in tables(empty)
    with engine.connect() as connection:
        assert migrate.current_revision(connection) == migrate.head_revision() != ""
    migrate.upgrade_store(engine)
    migrate.downgrade_store(engine)
    assert tables(empty) == set()
    migrate.upgrade_store(engine)
    assert migrate.find_schema_drift(engine) == []


def test_processes_that_upgrade_at_once_do_it_once(empty):
    def upgrade() -> str:
        engine = make_engine(empty, wait_seconds=60)
        migrate.upgrade_store(engine)
        with engine.connect() as connection:
            return str(migrate.current_revision(connection))

    assert set(at_once([upgrade] * 4, lambda: None)) == {migrate.head_revision()}
    engine = make_engine(empty)
    assert migrate.find_schema_drift(engine) == []
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(empty):
    engine = make_engine(empty)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE outbox_message (id integer)"))
    with pytest.raises(Exception, match="outbox_message"):
        migrate.upgrade_store(engine)
    assert tables(empty) == {"outbox_message"}
    with engine.connect() as connection:
        assert migrate.current_revision(connection) is None


def test_a_store_that_differs_is_noticed(store):
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE heartbeat ADD COLUMN extra integer"))
    assert [item[0] for item in migrate.find_schema_drift(store.engine)] == ["remove_column"]


def test_the_folder_of_a_new_store_is_its_owners_alone(tmp_path):
    path = tmp_path / "instance" / "store.sqlite3"
    migrate.upgrade_store(make_engine(f"sqlite:///{path}"))
    assert Path(path).parent.stat().st_mode & 0o077 == 0


def test_texts_survive_the_way_up_and_down(empty):
    engine = make_engine(empty)
    migrate.upgrade_store(engine, "0001")
    row = {"a": uuid4().hex, "c": uuid4().hex, "at": "2026-11-24 10:00:00+00:00"}
    with engine.begin() as connection:
        for state, extra in (
            ("queued", "NULL, NULL"),
            ("sending", ":at, NULL"),
            ("sent", "NULL, :at"),
        ):
            connection.execute(
                text(
                    "INSERT INTO outbox_message (id, customer_id, kind, recipient, body, state,"
                    " due_at, expires_at, tries, created_at, leased_until, sent_at) VALUES"
                    f" (:id, :c, 'booked', :b, :b, :state, :at, :at, 0, :at, {extra})"
                ),
                {**row, "id": uuid4().hex, "state": state, "b": b"x"},
            )
    migrate.upgrade_store(engine)
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT state, priority, segments, settled_at FROM outbox_message ORDER BY state")
        ).all()
    assert [item[:3] for item in found] == [("queued", 5, 1), ("sending", 5, 1), ("sent", 5, 1)]
    assert [item[3] is not None for item in found] == [False, False, True]
    migrate.downgrade_store(engine, "0001")
    with engine.connect() as connection:
        count = "SELECT count(*), count(sent_at), count(leased_until) FROM outbox_message"
        assert connection.execute(text(count)).one() == (3, 1, 1)


def test_the_tally_survives_being_read_by_blocks(empty):
    engine, who = make_engine(empty), uuid4()
    migrate.upgrade_store(engine, "0025")
    days = {20_000: 3, 20_031: 1, 20_032: 70_000, 20_480: 2}
    with engine.begin() as connection:
        for day, fresh in days.items():
            connection.execute(
                text("INSERT INTO access_tally (staff_id, day, fresh) VALUES (:who, :day, :fresh)"),
                {"who": who.hex, "day": day, "fresh": fresh},
            )
    migrate.upgrade_store(engine)
    with Session(engine) as session:
        found = access_counts.load_daily_first_accesses(session)
    assert {day: n for day, n in zip(found.span, found.fresh[who], strict=True) if n} == days
    migrate.downgrade_store(engine, "0025")
    migrate.upgrade_store(engine)
    assert migrate.find_schema_drift(engine) == []


def test_an_earlier_request_gets_its_case_and_a_joined_one_the_names_of_the_other(empty):
    engine = make_engine(empty)
    migrate.upgrade_store(engine, "0027")
    ids = {name: uuid4().hex for name in ("goes_on", "joined", "ivo", "ines", "asked", "role")}
    at = "2026-11-24 10:00:00+00:00"
    with engine.begin() as connection:
        for name in ("ivo", "ines"):
            connection.execute(text(_A_MEMBER), {"id": ids[name], "at": at, "b": name.encode()})
        for name, outcome in (("goes_on", None), ("joined", "joined")):
            row = {"id": ids[name], "ref": name[:8], "outcome": outcome, "at": at}
            connection.execute(text(_A_CASE), row)
        of_case = {"a": ids["goes_on"], "b": ids["joined"], "ines": ids["ines"], "at": at}
        connection.execute(text("INSERT INTO case_subject VALUES (:a, :ines)"), of_case)
        connection.execute(text(_EVIDENCE), {**of_case, "id": uuid4().hex})
        for kind, name in (("suspend", "asked"), ("staff.role", "role")):
            row = {"id": ids[name], "kind": kind, "by": ids["ivo"], "at": at, "b": b"x"}
            connection.execute(text(_A_REQUEST), row)
        step = {"id": uuid4().hex, "case": ids["goes_on"], "by": ids["ivo"], "at": at, "b": b"x"}
        connection.execute(text(_A_STEP), step)
    migrate.upgrade_store(engine)
    with engine.connect() as connection:
        requests = connection.execute(text("SELECT id, case_id FROM approval_request")).all()
        named = connection.execute(text("SELECT case_id, staff_id FROM case_subject")).all()
    plain = {_hex(one): case and _hex(case) for one, case in requests}
    assert plain == {ids["asked"]: ids["goes_on"], ids["role"]: None}
    both = {(ids["goes_on"], ids["ines"]), (ids["joined"], ids["ines"])}
    assert {(_hex(case), _hex(who)) for case, who in named} == both
    migrate.downgrade_store(engine, "0027")
    migrate.upgrade_store(engine)
    assert migrate.find_schema_drift(engine) == []


def _hex(value: object) -> str:
    return str(value).replace("-", "")


_A_MEMBER = (
    "INSERT INTO staff (id, role, email, email_index, name, timezone, active, demo, created_at)"
    " VALUES (:id, 'investigator', :b, :b, :b, 'UTC', true, false, :at)"
)
_A_CASE = (
    "INSERT INTO incident_case (id, reference, kind, state, opened_at, changed_at, outcome)"
    " VALUES (:id, :ref, 'calls', 'closed', :at, :at, :outcome)"
)
_EVIDENCE = (
    "INSERT INTO case_evidence (id, case_id, kind, ref, from_case_id, at, facts)"
    " VALUES (:id, :a, 'report', 'x', :b, :at, '{}')"
)
_A_REQUEST = (
    "INSERT INTO approval_request (id, kind, state, payload, reason, digest, asked_by, asked_at,"
    " expires_at) VALUES (:id, :kind, 'asked', :b, :b, '', :by, :at, :at)"
)
_A_STEP = (
    "INSERT INTO case_step (id, case_id, at, actor, staff_id, kind, words)"
    " VALUES (:id, :case, :at, 'staff', :by, 'asked', :b)"
)
