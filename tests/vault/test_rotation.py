"""Master keys change while all works on, and after a kill the rest is done."""

from __future__ import annotations

from functools import partial

import pytest
from sqlmodel import select

from people.customers import customer_records
from people.models import Customer
from storage.session import transaction
from tests import databases, factories
from tests.processes import at_once
from vault.errors import KeyUnavailable
from vault.keys import field_encryption, keyring, master_key_rotation, master_keys
from vault.keys.keyring import Keyring
from vault.keys.master_keys import MasterKeys
from vault.models import AuditEntry

NEW = "new-1:" + "bmV3LWtleS0wMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc="
BOTH = master_keys.parse_master_keys(f"{NEW},{databases.MASTER_KEYS}")
PHONES = [f"+4474003{n:05d}" for n in range(30)]


@pytest.fixture
def people(store, clock) -> list[Customer]:
    with store.unit() as session:
        return [factories.a_customer(session, clock.now, phone) for phone in PHONES]


def unit(store, keys: MasterKeys):
    ring = Keyring(keys, store.engine)
    return transaction(store.engine, info=keyring.keyring_session_info(ring))


def opened(store, keys: MasterKeys) -> list[str]:
    with unit(store, keys) as session:
        return sorted(
            customer_records.open_customer_details(session, row).phone
            for row in session.exec(select(Customer))
        )


def rotate(store, keys: MasterKeys = BOTH) -> None:
    with unit(store, keys) as session:
        master_key_rotation.rewrap_purpose_keys(session, keys)
    after = master_key_rotation.FIRST_OWNER
    while after is not None:
        with unit(store, keys) as session:
            _, after = master_key_rotation.rewrap_data_keys(session, keys, after)


def test_afterwards_the_new_key_alone_opens_all_and_the_old_one_nothing(store, people):
    assert opened(store, BOTH) == PHONES
    rotate(store)
    assert opened(store, BOTH) == opened(store, master_keys.parse_master_keys(NEW)) == PHONES
    with pytest.raises(KeyUnavailable):
        opened(store, master_keys.parse_master_keys(databases.MASTER_KEYS))


def test_it_is_found_out_what_is_left(store, people, monkeypatch):
    monkeypatch.setattr(master_key_rotation, "BATCH_SIZE", 10)
    purposes = len(keyring.PURPOSES)
    names = ["new-1", "test-1"]

    def left() -> dict[str, int]:
        with unit(store, BOTH) as session:
            return master_key_rotation.count_keys_by_master(session, names)

    assert left() == {"new-1": 0, "test-1": 30 + purposes}
    with unit(store, BOTH) as session:
        looked_at, after = master_key_rotation.rewrap_data_keys(
            session, BOTH, master_key_rotation.FIRST_OWNER
        )
    assert (looked_at, left()) == (10, {"new-1": 10, "test-1": 20 + purposes})
    assert after is not None  # and here it was killed
    assert opened(store, BOTH) == PHONES
    rotate(store)
    assert left() == {"new-1": 30 + purposes, "test-1": 0}


def test_a_customer_erased_meanwhile_stays_erased(store, people):
    with unit(store, BOTH) as session:
        master_key_rotation.rewrap_data_keys(session, BOTH, master_key_rotation.FIRST_OWNER)
        field_encryption.destroy_data_keys(session, [people[3].id])
    rotate(store)
    with unit(store, BOTH) as session, pytest.raises(KeyUnavailable):
        field_encryption.load_data_key(session, people[3].id)


@pytest.mark.both
def test_many_rotate_and_write_at_once_and_nothing_is_lost(store, people, clock, monkeypatch):
    monkeypatch.setattr(master_key_rotation, "BATCH_SIZE", 7)

    def work(n: int) -> None:
        other = databases.opened(store.url, wait_seconds=60)
        if n % 2:
            rotate(other)
            return
        for k in range(10):
            with unit(other, BOTH) as session:
                factories.a_customer(session, clock.now, f"+4474004{n:02d}{k:03d}")

    at_once([partial(work, n) for n in range(8)], lambda: store.engine.dispose(close=False))
    rotate(store)
    assert len(opened(store, master_keys.parse_master_keys(NEW))) == 70


def test_without_the_old_key_nothing_is_changed(store, people):
    with pytest.raises(KeyUnavailable):
        rotate(store, master_keys.parse_master_keys(NEW))
    assert opened(store, master_keys.parse_master_keys(databases.MASTER_KEYS)) == PHONES


def test_the_command_rotates_says_what_is_left_and_is_written_down(app, clock):
    run = app.test_cli_runner().invoke
    told = run(args=["keys", "rotate"])
    assert told.exit_code == 0, told.output
    assert "Everything else is wrapped by test-1." in told.output
    assert (
        f"test-1{' ' * 28} {len(keyring.PURPOSES):>12,}  wraps what is new"
        in run(args=["keys", "list"]).output
    )
    here = app.extensions["vouchline"]
    with transaction(here.engine, info=dict(here.info)) as session:
        found = session.exec(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert found == ["approvals.set_up", "keys.rotate", "keys.rotated"]
