"""The audit log: an entry stands or falls with what it tells of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlmodel import select

from storage.column_types import new_id
from storage.session import StoreUnavailable, core_transaction
from tests import factories
from vault.audit import audit_log
from vault.keys import keyring
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, 0, 30, 123456, tzinfo=UTC)


def entries(store) -> list[AuditEntry]:
    return sorted(store.all(select(AuditEntry)), key=lambda each: each.id)


def test_an_entry_says_who_did_what_to_which_customer_why_and_when(store):
    who, customer, callback = new_id(), new_id(), new_id()
    with store.unit() as session:
        audit_log.record_act(
            session,
            audit_log.staff_actor(who),
            "customer.read",
            NOW,
            customer_id=customer,
            callback_id=callback,
            purpose="own day",
            detail="x",
        )
    entry = entries(store)[0]
    assert (entry.actor, entry.staff_id, entry.action) == ("staff", who, "customer.read")
    assert (entry.customer_id, entry.callback_id) == (customer, callback)
    assert (entry.purpose, entry.detail, entry.at) == ("own day", "x", NOW)


def test_the_check_path_writes_the_same(store):
    with core_transaction(store.engine, keyring.keyring_session_info(store.ring)) as work:
        audit_log.record_act(work, audit_log.CUSTOMER, "check", NOW, detail="web genuine")
    entry = entries(store)[0]
    assert (entry.actor, entry.staff_id, entry.at) == ("customer", None, NOW)


def test_many_readings_are_an_entry_each_and_none_is_none(store):
    pairs = [(new_id(), new_id()) for _ in range(5)]
    with store.unit() as session:
        audit_log.record_act_per_customer(
            session, audit_log.SYSTEM, "report.read", NOW, about=pairs, purpose="triage"
        )
        audit_log.record_act_per_customer(
            session, audit_log.SYSTEM, "x", NOW, about=[], purpose="triage"
        )
    assert [(entry.customer_id, entry.callback_id) for entry in entries(store)] == pairs


def test_what_is_rolled_back_is_not_told_of(store):
    class Stopped(Exception):
        pass

    with pytest.raises(Stopped), store.unit() as session:
        factories.a_customer(session, NOW)
        raise Stopped
    assert entries(store) == []


def test_without_its_entry_nothing_is_done(store):
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_entry RENAME TO gone"))
    with pytest.raises(StoreUnavailable), store.unit() as session:
        factories.a_customer(session, NOW)
    with store.engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM customer")).scalar() == 0


def test_entries_are_numbered_in_order_of_writing(store):
    with store.unit() as session:
        for n in range(20):
            audit_log.record_act(session, audit_log.SYSTEM, f"a.{n}", NOW)
    assert [entry.action for entry in entries(store)] == [f"a.{n}" for n in range(20)]
