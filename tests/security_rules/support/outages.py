"""Real outages: connections cut between any two acts, commits that fail, locks held, disks full."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from storage.engine import make_engine
from storage.session import CoreUnitOfWork
from tests.channels.support import context
from tests.databases import Store
from vault.audit import audit_log
from vault.keys import keyring
from vault.keys.keyring import Keyring
from verification.models import Code


def reopened(app: Flask, **changes: Any) -> None:
    """The application with another engine, ring or limiter, as if started with it."""
    here = replace(context(app), **changes)
    replace(here, info=dict(keyring.keyring_session_info(here.ring))).attach_to_app(app)


def impatient(app: Flask, url: str, seconds: float = 0.2) -> None:
    """The application with a shorter wait than production's, so that a test need not wait."""
    context(app).ring.load_all_keys()  # reads its keys while it can
    reopened(app, engine=make_engine(url, wait_seconds=seconds))


def with_ring_of(app: Flask, master: Any) -> None:
    """The application with other master keys."""
    reopened(app, ring=Keyring(master, context(app).engine))


class Cut:
    """Cuts the connection off before one of the acts (begin, statements, commit) on an engine."""

    def __init__(self, store: Store, engine: Engine, before: int) -> None:
        self._store, self._engine, self._left, self.done = store, engine, before, False

    def __enter__(self) -> Cut:
        for name in ("begin", "before_cursor_execute", "commit"):
            event.listen(self._engine, name, self._act)
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("begin", "before_cursor_execute", "commit"):
            event.remove(self._engine, name, self._act)

    def _act(self, connection: Any, *_: object) -> None:
        self._left -= 1
        if self._left >= 0 or self.done:
            return
        self.done = True
        driver = connection.connection.dbapi_connection
        if self._store.kind == "sqlite":
            driver.close()
        else:
            terminate(self._store, driver.info.backend_pid)


def terminate(store: Store, pid: int) -> None:
    """End one session of the server's, as an administrator or a crash does."""
    with store.engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")


def run(store: Store, *statements: str) -> None:
    """Change the store behind the product's back."""
    with store.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def refuse_commits(store: Store) -> None:
    """Whatever writes an audit entry goes well until its COMMIT, which fails."""
    if store.kind == "sqlite":
        run(
            store,
            "CREATE TABLE nowhere (id INTEGER PRIMARY KEY)",
            "CREATE TABLE dangling (id INTEGER REFERENCES nowhere DEFERRABLE INITIALLY DEFERRED)",
            "CREATE TRIGGER late AFTER INSERT ON audit_entry"
            " BEGIN INSERT INTO dangling VALUES (NEW.id); END",
        )
        return
    run(
        store,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'No space left' USING ERRCODE = '53100'; END $$",
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON audit_entry"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()",
    )


def allow_commits(store: Store) -> None:
    """The end of :func:`refuse_commits`."""
    run(store, "DROP TRIGGER late" + (" ON audit_entry" * (store.kind == "postgresql")))


def refuse_audit(store: Store) -> None:
    """The audit log can be read, but takes no entry."""
    if store.kind == "sqlite":
        run(
            store,
            "CREATE TRIGGER refuse BEFORE INSERT ON audit_entry"
            " BEGIN SELECT RAISE(ABORT, 'no entry'); END",
        )
        return
    run(
        store,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'no entry'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION refuse()",
    )


def remove_audit(store: Store) -> None:
    """The audit log is gone."""
    run(store, "ALTER TABLE audit_entry RENAME TO gone")


def remove_keys(store: Store) -> None:
    """Every customer's key has been destroyed."""
    run(store, "DELETE FROM data_key")


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Somebody else holds what a check needs, and does not give it up."""
    if store.kind == "sqlite":
        other = sqlite3.connect(str(make_url(store.url).database), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.close()
    else:
        with store.engine.begin() as connection:
            connection.exec_driver_sql("LOCK TABLE code, callback IN ACCESS EXCLUSIVE MODE")
            yield


def destroy(store: Store, app: Flask) -> None:
    """The database goes away under a running application and does not come back."""
    if store.kind == "sqlite":
        context(app).engine.dispose()  # what is open outlives its file's name
        path = str(make_url(store.url).database)
        with open(path, "wb") as file:
            file.write(os.urandom(8192))
        return
    store.engine.dispose()
    url = make_url(store.url)
    maintenance = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{url.database}" WITH (FORCE)')
    maintenance.dispose()


def on_a_full_disk(act: Callable[[], Any]) -> Callable[[], Any]:
    """``act`` in a process that may make no file longer, which is what a full disk does too."""

    def limited() -> Any:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
        return act()

    return limited


def fill_up(engine: Engine, ring: Keyring) -> None:
    """Let SQLite take no more pages, and fill those it has."""
    event.listen(engine, "connect", _no_more_pages)
    engine.dispose()
    for word in ("x" * 100, "x"):  # the last little that is left is filled too
        with suppress(DBAPIError):
            for _ in range(10_000):
                with engine.begin() as connection:
                    audit_log.record_act(
                        CoreUnitOfWork(connection, keyring.keyring_session_info(ring)),
                        audit_log.SYSTEM,
                        "x",
                        _LONG_AGO,
                        detail=word,
                    )


_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def fill(store: Store, engine: Engine, call: Any) -> None:
    """Let SQLite take no more pages, and fill those it has with entries smaller than a check's."""
    event.listen(engine, "connect", _no_more_pages)
    engine.dispose()
    ids = {"callback_id": call.callback_id, "customer_id": store.all(_CUSTOMER)[0]}
    with suppress(DBAPIError):
        for _ in range(10_000):
            with engine.begin() as connection:
                work = CoreUnitOfWork(connection, keyring.keyring_session_info(store.ring))
                audit_log.record_act(work, audit_log.SYSTEM, "x", call.started_at, **ids)


_CUSTOMER = select(Code.customer_id).where(col(Code.customer_id).is_not(None))


def _no_more_pages(connection: Any, _: object) -> None:
    connection.execute("PRAGMA max_page_count = 1")  # as many as there are
