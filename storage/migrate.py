"""Migrates the database, and compares its schema with the models."""

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
    """Hooks in the transaction of an upgrade or a downgrade, before and after it. An error that
    they raise rolls everything back."""

    def before_migration(self, connection: Connection, revision: str | None) -> None:
        """Called before the migrations; ``revision`` is the current one, ``None`` for an empty
        database."""

    def after_migration(self, connection: Connection, revision: str) -> None:
        """Called after the migrations; ``revision`` is the new one."""


def head_revision() -> str:
    """Return the newest revision of this code."""
    return _script_directory().get_current_head() or ""


def list_reached_revisions(revision: str) -> list[str]:
    """Return the revisions up to ``revision``, the first one first. Raises ``ValueError`` for one
    that this code does not know."""
    try:
        revisions = [
            script.revision for script in _script_directory().iterate_revisions(revision, "base")
        ]
    except util.CommandError:
        raise ValueError(f"there is no revision {revision}") from None
    return revisions[::-1]


@lru_cache(maxsize=1)
def _script_directory() -> ScriptDirectory:
    return ScriptDirectory.from_config(_alembic_config())


def current_revision(connection: Connection) -> str | None:
    """Return the revision of the database; ``None`` for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade_store(
    engine: Engine, revision: str = "head", around: MigrationHooks | None = None
) -> None:
    """Run the migrations up to ``revision``. Processes that start at the same time run them
    once."""
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
    """Undo migrations down to ``revision``. Both hooks of ``around`` run before that, because they
    may need the tables that it drops."""
    with _with_migration_deadline(engine).begin() as connection:
        _lock_out_migrators(connection)
        if around:
            around.before_migration(connection, current_revision(connection))
            around.after_migration(connection, revision)
        command.downgrade(_alembic_config(connection), revision)


def _with_migration_deadline(engine: Engine) -> Engine:
    """Let a migration wait for another one, which takes longer than a request may wait."""
    return engine.execution_options(
        **{BEGIN_DEADLINE: monotonic_seconds() + LOCK_WAIT_MINUTES * 60}
    )


def _lock_out_migrators(connection: Connection) -> None:
    """Lock out concurrent migrations; SQLite's write lock does so by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def find_schema_drift(engine: Engine) -> list[Any]:
    """Return the differences between the models and the migrated database."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "render_as_batch": True}
        )
        return list(compare_metadata(context, SQLModel.metadata))
