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

from storage.group_commit import BEGIN_DEADLINE
from storage.statement_timeout import monotonic_seconds

MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"
LOCK_WAIT_MINUTES = 10
_LOCK = 7_310_522_019  # any number, the same in every process


def _alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


class MigrationHooks(Protocol):
    """What is done in the transaction of an upgrade or a downgrade, before and after it. What it
    raises leaves the store as it was."""

    def before_migration(self, connection: Connection, revision: str | None) -> None:
        """``revision`` is where the store is: none for an empty one."""

    def after_migration(self, connection: Connection, revision: str) -> None:
        """``revision`` is where the store is now."""


def head_revision() -> str:
    """The newest revision that this code knows."""
    return _script_directory().get_current_head() or ""


def list_reached_revisions(revision: str) -> list[str]:
    """The revisions that a store at ``revision`` has gone through, the first one first. Raises
    ``ValueError`` for one that this code does not know."""
    try:
        found = [
            one_revision.revision
            for one_revision in _script_directory().iterate_revisions(revision, "base")
        ]
    except util.CommandError:
        raise ValueError(f"there is no revision {revision}") from None
    return found[::-1]


@lru_cache(maxsize=1)
def _script_directory() -> ScriptDirectory:
    return ScriptDirectory.from_config(_alembic_config())


def current_revision(connection: Connection) -> str | None:
    """The revision that the store is at; ``None`` for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade_store(
    engine: Engine, revision: str = "head", around: MigrationHooks | None = None
) -> None:
    """Run the migrations up to ``revision``. Two processes that start at once run them once."""
    with _with_migration_deadline(engine).begin() as connection:
        _lock_out_migrators(connection)
        if around:
            around.before_migration(connection, current_revision(connection))
        if revision != "head" or current_revision(connection) != head_revision():
            command.upgrade(_alembic_config(connection), revision)
        if around:
            around.after_migration(connection, current_revision(connection) or "")


def downgrade_store(
    engine: Engine, revision: str = "base", around: MigrationHooks | None = None
) -> None:
    """Undo migrations down to ``revision``; ``around`` is called twice before that, since what it
    undoes may need the tables."""
    with _with_migration_deadline(engine).begin() as connection:
        _lock_out_migrators(connection)
        if around:
            around.before_migration(connection, current_revision(connection))
            around.after_migration(connection, revision)
        command.downgrade(_alembic_config(connection), revision)


def _with_migration_deadline(engine: Engine) -> Engine:
    """Whoever migrates waits for another who does, which takes longer than a request may."""
    return engine.execution_options(
        **{BEGIN_DEADLINE: monotonic_seconds() + LOCK_WAIT_MINUTES * 60}
    )


def _lock_out_migrators(connection: Connection) -> None:
    """Keep other migrators out; SQLite's write lock does so by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def find_schema_drift(engine: Engine) -> list[Any]:
    """What the models say and the migrated store does not, or the other way round."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "render_as_batch": True}
        )
        return list(compare_metadata(context, SQLModel.metadata))
