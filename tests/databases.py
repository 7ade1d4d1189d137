"""A fresh database for each test, copied from one that has been migrated once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, create_engine, inspect, make_url, text

from config.settings import Settings
from storage import migrate
from storage.engine import make_engine
from storage.session import transaction
from tests import postgresql_reset, servers
from vault.keys import keyring, master_keys
from vault.keys.keyring import Keyring
from vault.keys.master_keys import MasterKeys

#: Known to everybody, so of no use to anybody.
MASTER_KEYS = "test-1:" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TEMPLATE = "vouchline_template"
#: Seconds that many who race wait for each other on a machine that is busy with other tests.
PATIENT = 20.0
MADE_AT = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Store:
    """A migrated store of a test's own."""

    url: str
    engine: Engine
    ring: Keyring
    master: MasterKeys

    @property
    def kind(self) -> str:
        return self.engine.dialect.name

    def unit(self, **more: Any):
        """A transaction with the keys."""
        return transaction(self.engine, info=keyring.keyring_session_info(self.ring), **more)

    def all(self, statement: Any) -> list[Any]:
        """What a select finds; whole rows in the order of their keys unless it says another, since
        PostgreSQL gives them in any order."""
        with self.unit() as session:
            return list(session.exec(_in_order(statement)))


def _in_order(statement: Any) -> Any:
    (described, *others) = statement.column_descriptions
    entity = described.get("entity")
    if others or described["expr"] is not entity or statement._order_by_clauses:
        return statement
    return statement.order_by(*inspect(entity).primary_key)


def opened(url: str, *, wait_seconds: float = PATIENT, **more: Any) -> Store:
    """The store at that address, by the keys of the tests."""
    engine = make_engine(url, wait_seconds=wait_seconds, **more)
    keys = master_keys.parse_master_keys(MASTER_KEYS)
    return Store(url, engine, Keyring(keys, engine), keys)


def settings(url: str, instance: Path, **more: Any) -> Settings:
    """Settings of an installation on that store, whatever the machine's environment says."""
    given = {"instance": instance, "database_url": url, "master_keys": MASTER_KEYS}
    return Settings(_env_file=None, **(given | more))  # type: ignore[call-arg,arg-type]


def prepare(url: str) -> None:
    """Migrate an empty database and make its keys."""
    store = opened(url)
    migrate.upgrade_store(store.engine)
    keyring.make_purpose_keys(store.engine, store.master, MADE_AT)
    store.engine.dispose()


def sqlite_copy(template: Path, folder: Path) -> str:
    """The address of a copy of a prepared SQLite file."""
    path = folder / "vouchline.sqlite3"
    shutil.copyfile(template, path)
    return f"sqlite:///{path}"


def sqlite_template(folder: Path) -> Path:
    """A prepared SQLite file in ``folder``, whole in itself."""
    path = folder / "template.sqlite3"
    prepare(f"sqlite:///{path}")
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


def postgresql_template(server: str) -> None:
    """Make the prepared database of a server; ``server`` is its maintenance database."""
    _alone(server, f'CREATE DATABASE "{TEMPLATE}"')
    prepare(_database(server, TEMPLATE))


@contextmanager
def postgresql_copy(server: str) -> Iterator[str]:
    """The address of a copy of the prepared database, for the length of the block. A copy takes ten
    times as long as emptying the tables of one that has served."""
    name = _served.pop() if _served else _copied(server)
    try:
        yield _database(server, name)
    finally:
        if postgresql_reset.clean(_database(server, name), _database(server, TEMPLATE)):
            _served.append(name)
        else:
            _drop(server, name)


@contextmanager
def postgresql_server_of_its_own() -> Iterator[str]:
    """The address of a prepared database on a server that nothing else writes to: a server's log of
    changes is one for all its databases."""
    with servers.postgresql() as server:
        if not os.environ.get("VOUCHLINE_TEST_POSTGRESQL"):
            postgresql_template(server)
        name = _copied(server)
        try:
            yield _database(server, name)
        finally:
            _drop(server, name)


_served: list[str] = []


def _copied(server: str) -> str:
    name = f"vouchline_{uuid4().hex}"
    _alone(server, f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" STRATEGY FILE_COPY')
    return name


def drop_served(server: str) -> None:
    """Drop the copies that are kept for another test."""
    while _served:
        _drop(server, _served.pop())


def _drop(server: str, name: str) -> None:
    _alone(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _alone(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
