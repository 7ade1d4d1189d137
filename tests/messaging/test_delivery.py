"""Reports of the provider's: whatever their order and number, they end at one place."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from messaging import delivery_reports
from messaging.models import DeliveryReport
from tests import databases
from tests.processes import at_once

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
LIVES = [
    [("queued", None), ("sending", None), ("sent", None), ("delivered", None)],
    [("accepted", None), ("queued", None), ("sent", None), ("undelivered", 30006)],
    [("sent", None), ("undelivered", 30003), ("delivered", None)],
    [("failed", 30008), ("failed", 30005), ("failed", None)],
    [("sent", None), ("delivered", None), ("read", None)],
]


def after(store, reports) -> tuple[str, int | None]:
    """Where a text stands after these reports; nothing is left behind."""
    with store.unit() as session:
        for status, error in reports:
            delivery_reports.record_delivery_report(session, "SM1", status, error, NOW)
        row = session.get(DeliveryReport, "SM1")
        found = (row.status, row.error)
        session.delete(row)
    return found


def orders(life, longest: int):
    """Every order of all of a life's reports with repeats, up to so many."""
    for length in range(len(life), longest + 1):
        for order in itertools.product(life, repeat=length):
            if set(order) == set(life):
                yield order


@pytest.mark.parametrize("life", LIVES)
def test_every_order_and_repeat_ends_at_one_place(store, life):
    ends = {after(store, order) for order in itertools.permutations(life)}
    assert len(ends) == 1


@pytest.mark.campaign
@pytest.mark.long
@pytest.mark.parametrize("life", LIVES)
def test_every_order_and_repeat_up_to_six_ends_at_one_place(store, life):
    ends = {after(store, order) for order in orders(life, 6)}
    assert len(ends) == 1


def test_it_arrived_outweighs_it_did_not_and_the_lower_code_stays(store):
    assert after(store, LIVES[2]) == ("delivered", None)
    assert after(store, LIVES[3]) == ("failed", 30005)
    assert after(store, LIVES[1]) == ("undelivered", 30006)


def test_a_status_that_nobody_knows_changes_nothing(store):
    with store.unit() as session:
        assert not delivery_reports.record_delivery_report(session, "SM1", "exploded", None, NOW)
        assert not delivery_reports.record_delivery_report(session, "SM1", "", 1, NOW)
    assert store.all(select(DeliveryReport)) == []


def test_it_says_whether_a_report_brought_anything_new(store):
    with store.unit() as session:
        assert delivery_reports.record_delivery_report(session, "SM1", "sent", None, NOW)
        assert not delivery_reports.record_delivery_report(session, "SM1", "sent", None, NOW)
        assert not delivery_reports.record_delivery_report(session, "SM1", "queued", None, NOW)
        assert delivery_reports.record_delivery_report(session, "SM1", "delivered", None, NOW)


@pytest.mark.both
def test_reports_at_once_from_many_processes_end_at_one_place(store):
    def report(status: str):
        def act() -> None:
            mine = databases.opened(store.url, wait_seconds=60)
            with mine.unit() as session:
                delivery_reports.record_delivery_report(session, "SM1", status, None, NOW)

        return act

    acts = [report(status) for status in ("queued", "sent", "delivered", "undelivered")] * 3
    at_once(acts, lambda: store.engine.dispose(close=False))
    assert [row.status for row in store.all(select(DeliveryReport))] == ["delivered"]


def test_old_reports_are_forgotten(store):
    with store.unit() as session:
        delivery_reports.record_delivery_report(session, "SM1", "sent", None, NOW)
        delivery_reports.record_delivery_report(
            session, "SM2", "sent", None, NOW + timedelta(days=1)
        )
        delivery_reports.purge_delivery_reports(
            session, NOW + delivery_reports.RETENTION + timedelta(seconds=1)
        )
    assert [row.provider_id for row in store.all(select(DeliveryReport))] == ["SM2"]
