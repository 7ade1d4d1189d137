"""Short units that share a commit: each is kept whole or fails alone."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import event, text
from sqlmodel import select

from messaging.models import Heartbeat
from people.credential_models import RecoveryCode
from storage.group_commit import find_group_commit
from storage.session import StoreUnavailable, core_transaction
from tests import databases

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TABLE = Heartbeat.__table__
SOON = 20


class Shared:
    """A store of SQLite, and units that are made to share: one holds its turn until the others
    have come."""

    def __init__(self, engine) -> None:
        self.engine, self.ends, self.commits = engine, {}, 0
        event.listen(engine, "commit", self._count)

    def _count(self, _connection) -> None:
        self.commits += 1

    def waiting(self) -> int:
        return len(find_group_commit(self.engine)._coming)

    def begin(self, name, act=lambda work: None) -> threading.Thread:
        """A unit in a thread of its own that inserts a row called ``name``, then acts."""

        def unit() -> None:
            try:
                with core_transaction(self.engine, {}) as work:
                    insert(work, name)
                    act(work)
                self.ends[name] = "kept"
            except Exception as error:
                self.ends[name] = error

        thread = threading.Thread(target=unit, daemon=True)
        thread.start()
        return thread

    def together(self, **acts) -> None:
        """Run units that come while another holds its turn, one after the other."""
        threads = []
        with core_transaction(self.engine, {}) as work:
            insert(work, "holder")
            for count, (name, act) in enumerate(acts.items(), 1):
                threads.append(self.begin(name, act))
                until(lambda count=count: self.waiting() == count)
        for thread in threads:
            thread.join(SOON)

    def rows(self) -> set[str]:
        with core_transaction(self.engine, {}) as work:
            return set(work.connection().execute(select(TABLE.c.name)).scalars())


def insert(work, name: str) -> None:
    work.connection().execute(TABLE.insert().values(name=name, at=NOW))


def until(true) -> None:
    late = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < late, "it never came"
        time.sleep(0.001)


def nothing(_work) -> None:
    pass


def fail(_work) -> None:
    raise ValueError("x")


def break_commit(work) -> None:
    """Leave behind what can be written but not committed."""
    work.connection().execute(text("PRAGMA defer_foreign_keys = ON"))
    nobodys = RecoveryCode.__table__.insert()
    work.connection().execute(nobodys.values(id=uuid4(), staff_id=uuid4(), code_hash=b"x"))


def roll_back_all(work) -> None:
    """As SQLite does by itself when the disk is full."""
    work.connection().execute(
        text("INSERT OR ROLLBACK INTO heartbeat (name, at) VALUES ('holder', '2026-11-24')")
    )


def lose_the_connection(work) -> None:
    work.connection().connection.dbapi_connection.close()


def swallow(work) -> None:
    with pytest.raises(StoreUnavailable):
        roll_back_all(work)


@pytest.fixture
def sharing(tmp_path, sqlite_template):
    """Makes the store, which gives up on a turn after so many seconds."""
    url = databases.sqlite_copy(sqlite_template, tmp_path)
    return lambda wait_seconds: Shared(databases.opened(url, wait_seconds=wait_seconds).engine)


@pytest.fixture
def shared(sharing):
    return sharing(SOON)


def test_those_that_come_at_once_share_a_commit(shared):
    shared.together(a=nothing, b=nothing, c=nothing)
    assert shared.commits == 1
    assert set(shared.ends.values()) == {"kept"}
    assert shared.rows() == {"holder", "a", "b", "c"}


def test_a_commit_takes_sixteen_at_most(shared):
    names = [f"n{number}" for number in range(20)]
    shared.together(**dict.fromkeys(names, nothing))
    assert shared.commits == 2
    assert shared.rows() == {"holder", *names}


def test_one_that_fails_is_undone_alone(shared):
    shared.together(a=nothing, b=fail, c=nothing)
    assert shared.rows() == {"holder", "a", "c"}
    assert isinstance(shared.ends["b"], ValueError)
    assert shared.ends["a"] == shared.ends["c"] == "kept"


def test_the_first_that_fails_takes_nobody_with_it(shared):
    threads = []
    with pytest.raises(ValueError, match="x"), core_transaction(shared.engine, {}) as work:
        insert(work, "holder")
        threads.append(shared.begin("a"))
        until(lambda: shared.waiting() == 1)
        fail(work)
    threads[0].join(SOON)
    assert shared.rows() == {"a"}


@pytest.mark.parametrize("act", [break_commit, roll_back_all, swallow])
def test_when_the_commit_fails_all_of_it_fails(shared, act):
    with pytest.raises(StoreUnavailable):
        shared.together(a=nothing, b=act)
    until(lambda: len(shared.ends) == 2)
    assert isinstance(shared.ends.pop("b"), StoreUnavailable)
    # Who comes after one that rolled everything back is served by itself; turns have no order.
    kept = {name for name, end in shared.ends.items() if end == "kept"}
    assert kept == set() or act is not break_commit
    assert shared.rows() == kept
    shared.together(next=nothing)  # and the next are served
    assert shared.rows() == {*kept, "holder", "next"}


@pytest.mark.parametrize("act", [break_commit, swallow])
def test_one_alone_fails_with_its_commit_too(shared, act):
    with pytest.raises(StoreUnavailable), core_transaction(shared.engine, {}) as work:
        insert(work, "holder")
        act(work)
    assert shared.rows() == set()


@pytest.mark.parametrize("alone", [True, False])
def test_a_lost_connection_keeps_nobody_else_out(shared, alone):
    with pytest.raises(StoreUnavailable):
        if alone:
            with core_transaction(shared.engine, {}) as work:
                lose_the_connection(work)
        else:
            shared.together(a=lose_the_connection)
    assert not find_group_commit(shared.engine)._turn.locked()
    assert shared.engine.pool.checkedout() == 0
    shared.together(next=nothing)
    assert shared.rows() == {"holder", "next"}


def test_nobody_is_answered_before_the_commit(shared):
    go = threading.Event()
    early = shared.begin("early", lambda _: until(shared.waiting))
    until(find_group_commit(shared.engine)._turn.locked)
    late = shared.begin("late", lambda _: go.wait(SOON))
    until(lambda: shared.waiting() == 0)
    early.join(0.2)
    assert early.is_alive()
    assert shared.ends == {}
    go.set()
    early.join(SOON)
    late.join(SOON)
    assert shared.ends == {"early": "kept", "late": "kept"}


def test_who_waits_too_long_is_told_and_keeps_nobody_out(sharing):
    shared = sharing(0.2)
    with core_transaction(shared.engine, {}) as work:
        insert(work, "holder")
        thread = shared.begin("a")
        until(lambda: shared.waiting() == 1)
        time.sleep(0.3)
    thread.join(SOON)
    assert isinstance(shared.ends["a"], StoreUnavailable)
    assert shared.rows() == {"holder"}
    with core_transaction(shared.engine, {}) as work:
        insert(work, "b")
    assert shared.rows() == {"holder", "b"}
