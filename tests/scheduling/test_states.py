"""The life of a callback: what the table does not allow does not happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from scheduling.booking import cancellations
from scheduling.errors import OutsideWindow, WrongState
from scheduling.models import Callback
from scheduling.states import (
    LIVE_STATES,
    TRANSITIONS,
    CallbackState,
    CallOutcome,
    require_state,
    require_transition,
)
from tests import databases, factories
from tests.scheduling import state_table
from verification import call_end, call_session, issued_codes, open_codes
from verification.code_check import check_code
from verification.verdicts import Channel, Genuine

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
#: Said once more, by hand: booked, then called and perhaps confirmed, then over; what was missed
#: or cancelled can be booked again.
ALLOWED = {
    ("booked", "started"),
    ("booked", "missed"),
    ("booked", "refused"),
    ("booked", "cancelled"),
    ("started", "confirmed"),
    ("started", "ended"),
    ("confirmed", "ended"),
    ("missed", "booked"),
    ("cancelled", "booked"),
}


@pytest.mark.parametrize(("current", "wanted"), product(CallbackState, CallbackState))
def test_exactly_the_moves_of_the_table_are_allowed(current, wanted):
    if (current, wanted) in ALLOWED:
        require_transition(current, wanted)
        return
    with pytest.raises(WrongState, match=f"callback_{current}"):
        require_transition(current, wanted)


def test_every_state_has_its_row_and_is_reached():
    assert set(TRANSITIONS) == set(CallbackState)
    reached = {CallbackState.BOOKED}.union(*TRANSITIONS.values())
    assert reached == set(CallbackState)
    assert {state for state in CallbackState if not TRANSITIONS[state]}.isdisjoint(LIVE_STATES)


def test_the_docs_show_the_table_as_it_is():
    assert state_table.documented_table() == state_table.expected_table(), (
        "run: python -m tests.scheduling.state_table"
    )


@pytest.mark.parametrize("current", CallbackState)
def test_what_needs_a_state_is_refused_in_any_other(current):
    require_state(current, current)
    with pytest.raises(WrongState):
        require_state(current, *(set(CallbackState) - {current}))


class Life(RuleBasedStateMachine):
    """Agents, customers, the clock and the worker do what they like, in any order."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self.store, self.now = databases.opened(self.url), NOW
        self.policy = factories.a_policy(min_notice_minutes=0)
        self.phone, self.code, self.genuine = factories.a_phone(), "", 0
        with self.store.unit() as session:
            who = factories.a_customer(session, self.now, self.phone)
            self.id = factories.a_callback(session, self.now, customer=who).id
        self.past = [CallbackState.BOOKED]

    def do(self, act, *arguments) -> None:
        try:
            with self.store.unit() as session:
                act(session, session.get_one(Callback, self.id), *arguments)
        except (WrongState, OutsideWindow):
            pass
        self.look()

    def look(self) -> None:
        with self.store.unit() as session:
            self.kept = session.get_one(Callback, self.id)
            self.open = open_codes.find_open_code(session, self.id)
        state = CallbackState(self.kept.state)
        if state != self.past[-1]:
            assert (self.past[-1], state) in ALLOWED
            self.past.append(state)

    @rule(minutes=st.integers(1, 12))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule()
    def start(self):
        def act(session, callback):
            self.code = call_session.start_call(session, callback, self.policy, self.now).code

        self.do(act)

    @rule()
    def new_code(self):
        def act(session, callback):
            self.code = issued_codes.reissue_code(session, callback, self.policy, self.now).code

        self.do(act)

    @rule(channel=st.sampled_from(Channel), right=st.booleans())
    @precondition(lambda self: self.code)
    def try_code(self, channel, right):
        code = self.code if right else factories.wrong(self.code)
        with self.store.unit() as session:
            told = check_code(session, self.phone, code, channel, self.now, organisation="B")
        self.genuine += isinstance(told, Genuine)
        self.look()

    @rule(outcome=st.sampled_from(CallOutcome))
    def end(self, outcome):
        self.do(call_end.end_call, outcome, self.policy, self.now)

    @rule()
    def cancel(self):
        self.do(cancellations.cancel_booked_callback, self.policy, self.now)

    @rule()
    def refuse(self):
        self.do(cancellations.refuse_callback, self.now)

    @rule()
    def tidy(self):
        with self.store.unit() as session:
            cancellations.mark_overdue_missed(session, self.policy, self.now)
            call_end.end_overdue_calls(session, self.now)
        self.look()

    @invariant()
    def what_the_row_says_fits_its_state(self):
        self.look()
        kept, state = self.kept, CallbackState(self.kept.state)
        assert self.genuine == (kept.confirmed_at is not None) <= 1
        assert (CallbackState.CONFIRMED in self.past) == (kept.confirmed_at is not None)
        assert (kept.started_at is not None) == (CallbackState.STARTED in self.past)
        assert (kept.ended_at is not None) == (state not in {CallbackState.BOOKED, *LIVE_STATES})
        assert (self.open is not None) == (state in LIVE_STATES)

    def teardown(self) -> None:
        self.store.engine.dispose()


def test_any_course_of_events_stays_on_the_table(database):
    machine = type("Life", (Life,), {"url": database})
    machine.TestCase.settings = settings(
        max_examples=15,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine.TestCase().runTest()
