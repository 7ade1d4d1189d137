"""The watch in the product: what it counts, when it tells, and that it loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlmodel import col, select

from incidents.anomaly_detection import access_cases
from incidents.anomaly_detection.job import GRACE, AccessAnomalyJob
from incidents.anomaly_detection.models import PendingAccess, StaffProfileState
from incidents.anomaly_detection.monitored_staff import _PROFILE_JSON
from incidents.anomaly_detection.staff_profile import Indicator, StaffProfile
from incidents.cases.models import Case, CaseEvidence, CaseKind, CaseSubject
from people.models import Customer, Staff
from scheduling import models
from scheduling.booking import bookings, cancellations
from scheduling.booking.bookings import BookingRequest
from tests import databases, factories
from tests.processes import at_once
from vault.audit import audit_log, sequencer

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@dataclass
class Office:
    """A store with an agent, and a worker that looks every half a minute."""

    store: databases.Store
    now: datetime = NOW
    agent: UUID = field(init=False)
    watch: AccessAnomalyJob = field(init=False)

    def __post_init__(self) -> None:
        with self.store.unit() as session:
            self.agent = factories.an_agent(session, NOW).id
        self.watch = AccessAnomalyJob(factories.a_policy())
        self.look()

    def look(self) -> None:
        with self.store.unit() as session:
            sequencer.sequence_entries(session, self.now)
        with self.store.unit() as session:
            self.watch(session, self.now)

    def wait(self, length: timedelta, until: Callable[[], bool] = lambda: False) -> None:
        end = self.now + length
        while self.now < end and not until():
            self.now += 30 * SECOND
            self.look()

    def looks_up(self, customer: UUID | None) -> None:
        with self.store.unit() as session:
            actor = audit_log.staff_actor(self.agent)
            audit_log.record_act(session, actor, "customer.look_up", self.now, customer_id=customer)

    def a_customer(self) -> UUID:
        with self.store.unit() as session:
            return factories.a_customer(session, self.now).id

    def books(self, customer: UUID, ahead: timedelta = timedelta(days=1)) -> UUID:
        with self.store.unit() as session:
            who = session.get_one(Customer, customer)
            taken = len(session.exec(select(Case)).all())
            self.slot = getattr(self, "slot", 0) + 1 + taken
            at = NOW + ahead + 15 * MINUTE * self.slot
            policy = factories.a_policy(calling_hours=factories_any())
            wish = BookingRequest(at, 15, "your router")
            return bookings.book_callback(session, who, self.agent, wish, policy, self.now).id

    def cases(self) -> list[Case]:
        return self.store.all(select(Case).where(col(Case.kind) == CaseKind.ACCESS))

    def person(self) -> StaffProfile:
        (row,) = self.store.all(select(StaffProfileState))
        return _PROFILE_JSON.validate_json(row.state)

    def seen(self, signal: Indicator) -> int:
        shift = self.person().shift
        return shift.whole.seen.get(signal, 0) if shift else 0


def factories_any():
    from datetime import time

    return (time(0), None)


@pytest.fixture
def office(store):
    return Office(store)


def test_looking_up_one_after_the_other_is_a_case_within_five_minutes(office):
    acts = []
    for _ in range(12):
        acts.append(office.now)
        office.looks_up(office.a_customer())
        office.wait(MINUTE, lambda: bool(office.cases()))
        if office.cases():
            break
    (case,) = office.cases()
    taken = office.seen(Indicator.BARE)
    assert taken <= 6
    assert case.opened_at - acts[taken - 1] <= 5 * MINUTE  # the act that made it unusual
    held = office.store.all(select(CaseEvidence))
    facts = next(json.loads(item.facts) for item in held if item.kind == "access")
    assert facts["what"] == "nothing_behind"
    assert facts["seen"] == taken > 3 * facts["expected"]
    assert len({item.customer_id for item in held if item.kind == "audit"}) >= taken
    assert office.store.all(select(CaseSubject.staff_id)) == [office.agent]


def test_look_ups_that_bookings_follow_are_no_case(office):
    for _ in range(15):
        customer = office.a_customer()
        office.looks_up(customer)
        office.wait(2 * MINUTE)
        office.books(customer)
        office.wait(2 * MINUTE)
    office.wait(GRACE + MINUTE)
    assert office.cases() == []
    assert office.seen(Indicator.BARE) == 0
    assert office.person().shift.whole.work == 15
    assert office.store.all(select(PendingAccess)) == []


def test_a_late_booking_takes_it_back(office):
    customer = office.a_customer()
    office.looks_up(customer)
    office.wait(GRACE + MINUTE)
    assert office.seen(Indicator.BARE) == 1
    office.books(customer)
    office.wait(MINUTE)
    assert office.seen(Indicator.BARE) == 0
    assert office.person().shift.whole.work == 1


def test_bookings_that_come_to_nothing_count_when_they_do(office):
    made = []
    for _ in range(7):
        customer = office.a_customer()
        office.looks_up(customer)
        made.append(office.books(customer))
        office.wait(MINUTE)
    assert office.seen(Indicator.BARE) == 0
    for item in made:
        with office.store.unit() as session:
            callback = session.get_one(models.Callback, item)
            cancellations.cancel_booked_callback(
                session, callback, factories.a_policy(), office.now
            )
        office.wait(MINUTE)
    assert office.seen(Indicator.BARE) == 7
    assert len(office.cases()) == 1


def test_probing_is_a_case_and_a_mistyped_number_of_a_new_customer_is_none(office):
    for _ in range(2):
        office.looks_up(None)
        office.wait(MINUTE)
    with office.store.unit() as session:
        agent = audit_log.staff_actor(office.agent)
        audit_log.record_act(session, agent, "customer.add", office.now, customer_id=office.agent)
    office.wait(GRACE + MINUTE)
    assert office.seen(Indicator.MISSED) == 0
    for _ in range(10):
        office.looks_up(None)
        office.wait(MINUTE)
    office.wait(GRACE + MINUTE)
    held = office.store.all(select(CaseEvidence).where(col(CaseEvidence.kind) == "access"))
    assert {json.loads(item.facts)["what"] for item in held} == {"found_nobody"}


def test_a_worker_that_dies_in_a_look_loses_and_doubles_nothing(office, monkeypatch):
    for _ in range(8):
        office.looks_up(office.a_customer())
    with office.store.unit() as session:
        sequencer.sequence_entries(session, office.now)
    office.now += GRACE + MINUTE

    def dies(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(access_cases, "open_access_case", dies)
        with pytest.raises(RuntimeError):
            office.look()
    assert office.cases() == []
    office.watch = AccessAnomalyJob(factories.a_policy())  # another worker
    office.look()
    assert office.seen(Indicator.BARE) == 8
    assert len(office.cases()) == 1
    for _ in range(3):
        office.look()
    assert office.seen(Indicator.BARE) == 8


def _looks(url: str, now: datetime) -> int:
    mine = databases.opened(url)
    watch = AccessAnomalyJob(factories.a_policy())
    for _ in range(10):
        with mine.unit() as session:
            watch(session, now)
    return 1


@pytest.mark.both
def test_workers_that_look_at_once_count_once(office):
    for _ in range(8):
        office.looks_up(office.a_customer())
    with office.store.unit() as session:
        sequencer.sequence_entries(session, office.now)
    acts = [partial(_looks, office.store.url, office.now + 5 * MINUTE) for _ in range(4)]
    at_once(acts, lambda: office.store.engine.dispose(close=False))
    assert office.seen(Indicator.BARE) == 8
    assert len(office.cases()) == 1


def test_what_was_before_the_first_look_accuses_nobody(store):
    with store.unit() as session:
        agent = factories.an_agent(session, NOW)
        for _ in range(30):
            who = factories.a_customer(session, NOW).id
            audit_log.record_act(
                session, audit_log.staff_actor(agent.id), "customer.look_up", NOW, customer_id=who
            )
        sequencer.sequence_entries(session, NOW)
    office = Office(store, NOW + 10 * MINUTE)
    office.wait(10 * MINUTE)
    assert office.cases() == []


def test_a_backlog_is_read_to_its_end_in_bounded_steps(office, monkeypatch):
    from incidents.anomaly_detection import audit_cursor

    monkeypatch.setattr(audit_cursor, "BATCH_SIZE", 7)
    for _ in range(20):
        office.looks_up(office.a_customer())
    with office.store.unit() as session:
        while sequencer.sequence_entries(session, office.now):
            pass
    for _ in range(12):
        with office.store.unit() as session:
            office.watch(session, office.now + 5 * MINUTE)
    assert office.seen(Indicator.BARE) == 20


def test_only_who_opens_customers_is_watched(office):
    with office.store.unit() as session:
        sam = factories.an_agent(session, NOW, role="supervisor")
        assert session.get_one(Staff, sam.id).role == "supervisor"
    office.agent = sam.id
    office.looks_up(office.a_customer())
    office.wait(GRACE + MINUTE)
    assert office.store.all(select(StaffProfileState)) == []
