"""I2: a copy of database and logs, without the keys, tells nobody's name, number or code; of those
who were erased it tells nothing with the keys either."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app import create_app
from tests import databases, factories
from tests.channels.support import context
from tests.security_rules.support import erased_customers
from tests.security_rules.support.breach_search import Disk, everything_in, finds, forms
from tests.security_rules.support.journey import GWEN, LEO, SAID
from tests.security_rules.support.journey_process import PHRASE

ROOT = Path(__file__).resolve().parents[3]


def a_journey(url: str, folder: Path) -> tuple[bytes, list[bytes]]:
    """The journey's logs and its secret values."""
    command = [
        sys.executable,
        "-m",
        "tests.security_rules.support.journey_process",
        url,
        str(folder),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    told = json.loads(done.stdout)
    keys = [bytes.fromhex(item) for item in told["keys"]]
    return done.stderr, [item.encode() for item in told["secrets"]] + keys


@pytest.mark.both
def test_neither_store_nor_logs_tell_a_name_a_number_a_code_or_a_key(database, tmp_path):
    logs, secrets = a_journey(database, tmp_path)
    store = everything_in(database, tmp_path)
    assert len(secrets) > 150
    assert len(store) > 5_000
    assert finds(store, secrets) == []
    assert finds(logs, secrets) == []
    for line in (b"text received", b"cannot check", b"unavailable"):
        assert line in logs  # there were logs to look through, of what went wrong too
    erased_customers_are_gone_for_the_keys_too(database, tmp_path)
    if database.startswith("sqlite"):
        plants_are_found(database, tmp_path)


def erased_customers_are_gone_for_the_keys_too(url: str, folder: Path) -> None:
    """Afterwards a thief of the store and the master keys finds nothing of the customer, finds all
    others, and the log is proven by an earlier checkpoint."""
    now = datetime(2026, 11, 24, 11, tzinfo=UTC)
    app = create_app(databases.settings(url, folder), now=lambda: now)
    verify = erased_customers.with_a_checkpoint(app, folder.parent)
    hers, others = ([one_value.encode() for one_value in who.values] for who in (GWEN, LEO))
    hers += [item.encode() for item in (PHRASE, SAID)]
    assert {value for value, _ in finds(erased_customers.readable(app), hers)} >= {
        item.encode() for item in (GWEN.name, GWEN.phone, GWEN.ref, GWEN.topic, PHRASE, SAID)
    }
    key = erased_customers.erase(app, GWEN.phone)
    assert finds(erased_customers.readable(app), hers) == []
    assert len({value for value, _ in finds(erased_customers.readable(app), others)}) >= 5
    context(app).engine.dispose()  # with which SQLite folds its log of changes in
    store = everything_in(url, folder, used=False)
    assert finds(store, hers) == []
    assert key not in store
    assert "Good: " in erased_customers.command(app, *verify)
    context(app).engine.dispose()


def plants_are_found(url: str, folder: Path) -> None:
    """Had a value been kept, in whatever form, the search would have found it."""
    engine = create_engine(url)
    for kind, planted in forms(GWEN.name.encode()).items():
        with engine.begin() as connection:
            connection.execute(text("UPDATE customer SET name = :x"), {"x": b"--" + planted})
        assert (GWEN.name.encode(), kind) in finds(everything_in(url, folder), [GWEN.name.encode()])
    engine.dispose()


def test_nor_do_the_files_and_the_log_of_changes_on_the_disk_of_postgresql(
    tmp_path, postgresql_server
):
    assert postgresql_server  # else it is skipped
    with databases.postgresql_server_of_its_own() as url:
        disk = Disk(url)
        began = disk.position()
        _, secrets = a_journey(url, tmp_path)
        files, changes = disk.files(), disk.log_since(began)
        assert min(len(files), len(changes)) > 30_000
        assert finds(files, secrets) == []
        assert finds(changes, secrets) == []
        began = disk.position()
        engine = create_engine(url)
        with engine.begin() as connection:
            planted = GWEN.name.encode()
            connection.execute(text("UPDATE customer SET name = :x"), {"x": planted})
        engine.dispose()
        for held in (disk.files(), disk.log_since(began)):  # else the search would find nothing
            assert (planted, "plain") in finds(held, [planted])


@pytest.mark.parametrize("column", ["name", "locale"])
@pytest.mark.parametrize("value", [GWEN.name, GWEN.phone])
def test_a_value_kept_in_plain_would_be_found_in_a_dump(store, tmp_path, column, value):
    with store.unit() as session:
        factories.a_customer(session, datetime(2026, 11, 24, 10, tzinfo=UTC))
    planted = value.encode() if column == "name" else value[:16]
    with store.engine.begin() as connection:
        connection.execute(text(f"UPDATE customer SET {column} = :x"), {"x": planted})
    found = everything_in(store.url, tmp_path)
    looked_for = planted if isinstance(planted, bytes) else planted.encode()
    assert finds(found, [looked_for]) != []
