"""Databases for the length of one run: made, copied and named alike for both kinds."""

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

#: PostgreSQL waits for the disk, as in production.
AS_SHIPPED = ""


class Stores(Protocol):
    """Where databases of one kind are made."""

    version: str

    def new(self, name: str) -> str:
        """Make an empty database; its address for SQLAlchemy."""

    def copy(self, name: str, to: str) -> str:
        """Make a database just like ``name``, which nobody may be using; its address."""

    def settle(self, name: str) -> None:
        """Bring the planner's figures up to date and everything to disk after much was added."""


class Sqlite:
    """Files in one folder."""

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
    """Where to make databases of ``kind``, ``sqlite`` or ``postgresql``.

    Raises :class:`tests.servers.Missing` when there is no PostgreSQL.
    """
    if kind == "sqlite":
        yield Sqlite(folder)
    else:
        with servers.postgresql(AS_SHIPPED) as url:
            yield Postgresql(url)
