"""Databases for one run: created, copied and named in the same way for both kinds."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy import make_url

from tests import servers

#: Default options: PostgreSQL waits for the disk, as in production.
AS_SHIPPED = ""


class Stores(Protocol):
    """Creates databases of one kind."""

    version: str

    def new(self, name: str) -> str:
        """Create an empty database; return its SQLAlchemy URL."""

    def copy(self, name: str, to: str) -> str:
        """Copy the database ``name``, which must not be in use; return the URL of the copy."""

    def settle(self, name: str) -> None:
        """Update planner statistics and flush to disk, after many inserts."""


class Sqlite:
    """Database files in one folder."""

    version = f"SQLite {sqlite3.sqlite_version}"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self, name: str) -> str:
        return f"sqlite:///{self._folder / name}.sqlite3"

    def copy(self, name: str, to: str) -> str:
        self.settle(name)
        shutil.copy(self._folder / f"{name}.sqlite3", self._folder / f"{to}.sqlite3")
        return self.new(to)

    def settle(self, name: str) -> None:
        connection = sqlite3.connect(self._folder / f"{name}.sqlite3")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


class Postgresql:
    """Databases of one server."""

    def __init__(self, url: str) -> None:
        self._url = url
        with self._admin("postgres") as connection:
            self.version = f"PostgreSQL {connection.info.server_version // 10000}"

    def new(self, name: str) -> str:
        with self._admin("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._at(name)

    def copy(self, name: str, to: str) -> str:
        with self._admin("postgres") as connection:
            connection.execute(f"CREATE DATABASE {to} TEMPLATE {name}")
        return self._at(to)

    def settle(self, name: str) -> None:
        with self._admin(name) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def _admin(self, name: str) -> psycopg.Connection:
        url = self._at(name).replace("+psycopg", "")
        return psycopg.connect(url, autocommit=True)

    def _at(self, name: str) -> str:
        return make_url(self._url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def of(kind: str, folder: Path) -> Iterator[Stores]:
    """Yield the :class:`Stores` of ``kind``, ``sqlite`` or ``postgresql``.

    Raise :class:`tests.servers.Missing` if there is no PostgreSQL.
    """
    if kind == "sqlite":
        yield Sqlite(folder)
    else:
        with servers.postgresql(AS_SHIPPED) as url:
            yield Postgresql(url)
