"""``python -m tests.drift``: the migrations run up and down, and end where the models are."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from sqlalchemy import Engine, inspect

import app  # noqa: F401 (brings every model in)
from storage import migrate
from storage.engine import make_engine
from tests import servers


def problems(engine: Engine) -> list[str]:
    """What is wrong with the migrations on an empty store, in words."""
    migrate.upgrade_store(engine)
    found = [f"model and migrations differ: {item}" for item in migrate.find_schema_drift(engine)]
    migrate.downgrade_store(engine)
    left = set(inspect(engine).get_table_names()) - {"alembic_version"}
    found += [f"not undone by the way down: {name}" for name in sorted(left)]
    migrate.upgrade_store(engine)
    return found


def main() -> int:
    """Gives the exit status; prints what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        found = _tried(f"sqlite:///{Path(folder) / 'drift.sqlite3'}")
    try:
        with servers.postgresql() as url:
            found += _tried(url)
    except servers.Missing as missing:
        sys.stderr.write(f"drift on PostgreSQL was skipped: {missing}\n")
        found += [str(missing)] if os.environ.get("CI") else []
    sys.stderr.writelines(f"{item}\n" for item in found)
    return bool(found)


def _tried(url: str) -> list[str]:
    engine = make_engine(url)
    try:
        return [f"{engine.dialect.name}: {problem}" for problem in problems(engine)]
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
