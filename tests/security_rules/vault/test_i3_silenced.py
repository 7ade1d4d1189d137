"""I3, I6: who can write to the database but has no key removes no entry undetected."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import LargeBinary, String, delete, func, insert, select, update
from sqlmodel import Session

from incidents.anomaly_detection.log_integrity import LogIntegrityJob
from incidents.cases.models import Case
from messaging.models import Heartbeat
from storage import foreign_objects
from storage.column_types import UtcDateTime, new_id
from storage.compiled_statements import RowNotKept
from storage.session import StoreUnavailable, core_transaction
from tests import databases
from tests.channels.support import a_token, booking
from tests.security_rules.support import outages
from vault.audit import audit_log, checkpoints, heartbeats, log_state, log_verification, sequencer
from vault.audit.checkpoint_job import CheckpointJob
from vault.audit.models import (
    AuditCheckpoint,
    AuditPublication,
    AuditRun,
    AuditState,
    AuditTile,
    AuditWriter,
)
from vault.audit.row_macs import LogTampered
from vault.audit.signed_notes import Checkpoint, open_checkpoint
from vault.destinations import Destination
from vault.keys import keyring
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ORIGIN = "bank.example/vouchline"
ENTRY = AuditEntry.__table__
EVA, OTHER = new_id(), new_id()


def write(store: databases.Store, count: int = 1, who: Any = EVA, now: datetime = NOW) -> None:
    with store.unit() as session:
        for _ in range(count):
            audit_log.record_act(
                session, audit_log.staff_actor(who), "customer.read", now, customer_id=new_id()
            )


def take_in(store: databases.Store, now: datetime = NOW) -> None:
    with store.unit() as session:
        while sequencer.sequence_entries(session, now) == sequencer.BATCH_SIZE:
            pass


def point(store: databases.Store, now: datetime = NOW) -> Checkpoint:
    with store.unit() as session:
        note = checkpoints.create_checkpoint(session, ORIGIN, now).note
        return open_checkpoint(note, checkpoints.log_signer(session, ORIGIN).verifier)


def found(store: databases.Store, *known: Checkpoint, now: datetime | None = None):
    with store.unit(read_only=True) as session:
        return log_verification.verify_log(session, known, now=now)


def bad(store: databases.Store, *known: Checkpoint, now: datetime | None = None) -> str:
    return found(store, *known, now=now).bad


def run(store: databases.Store, *statements: str) -> None:
    """What somebody does who has the database and nothing else."""
    with store.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def trigger(store: databases.Store, when: str, body: str, condition: str = "") -> None:
    """A trigger on entries; ``body`` for each database, ``condition`` for both."""
    if store.kind == "sqlite":
        only = f"WHEN {condition}" if condition else ""
        run(store, f"CREATE TRIGGER quiet {when} INSERT ON audit_entry {only} BEGIN {body}; END")
        return
    run(
        store,
        f"CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$",
        f"CREATE TRIGGER quiet {when} INSERT ON audit_entry FOR EACH ROW"
        f" {f'WHEN ({condition})' if condition else ''} EXECUTE FUNCTION quiet()",
    )


def untrigger(store: databases.Store) -> None:
    run(store, "DROP TRIGGER quiet" + (" ON audit_entry" * (store.kind == "postgresql")))


def drop(store: databases.Store, condition: str = "") -> None:
    """Entries vanish before they are written."""
    sqlite = store.kind == "sqlite"
    trigger(store, "BEFORE", "SELECT RAISE(IGNORE)" if sqlite else "RETURN NULL;", condition)


def of_eva(store: databases.Store) -> str:
    form = f"'{EVA.hex}'" if store.kind == "sqlite" else f"'{EVA}'"
    return f"NEW.staff_id = {form}"


def after_delete(store: databases.Store) -> None:
    gone = "DELETE FROM audit_entry WHERE id = NEW.id"
    trigger(store, "AFTER", gone if store.kind == "sqlite" else f"{gone}; RETURN NULL;")


def after_change(store: databases.Store) -> None:
    form = f"'{OTHER.hex}'" if store.kind == "sqlite" else f"'{OTHER}'"
    changed = f"UPDATE audit_entry SET staff_id = {form} WHERE id = NEW.id"
    trigger(store, "AFTER", changed if store.kind == "sqlite" else f"{changed}; RETURN NULL;")


def put(store: databases.Store, act: Callable[[Session], object]) -> None:
    with store.unit() as session:
        act(session)


# --- A write that nobody confirms


@pytest.mark.parametrize("partial", [False, True])
def test_an_entry_that_a_trigger_drops_fails_the_act(store, partial):
    """Was red on c916469."""
    drop(store, of_eva(store) if partial else "")
    for write_one in (_one, _core, _many):
        with pytest.raises(StoreUnavailable):
            write_one(store, EVA)
    if partial:
        _one(store, OTHER)
    assert store.all(select(func.count()).select_from(ENTRY)) == [(int(partial),)]


def _one(store: databases.Store, who: Any) -> None:
    write(store, 1, who)


def _core(store: databases.Store, who: Any) -> None:
    with core_transaction(store.engine, keyring.keyring_session_info(store.ring)) as work:
        audit_log.record_act(work, audit_log.staff_actor(who), "check", NOW)


def _many(store: databases.Store, who: Any) -> None:
    with store.unit() as session:
        about = [(new_id(), None) for _ in range(5)]
        audit_log.record_act_per_customer(
            session, audit_log.staff_actor(who), "x.y", NOW, about=about, purpose="z"
        )


def test_an_entry_that_is_changed_on_its_way_in_fails_the_act(store):
    """Was red on c916469. SQLite's triggers can only change it afterwards."""
    if store.kind == "sqlite":
        return
    trigger(store, "BEFORE", f"NEW.staff_id := '{OTHER}'; RETURN NEW;")
    for write_one in (_one, _core, _many):
        with pytest.raises(RowNotKept):
            write_one(store, EVA)


def test_a_rule_that_swallows_entries_fails_the_act(store):
    """Was red on c916469."""
    if store.kind == "sqlite":
        return
    run(store, "CREATE RULE quiet AS ON INSERT TO audit_entry DO INSTEAD NOTHING")
    for write_one in (_one, _core, _many):
        with pytest.raises(StoreUnavailable):
            write_one(store, EVA)


def test_a_trigger_for_one_member_of_staff_shows_them_nothing(app, client, database):
    """Was red on c916469: the page was shown, and no entry told of it."""
    headers = a_token(app)
    there = databases.opened(database)
    drop(there, "NEW.staff_id IS NOT NULL")
    answer = client.post("/api/v1/callbacks", json=booking(app, 60), headers=headers)
    assert answer.status_code == 503
    assert "Gwen" not in answer.text
    there.engine.dispose()


@pytest.mark.parametrize("attack", [after_delete, after_change])
def test_what_a_trigger_does_after_the_write_is_found(store, attack):
    """Was red on c916469; also when the trigger was there between two verifications only."""
    write(store, 3)
    attack(store)
    for write_one in (_one, _core, _many):
        write_one(store, EVA)
    untrigger(store)
    write(store, 3)
    assert bad(store)
    take_in(store)
    assert bad(store, point(store))


# --- Entries that are removed later


@pytest.mark.parametrize("seconds", [1, 30, 90])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("placed", [False, True])
def test_an_entry_that_is_deleted_soon_after_is_found(store, seconds, last, placed):
    """Was red on c916469 where it had no place yet, and where its place went with it."""
    write(store, 3)
    take_in(store)
    known = point(store)
    write(store, 3)
    ids = [row[0] for row in store.all(select(ENTRY.c.id).order_by(ENTRY.c.id))]
    now = NOW + timedelta(seconds=seconds)
    if placed:
        take_in(store, now)
    put(store, lambda s: s.exec(delete(AuditEntry).where(ENTRY.c.id == ids[-1 if last else -2])))
    assert bad(store, known, now=now)
    if not placed:
        take_in(store, now)
    assert bad(store, known, now=now)


def test_an_edit_a_copy_and_a_stranger_are_found_before_they_have_a_place(store):
    """Was red on c916469."""
    write(store, 5)
    row = dict(store.all(select(ENTRY).order_by(ENTRY.c.id))[2]._mapping)
    assert bad(store) == ""
    changes = [
        lambda s: s.exec(update(AuditEntry).where(ENTRY.c.id == row["id"]).values(purpose="own")),
        lambda s: s.exec(update(AuditEntry).where(ENTRY.c.id == row["id"]).values(mark=None)),
        lambda s: s.exec(insert(AuditEntry).values(**{**row, "id": 10**6})),
        lambda s: s.exec(
            insert(AuditEntry).values(at=NOW, actor="x", action="y", purpose="", detail="")
        ),
    ]
    for change in changes:
        with store.unit() as session:
            change(session)
            session.flush()
            assert log_verification.verify_log(session, []).bad
            session.rollback()
    assert bad(store) == ""


class Process:
    """Another process that writes entries, until it is let go or killed."""

    def __init__(
        self, store: databases.Store, work: Callable[[databases.Store, Any], None]
    ) -> None:
        ready, done = os.pipe()
        self._wait, self._go = os.pipe()
        store.engine.dispose()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                own = databases.opened(store.url)
                writer = own.ring.get_entry_writer()
                info = keyring.keyring_session_info(own.ring)
                work(own, heartbeats.WriterHeartbeat(own.engine, info, lambda: NOW, "web", writer))
                os.write(done, b"x")
                os.read(self._wait, 1)
            finally:
                os._exit(0)
        os.close(done)
        assert os.read(ready, 1) == b"x"

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def let_go(self) -> None:
        os.write(self._go, b"x")
        os.waitpid(self._pid, 0)


def living(store: databases.Store, said: heartbeats.WriterHeartbeat) -> None:
    write(store, 5)
    assert said.send_heartbeat("alive")
    write(store, 2)


def ended(store: databases.Store, said: heartbeats.WriterHeartbeat) -> None:
    living(store, said)
    said.send_last_heartbeat()


def test_a_process_that_is_killed_is_told_of_with_its_window(store):
    """It reports neither that the log is good nor that it is bad."""
    Process(store, living).kill()
    assert found(store).ends == ()  # it may live for all we know
    later = found(store, now=NOW + timedelta(minutes=5))
    assert later.bad == ""
    (end,) = later.ends
    assert "10:00:00 UTC" in end.sentence
    assert "web" in end.sentence
    assert not end.told


def test_what_a_killed_process_had_said_of_is_missed(store):
    """Was red on c916469."""
    Process(store, living).kill()
    ids = [row[0] for row in store.all(select(ENTRY.c.id).order_by(ENTRY.c.id))]
    put(store, lambda s: s.exec(delete(AuditEntry).where(ENTRY.c.id == ids[4])))
    assert "number 5" in bad(store)


@pytest.mark.parametrize("how", ["row deleted", "row restored", "row kept"])
def test_last_entries_that_are_cut_with_their_last_word_are_told_of(store, how):
    """Was red on c916469."""
    old: list[dict[str, Any]] = []

    def work(own: databases.Store, said: heartbeats.WriterHeartbeat) -> None:
        living(own, said)
        own.engine.dispose()

    made = Process(store, work)
    old = [dict(row._mapping) for row in store.all(select(AuditWriter.__table__))]
    made.kill()
    Process(store, ended).let_go()
    new = [row for row in store.all(select(AuditWriter.__table__)) if row.id != old[0]["id"]]
    assert [row.state for row in new] == ["ended"]
    mine = store.all(select(ENTRY.c.id).where(ENTRY.c.writer == new[0].id).order_by(ENTRY.c.id))
    with store.unit() as session:
        session.exec(delete(AuditEntry).where(ENTRY.c.id.in_([row[0] for row in mine[-2:]])))
        if how != "row kept":
            session.exec(delete(AuditWriter).where(AuditWriter.__table__.c.id == new[0].id))
        if how == "row restored":  # that of somebody else under another name
            session.exec(insert(AuditWriter).values(**{**old[0], "id": new[0].id}))
    told = found(store, now=NOW + timedelta(minutes=5))
    assert told.bad or len(told.ends) == 2


def test_a_process_that_ends_leaves_nothing_unexplained(store):
    Process(store, ended).let_go()
    later = found(store, now=NOW + timedelta(days=1))
    assert (later.bad, later.ends) == ("", ())


def test_a_process_that_was_lost_is_told_of_in_the_log_once(store, clock):
    Process(store, living).kill()
    clock.now = NOW + timedelta(minutes=5)
    for _ in range(3):
        LogIntegrityJob(
            store.engine, keyring.keyring_session_info(store.ring), clock
        ).check_log_integrity()
    (end,) = found(store, now=clock.now).ends
    assert end.told
    told = store.all(select(func.count()).select_from(ENTRY).where(ENTRY.c.action == "log.lost"))
    assert told == [(1,)]
    assert [row.kind for row in store.all(select(Case.__table__))] == ["log"]


@pytest.mark.parametrize(
    "column", [c.name for c in AuditWriter.__table__.columns if c.name != "id"]
)
def test_what_a_writer_said_is_sealed(store, column):
    """Was red on c916469, which had no such thing."""
    write(store, 5)
    info = keyring.keyring_session_info(store.ring)
    assert heartbeats.WriterHeartbeat(
        store.engine, info, lambda: NOW, "web", store.ring.get_entry_writer()
    ).send_heartbeat("ended")
    values = {column: _other(AuditWriter, column)}
    put(store, lambda s: s.exec(update(AuditWriter).values(**values)))
    assert bad(store)


# --- Bookkeeping that nobody signs


def _other(model: Any, column: str, ahead: bool = True) -> Any:
    kind = model.__table__.c[column].type
    if isinstance(kind, UtcDateTime):
        return NOW + timedelta(days=3650 if ahead else -3650)
    if isinstance(kind, LargeBinary):
        return b"\x01" * 16
    if isinstance(kind, String):
        return "1-9"
    return 4_000_000_000_000 if ahead else 3


STATE = [c.name for c in AuditState.__table__.columns if c.name != "id"]


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("column", STATE)
def test_a_state_that_was_set_stops_the_log_with_an_alarm(store, column, ahead):
    """Was red on c916469."""
    write(store, 5)
    take_in(store)
    put(
        store,
        lambda s: s.exec(update(AuditState).values(**{column: _other(AuditState, column, ahead)})),
    )
    write(store, 5)
    with store.unit() as session, pytest.raises(LogTampered):
        sequencer.sequence_entries(session, NOW + timedelta(minutes=1))
    assert bad(store)


@pytest.mark.parametrize("how", ["delete", "new", "old"])
def test_a_state_that_was_deleted_or_put_back_stops_the_log(store, how):
    """Was red on c916469."""
    write(store, 5)
    take_in(store)
    was = dict(store.all(select(AuditState.__table__))[0]._mapping)
    write(store, 5)
    take_in(store)
    point(store)
    with store.unit() as session:
        session.exec(delete(AuditState))
        if how == "new":
            session.exec(
                insert(AuditState).values(
                    id=1, settled_id=0, next_id=0, next_at=NOW, size=0, unmarked_id=0
                )
            )
        if how == "old":
            session.exec(insert(AuditState).values(**was))
    with store.unit() as session, pytest.raises(LogTampered):
        sequencer.sequence_entries(session, NOW)
    assert bad(store)


@pytest.mark.parametrize("column", ["place", "first_id", "count", "mark"])
@pytest.mark.parametrize("ahead", [True, False])
def test_an_order_that_was_changed_stops_the_log(store, column, ahead):
    """Was red on c916469: a run that says to hold all ids kept every later entry out."""
    write(store, 5)
    take_in(store)
    put(
        store,
        lambda s: s.exec(update(AuditRun).values(**{column: _other(AuditRun, column, ahead)})),
    )
    write(store, 5)
    with store.unit() as session, pytest.raises(LogTampered):
        sequencer.sequence_entries(session, NOW)
    assert bad(store)


def test_an_order_that_was_added_to_stops_the_log(store):
    """Was red on c916469."""
    write(store, 5)
    take_in(store)
    put(store, lambda s: s.exec(insert(AuditRun).values(place=10**9, first_id=6, count=10**9)))
    write(store, 5)
    with store.unit() as session, pytest.raises(LogTampered):
        sequencer.sequence_entries(session, NOW)
    assert bad(store)


def test_the_whole_log_put_back_is_found_by_what_a_worker_remembers(store, clock):
    """Was red on c916469. What is not remembered, an old checkpoint finds."""
    job = CheckpointJob(ORIGIN, [], store.engine, keyring.keyring_session_info(store.ring), clock)
    write(store, 5)
    job.run_safely()
    tables = (AuditEntry, AuditRun, AuditTile, AuditState, AuditCheckpoint)
    was = {
        table: [dict(r._mapping) for r in store.all(select(table.__table__))] for table in tables
    }
    write(store, 5)
    clock.now += timedelta(minutes=1)
    job.run_safely()
    known = point(store, clock.now)
    with store.unit() as session:
        for table in reversed(tables):
            session.exec(delete(table))
        for table in tables:
            session.exec(insert(table), params=was[table])
    write(store, 2)
    job.run_safely()
    assert store.all(select(AuditState.__table__.c.size)) == [(5,)]  # it does not advance
    assert bad(store, known)
    assert bad(store)  # and what this process wrote it knows


def test_what_is_noted_of_checkpoints_is_sealed(store, clock):
    """Was red on c916469: a size set far ahead, and no checkpoint left any more."""
    sent = []
    place = Destination("box", timedelta(0), lambda note: sent.append(note.body))
    job = CheckpointJob(
        ORIGIN, [place], store.engine, keyring.keyring_session_info(store.ring), clock
    )
    for column in ("size", "at", "failed_at", "error", "mark"):
        write(store)
        clock.now += timedelta(minutes=1)
        job.run_safely()
        before = len(sent)
        values = {column: _other(AuditPublication, column)}
        put(store, lambda s, values=values: s.exec(update(AuditPublication).values(**values)))
        write(store)
        clock.now += timedelta(minutes=1)
        job.run_safely()
        assert len(sent) > before, column


@pytest.mark.parametrize("column", ["at", "size", "note"])
def test_a_checkpoint_that_was_changed_keeps_none_from_being_made(store, clock, column):
    """Was red on c916469: a time far ahead, and none was signed any more. What was not signed by
    us stops the log instead, with an alarm."""
    job = CheckpointJob(ORIGIN, [], store.engine, keyring.keyring_session_info(store.ring), clock)
    write(store)
    job.run_safely()
    values = {column: _other(AuditCheckpoint, column)}
    put(store, lambda s: s.exec(update(AuditCheckpoint).values(**values)))
    write(store)
    clock.now += timedelta(minutes=1)
    job.run_safely()
    made = store.all(select(func.count()).select_from(AuditCheckpoint))[0][0]
    if column == "at":
        assert made == 2
    else:
        with store.unit() as session, pytest.raises(LogTampered):
            checkpoints.create_checkpoint(session, ORIGIN, clock.now)


def test_what_is_there_at_the_upgrade_is_sealed_once(store):
    """Earlier entries have no mark; later ones without are strangers'."""
    write(store, 3)
    take_in(store)
    with store.unit() as session:
        session.exec(update(AuditEntry).values(mark=None, writer=None, number=None, void=None))
        for item in (AuditRun, AuditTile, AuditCheckpoint, AuditState):
            session.exec(delete(item))
    made = databases.opened(store.url)
    with made.unit() as session:
        log_state.add_macs_to_earlier_rows(session)
    assert bad(made) == ""
    write(made, 3)
    take_in(made)
    assert bad(made, point(made)) == ""
    with made.unit() as session:
        session.exec(update(AuditEntry).where(ENTRY.c.id == 5).values(mark=None))
        assert log_verification.verify_log(session, []).bad


# --- Alarms

STRANGERS = {
    "sqlite": {
        "before": "CREATE TRIGGER q BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(IGNORE); END",
        "other table": "CREATE TRIGGER q AFTER UPDATE ON code BEGIN SELECT 1; END",
        "view": "CREATE VIEW q AS SELECT * FROM customer",
        "index": "DROP INDEX ix_case_evidence_case_id_kind_ref",
    },
    "postgresql": {
        "policy": "CREATE POLICY q ON audit_entry USING (false)",
        "row security": "ALTER TABLE customer ENABLE ROW LEVEL SECURITY",
        "rule": "CREATE RULE q AS ON UPDATE TO audit_state DO INSTEAD NOTHING",
        "default": "ALTER TABLE audit_entry ALTER purpose SET DEFAULT lower('X')",
        "off": "ALTER TABLE case_evidence DISABLE TRIGGER ALL",
        "schema": "CREATE SCHEMA postgres; CREATE TABLE postgres.audit_entry (id int)",
        "index": "DROP INDEX ix_case_evidence_case_id_kind_ref",
        "unvalidated": "ALTER TABLE code ADD CONSTRAINT q CHECK (tries_open > 99) NOT VALID",
        "inherits": "CREATE TABLE q () INHERITS (audit_entry)",
    },
}


@pytest.mark.parametrize("kind", sorted({*STRANGERS["sqlite"], *STRANGERS["postgresql"]}))
def test_what_is_none_of_ours_in_the_store_is_told_of(store, kind):
    """Was red on c916469."""
    with store.engine.connect() as connection:
        assert foreign_objects.find_foreign_objects(connection) == []
    statement = STRANGERS[store.kind].get(kind)
    if statement is None:
        return
    run(store, *statement.split("; ") if store.kind == "postgresql" else [statement])
    store.engine.dispose()
    with store.engine.connect() as connection:
        assert foreign_objects.find_foreign_objects(connection)
    watch = LogIntegrityJob(store.engine, keyring.keyring_session_info(store.ring), lambda: NOW)
    if kind in ("view", "index", "inherits", "default", "other table"):
        assert watch.check_log_integrity()
        (case,) = store.all(select(Case.__table__))
        assert case.kind == "log"


def test_doctor_readyz_and_metrics_tell_of_a_trigger_and_of_an_entry_without_a_place(
    app, client, database, clock
):
    """Was red on c916469: ``/readyz`` said that all parts are ok."""
    there = databases.opened(database)
    take_in(there, clock.now)
    with there.unit() as session:
        session.merge(Heartbeat(name="worker", at=clock.now))
    assert client.get("/readyz").json["parts"]["audit_log"] == "ok"
    assert "vouchline_audit_log_faults 0.0" in client.get("/metrics").text
    write(there, 1, now=clock.now)
    assert client.get("/readyz").json["parts"]["audit_log"] == "ok"
    clock.now += timedelta(minutes=3)
    assert "doctor" in client.get("/readyz").json["parts"]["audit_log"]
    take_in(there, clock.now)
    assert client.get("/readyz").json["parts"]["audit_log"] == "ok"
    after_delete(there)
    assert "doctor" in client.get("/readyz").json["parts"]["audit_log"]
    assert "vouchline_audit_log_faults 1.0" in client.get("/metrics").text
    assert "quiet" in app.test_cli_runner().invoke(args=["doctor"]).output
    untrigger(there)
    run(there, "UPDATE audit_state SET settled_id = 4000000000000")
    assert "doctor" in client.get("/readyz").json["parts"]["audit_log"]
    assert "state of the audit log" in app.test_cli_runner().invoke(args=["doctor"]).output
    there.engine.dispose()


def test_the_command_says_it_in_a_sentence(app, database, clock):
    """Was red on c916469: an entry without a place was deleted, and verification was good."""
    headers = a_token(app)
    app.test_client().post("/api/v1/callbacks", json=booking(app, 60), headers=headers)
    there = databases.opened(database)
    cli = app.test_cli_runner()
    assert cli.invoke(args=["audit", "checkpoint"]).exit_code == 0
    assert "Good" in cli.invoke(args=["audit", "verify"]).output
    a_token(app, email="eva@example.org")
    with there.unit() as session:
        last = session.exec(select(func.max(ENTRY.c.id))).scalar_one()
        session.exec(delete(AuditEntry).where(ENTRY.c.id == last))
    told = cli.invoke(args=["audit", "verify"])
    assert told.exit_code == 1
    assert "missing" in told.output
    there.engine.dispose()


@pytest.mark.parametrize("seconds", [1, 30, 90])
def test_the_worker_finds_what_is_deleted_within_a_minute_and_raises_one_case(
    store, clock, seconds
):
    """Was red on c916469."""
    watch = LogIntegrityJob(store.engine, keyring.keyring_session_info(store.ring), clock)
    made = databases.opened(store.url)
    write(made, 5, now=clock.now)
    take_in(store, clock.now)
    assert watch.check_log_integrity() == []
    write(made, 5, now=clock.now)
    for _ in range(seconds // 30):
        clock.now += timedelta(seconds=30)
        take_in(store, clock.now)
        assert watch.check_log_integrity() == []
    last = store.all(select(func.max(ENTRY.c.id)))[0][0]
    put(store, lambda s: s.exec(delete(AuditEntry).where(ENTRY.c.id == last)))
    clock.now += timedelta(minutes=1)
    assert watch.check_log_integrity() != []
    watch.check_log_integrity()
    assert [row.kind for row in store.all(select(Case.__table__))] == ["log"]


# --- Honest use


class Undone(Exception):
    pass


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["keep", "undo", "nested", "many", "core", "core undo", "beat", "take in"]),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=25,
)


def _verifies_after(store, acts) -> None:
    for act, count in acts:
        _honest(store, act, count)
        assert bad(store) == ""
    take_in(store)
    assert found(store, point(store)).ends == ()


_CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=8, deadline=None, suppress_health_check=_CHECKS)
@given(acts=ACTS)
def test_honest_work_with_whatever_is_rolled_back_verifies(store, acts):
    _verifies_after(store, acts)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@settings(max_examples=50, deadline=None, suppress_health_check=_CHECKS)
@given(acts=ACTS)
def test_long_honest_work_with_whatever_is_rolled_back_verifies(store, acts):
    _verifies_after(store, acts)


def _honest(store: databases.Store, act: str, count: int) -> None:
    info = keyring.keyring_session_info(store.ring)
    if act == "beat":
        heartbeats.WriterHeartbeat(
            store.engine, info, lambda: NOW, "web", store.ring.get_entry_writer()
        ).send_heartbeat("alive")
    elif act == "take in":
        take_in(store)
    elif act.startswith("core"):
        try:
            with core_transaction(store.engine, info) as work:
                audit_log.record_act(work, audit_log.CUSTOMER, "check", NOW)
                if act == "core undo":
                    raise Undone
        except Undone:
            pass
    else:
        try:
            with store.unit() as session:
                _inside(session, act, count)
        except Undone:
            pass


def _inside(session: Session, act: str, count: int) -> None:
    audit_log.record_act(session, audit_log.SYSTEM, "x.y", NOW)
    if act == "many":
        about = [(new_id(), None)] * count
        audit_log.record_act_per_customer(
            session, audit_log.SYSTEM, "x.y", NOW, about=about, purpose="z"
        )
    if act == "nested":
        for n in range(count):
            try:
                with session.begin_nested():
                    audit_log.record_act(session, audit_log.SYSTEM, "x.nested", NOW)
                    if n % 2 == 0:
                        raise Undone
            except Undone:
                pass
        audit_log.record_act(session, audit_log.SYSTEM, "x.z", NOW)
    if act == "undo":
        raise Undone


@pytest.mark.both
def test_threads_and_shared_commits_with_failures_verify_at_any_moment(store):
    def work(seed: int) -> None:
        for n in range(25):
            _honest(store, ["keep", "undo", "nested", "core", "core undo"][(seed + n) % 5], 2)

    with ThreadPoolExecutor(8) as hands:
        jobs = [hands.submit(work, n) for n in range(8)]
        while not all(job.done() for job in jobs):
            assert bad(store) == ""
        for job in jobs:
            job.result()
    take_in(store)
    assert bad(store, point(store)) == ""
    said = heartbeats.WriterHeartbeat(
        store.engine,
        keyring.keyring_session_info(store.ring),
        lambda: NOW,
        "web",
        store.ring.get_entry_writer(),
    )
    assert said.send_heartbeat("alive")
    (row,) = store.all(select(AuditWriter.__table__))
    assert row.open == ""


def test_commits_that_fail_leave_no_false_alarm(store):
    """A connection that is lost at the commit, a store that refuses it."""
    write(store, 3)
    outages.refuse_commits(store)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            write(store, 2)
    run(store, "DROP TRIGGER late" + (" ON audit_entry" * (store.kind == "postgresql")))
    if store.kind == "postgresql":
        with pytest.raises(StoreUnavailable), store.unit() as session:
            audit_log.record_act(session, audit_log.SYSTEM, "x.y", NOW)
            pid = session.connection().connection.dbapi_connection.info.backend_pid
            outages.terminate(databases.opened(store.url), pid)
    write(store, 3)
    assert bad(store) == ""
