"""Bringing a store's tables up to date, and telling whether they are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from alembic import command, util
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlmodel import SQLModel

from storage.group_commit import UNTIL
from storage.statement_timeout import ticks

FOLDER = Path(__file__).parent / "migrations"
MINUTES = 10
_LOCK = 7_310_522_019  # any number, the same in every process


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


class Around(Protocol):
    """What is done in the transaction of an upgrade or a downgrade, before and after it. What it
    raises leaves the store as it was."""

    def before(self, connection: Connection, revision: str | None) -> None:
        """``revision`` is where the store is: none for an empty one."""

    def after(self, connection: Connection, revision: str) -> None:
        """``revision`` is where the store is now."""


def head() -> str:
    """The newest revision that this code knows."""
    return _scripts().get_current_head() or ""


def reached(revision: str) -> list[str]:
    """The revisions that a store at ``revision`` has gone through, the first one first. Raises
    ``ValueError`` for one that this code does not know."""
    try:
        found = [each.revision for each in _scripts().iterate_revisions(revision, "base")]
    except util.CommandError:
        raise ValueError(f"there is no revision {revision}") from None
    return found[::-1]


@lru_cache(maxsize=1)
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def current(connection: Connection) -> str | None:
    """The revision that the store is at; ``None`` for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, revision: str = "head", around: Around | None = None) -> None:
    """Run the migrations up to ``revision``. Two processes that start at once run them once."""
    with _patient(engine).begin() as connection:
        _alone(connection)
        if around:
            around.before(connection, current(connection))
        if revision != "head" or current(connection) != head():
            command.upgrade(_config(connection), revision)
        if around:
            around.after(connection, current(connection) or "")


def downgrade(engine: Engine, revision: str = "base", around: Around | None = None) -> None:
    """Undo migrations down to ``revision``; ``around`` is called twice before that, since what it
    undoes may need the tables."""
    with _patient(engine).begin() as connection:
        _alone(connection)
        if around:
            around.before(connection, current(connection))
            around.after(connection, revision)
        command.downgrade(_config(connection), revision)


def _patient(engine: Engine) -> Engine:
    """Whoever migrates waits for another who does, which takes longer than a request may."""
    return engine.execution_options(**{UNTIL: ticks() + MINUTES * 60})


def _alone(connection: Connection) -> None:
    """Keep other migrators out; SQLite's write lock does so by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def drift(engine: Engine) -> list[Any]:
    """What the models say and the migrated store does not, or the other way round."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "render_as_batch": True}
        )
        return list(compare_metadata(context, SQLModel.metadata))
