"""Many processes book, move, reassign, cancel and revive over the same hours, on both databases.

``VOUCHLINE_TEST_ROUNDS`` is how many acts there are in all; the figures in the documentation are
those of 10,000.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from uuid import UUID

import pytest
from sqlmodel import col, select

from people.errors import InvalidInput
from people.models import Customer, Membership, Staff, Team
from scheduling import callback_rows
from scheduling.availability import slots
from scheduling.availability.agent_assignment import AgentRequirements
from scheduling.booking import any_agent_booking, bookings, cancellations, handover, time_changes
from scheduling.booking.bookings import BookingRequest
from scheduling.errors import SlotTaken, WrongState
from scheduling.models import Callback, ReservedSlot
from scheduling.states import CallbackState
from tests import databases, factories
from tests.processes import at_once
from vault.audit import audit_log

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
POLICY = factories.a_policy(min_notice_minutes=0)
PROCESSES = 64
ROUNDS = int(os.environ.get("VOUCHLINE_TEST_ROUNDS", "1600"))
#: Two teams of three: one needs time around its calls, the other can hold two calls at a time.
TEAMS = (
    {"name": "Cards", "buffer_before": 5, "buffer_after": 10},
    {"name": "Loans", "capacity": 2},
)


@pytest.fixture
def people(store):
    """Teams, six agents and twenty customers."""
    with store.unit() as session:
        teams, agents = [], []
        for given in TEAMS:
            team = Team(**given, created_at=NOW)
            session.add(team)
            session.flush()
            teams.append(team.id)
            for _ in range(3):
                agent = factories.an_agent(session, NOW)
                session.add(Membership(staff_id=agent.id, team_id=team.id))
                agents.append(agent.id)
        return teams, agents, [factories.a_customer(session, NOW).id for _ in range(20)]


class Worker:
    """One process: does what comes into its mind, and says with what result."""

    def __init__(self, url: str, people, seed: int) -> None:
        self.store = databases.opened(url, wait_seconds=300)
        self.teams, self.agents, self.customers = people
        self.random = random.Random(seed)
        self.told: Counter[str] = Counter()
        self.made: list[str] = []

    def run(self, rounds: int) -> tuple[dict[str, int], list[str]]:
        acts = [self.book, self.book, self.book_anybody, self.move, self.move]
        acts += [self.hand_over, self.cancel, self.revive, self.revive, self.refuse]
        for _ in range(rounds):
            act = self.random.choice(acts)
            try:
                with self.store.unit() as session:
                    said = act(session)
            except SlotTaken as taken:
                said = f"taken, {'some' if taken.free_slots else 'none'} free"
            except (WrongState, InvalidInput):
                said = "not possible"
            self.told[f"{act.__name__}: {said}"] += 1
        return dict(self.told), self.made

    def at(self) -> datetime:
        return NOW + timedelta(minutes=5 * self.random.randrange(1, 60))

    def wish(self) -> BookingRequest:
        return BookingRequest(self.at(), self.random.choice((5, 15, 20, 45)), "your router")

    def someone(self, session) -> Customer:
        return session.get_one(Customer, self.random.choice(self.customers))

    def one_of(self, session, *states: CallbackState) -> Callback | None:
        found = session.exec(
            select(Callback.id).where(col(Callback.state).in_(states)).order_by(Callback.id)
        ).all()
        return callback_rows.lock_callback(session, self.random.choice(found)) if found else None

    def book(self, session) -> str:
        agent = self.random.choice(self.agents)
        made = bookings.book_callback(
            session, self.someone(session), agent, self.wish(), POLICY, NOW
        )
        return self.note(made)

    def book_anybody(self, session) -> str:
        need, who = AgentRequirements(team_id=self.random.choice(self.teams)), self.someone(session)
        return self.note(
            any_agent_booking.book_with_any_agent(
                session, who, need, self.wish(), POLICY, NOW, audit_log.CUSTOMER
            )
        )

    def note(self, made: Callback) -> str:
        self.made.append(str(made.id))
        return "done"

    def move(self, session) -> str:
        found = self.one_of(session, CallbackState.BOOKED)
        if found is None:
            return "nothing there"
        time_changes.reschedule_callback(session, found, self.at(), POLICY, NOW)
        return "done"

    def hand_over(self, session) -> str:
        found = self.one_of(session, CallbackState.BOOKED)
        if found is None:
            return "nothing there"
        handover.hand_over_callback(session, found, self.random.choice(self.agents), POLICY, NOW)
        return "done"

    def cancel(self, session) -> str:
        found = self.one_of(session, CallbackState.BOOKED)
        if found is None:
            return "nothing there"
        cancellations.cancel_booked_callback(session, found, POLICY, NOW)
        return "done"

    def refuse(self, session) -> str:
        found = self.one_of(session, CallbackState.BOOKED)
        if found is None or self.random.random() < 0.7:
            return "nothing there"
        cancellations.refuse_callback(session, found, NOW)
        return "done"

    def revive(self, session) -> str:
        found = self.one_of(session, CallbackState.CANCELLED)
        if found is None:
            return "nothing there"
        time_changes.rebook_callback(session, found, self.at(), POLICY, NOW)
        return "done"


def work(url: str, people, rounds: int, seed: int) -> tuple[dict[str, int], list[str]]:
    return Worker(url, people, seed).run(rounds)


@pytest.mark.campaign
@pytest.mark.timeout(3000)
def test_whatever_is_done_at_once_nobody_has_two_calls_at_a_time(store, people):
    acts = [partial(work, store.url, people, ROUNDS // PROCESSES, n) for n in range(PROCESSES)]
    answers = at_once(acts, lambda: store.engine.dispose(close=False), wait=2400)
    told: Counter[str] = Counter()
    for counts, _ in answers:
        told.update(counts)
    for act in ("book", "book_anybody", "move", "hand_over", "cancel", "revive"):
        assert told[f"{act}: done"] > 0, act
    assert told["book: taken, some free"] > 0
    made = {UUID(id_) for _, ids in answers for id_ in ids}
    kept = store.all(select(Callback))
    assert made == {row.id for row in kept}
    look(store, [row for row in kept if row.state == CallbackState.BOOKED])


def look(store, booked: list[Callback]) -> None:
    """All that stands is apart, as the clock says and as the table of taken steps says."""
    assert booked
    apart(booked, "agent_id", buffers=True)
    apart(booked, "customer_id", buffers=False)
    members = {row.staff_id: row.team_id for row in store.all(select(Membership))}
    (loans,) = (team for team in store.all(select(Team)) if team.capacity)
    ours = [row for row in booked if members[row.agent_id] == loans.id]
    at_once_most(ours, loans.capacity)
    rows = store.all(select(ReservedSlot))
    assert Counter(row.callback_id for row in rows) == Counter(
        {row.id: steps_of(row, row in ours) for row in booked}
    )
    assert {row.seat for row in rows} <= {0, 1}
    assert {s.id for s in store.all(select(Staff))} >= {row.agent_id for row in booked}


def apart(booked: list[Callback], holder: str, *, buffers: bool) -> None:
    spans = sorted(
        (
            str(getattr(row, holder)),
            row.starts_at - timedelta(minutes=row.buffer_before * buffers),
            row.ends_at + timedelta(minutes=row.buffer_after * buffers),
        )
        for row in booked
    )
    for (one, _, end), (other, begin, _) in pairwise(spans):
        assert one != other or end <= begin


def at_once_most(rows: list[Callback], capacity: int) -> None:
    for row in rows:
        beside = [
            one_row for one_row in rows if one_row.starts_at <= row.starts_at < one_row.ends_at
        ]
        assert len(beside) <= capacity


def steps_of(row: Callback, seated: bool) -> int:
    own = slots.call_steps(row.starts_at, row.minutes, row.buffer_before, row.buffer_after)
    call = slots.call_steps(row.starts_at, row.minutes)
    return len(own) + len(call) * (2 if seated else 1)


def test_one_process_alone_keeps_the_same_promises(store, people):
    """The same acts without a race, so that a mistake in them is seen at once."""
    told, _ = work(store.url, people, 60, 1)
    assert sum(told.values()) == 60
    look(store, [row for row in store.all(select(Callback)) if row.state == CallbackState.BOOKED])
