"""Sealed fields and the keys they need: without the key, an error and never a value (rule F1)."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlmodel import select

from storage.column_types import new_id
from tests import databases
from tests.processes import at_once
from vault.errors import KeyUnavailable, Tampered
from vault.keys import field_encryption, keyring, master_keys
from vault.models import DataKey, KeyRegisterRow, PurposeKey

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OTHER = master_keys.parse_master_keys("x-1:" + "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=")


def test_a_value_opens_in_its_table_column_and_row_alone(store):
    owner, row = new_id(), new_id()
    with store.unit() as session:
        key = field_encryption.create_data_key(session, owner)
        sealed = key.seal_field("t", "c", row, "Zoë 🙂")
        again = field_encryption.load_data_key(session, owner)
        assert again.open_field("t", "c", row, sealed) == "Zoë 🙂"
        for place in (("u", "c", row), ("t", "d", row), ("t", "c", new_id()), ("t.c", "", row)):
            with pytest.raises(Tampered):
                again.open_field(*place, sealed)
        with pytest.raises(Tampered):
            field_encryption.create_data_key(session, new_id()).open_field("t", "c", row, sealed)


def test_a_key_does_not_show_itself(store):
    with store.unit() as session:
        key = field_encryption.create_data_key(session, new_id())
    assert key.key.hex() not in repr(key)
    assert repr(key.key)[2:-1] not in repr(key)


def test_a_key_that_is_gone_or_never_was_is_unavailable(store):
    owner = new_id()
    with store.unit() as session:
        field_encryption.create_data_key(session, owner)
        session.delete(session.get_one(DataKey, owner))
        session.flush()
        for item in (owner, uuid4()):
            with pytest.raises(KeyUnavailable):
                field_encryption.load_data_key(session, item)


def test_under_another_master_key_nothing_opens_and_nothing_is_found(store):
    owner = new_id()
    with store.unit() as session:
        field_encryption.create_data_key(session, owner)
    ring = keyring.Keyring(OTHER, store.engine)
    for act in (
        lambda: ring.compute_blind_index("phone", "+447400123456"),
        lambda: ring.seal_for_purpose(keyring.STAFF, "a", "b"),
        lambda: ring.open_for_purpose(keyring.STAFF, "a", b"b"),
        lambda: ring.unwrap_key(store.all(select(DataKey))[0].wrapped, owner),
    ):
        with pytest.raises(KeyUnavailable):
            act()


def test_a_purpose_key_put_in_anothers_place_does_not_open(store):
    with store.unit() as session:
        rows = {row.purpose: row for row in session.exec(select(PurposeKey))}
        rows["staff"].wrapped = rows["demo"].wrapped
        session.add(rows["staff"])
    with pytest.raises(Tampered):
        keyring.Keyring(store.master, store.engine).seal_for_purpose(keyring.STAFF, "a", "b")


def test_a_purpose_has_its_own_key(store):
    sealed = store.ring.seal_for_purpose(keyring.STAFF, "place", "x")
    assert store.ring.open_for_purpose(keyring.STAFF, "place", sealed) == "x"
    for purpose in set(keyring.PURPOSES) - {keyring.STAFF}:
        with pytest.raises(Tampered):
            store.ring.open_for_purpose(purpose, "place", sealed)


@pytest.mark.both
def test_processes_that_make_the_purpose_keys_at_once_agree(store):
    with store.unit() as session:
        for row in (*session.exec(select(PurposeKey)), *session.exec(select(KeyRegisterRow))):
            session.delete(row)

    mine: list[databases.Store] = []

    def connect() -> None:
        store.engine.dispose(close=False)
        mine.append(databases.opened(store.url, wait_seconds=60))
        mine[0].all(select(PurposeKey))

    def make() -> str:
        keyring.make_purpose_keys(mine[0].engine, mine[0].master, NOW)
        return mine[0].ring.compute_blind_index("phone", "x").hex()

    assert len(set(at_once([make] * 12, connect))) == 1
    assert len(store.all(select(PurposeKey))) == len(keyring.PURPOSES)


def test_a_store_without_keys_says_what_to_do(store):
    with store.unit() as session:
        for row in session.exec(select(PurposeKey)):
            session.delete(row)
    with pytest.raises(KeyUnavailable, match="db upgrade"):
        keyring.Keyring(store.master, store.engine).compute_blind_index("phone", "x")
