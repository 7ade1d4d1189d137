"""The dialler: each wanted call is placed once, or given up within a minute and said so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from messaging import call_queue
from messaging.call_states import CallState
from messaging.dispatch import call_worker
from messaging.dispatch.call_placer import CallPlacer
from messaging.models import PhoneCall
from messaging.providers.base import OutcomeUnknown, Rejected, Unavailable
from messaging.providers.twilio.voice import TwilioVoiceProvider
from messaging.sending_limits import SendingLimits
from tests import factories
from tests.security_rules.support.crash_helpers import until_killed
from vault.keys import keyring

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
AGENT = "+447400123499"


@dataclass
class Exchange:
    """A line that remembers the numbers it rang; ``stumbles`` are its next failures."""

    stumbles: list = field(default_factory=list)
    rung: list = field(default_factory=list)
    ended: list = field(default_factory=list)
    placed = CallState.RINGING_YOU

    def place_call(self, call):
        problem = self.stumbles.pop(0) if self.stumbles else None
        if isinstance(problem, (Unavailable, Rejected)):
            raise problem
        self.rung.append((call.reference, call.to))
        if problem:
            raise problem
        return f"CA{call.reference.hex}"

    def find_placed_call(self, call):
        found = [reference for reference, _ in self.rung if reference == call.reference]
        return f"CA{found[0].hex}" if found else None

    def hang_up(self, provider_id):
        self.ended.append(provider_id)


class Desk:
    """A call that is wanted, and a dialler whose clock the test moves."""

    def __init__(self, store, rules=SendingLimits()):  # noqa: B008
        self.store, self.now, self.line = store, NOW, Exchange()
        call = factories.a_call(store, NOW)
        with store.unit() as session:
            self.id = call_queue.queue_call(session, call.callback_id, AGENT, NOW).id
        info = keyring.keyring_session_info(store.ring)
        self.dialler = CallPlacer(store.engine, info, self.line, lambda: self.now, rules)

    def at(self, seconds: float) -> PhoneCall:
        self.now = NOW + timedelta(seconds=seconds)
        self.dialler.handle_due_calls()
        return self.row

    @property
    def row(self) -> PhoneCall:
        return self.store.all(select(PhoneCall).where(PhoneCall.id == self.id))[0]


@pytest.fixture
def desk(store):
    return Desk(store)


def test_a_wanted_call_is_placed_once(desk):
    for second in (0, 1, 40, 90):
        desk.at(second)
    assert desk.line.rung == [(desk.id, AGENT)]
    assert (desk.row.state, desk.row.agent_sid) == ("ringing_you", f"CA{desk.id.hex}")


def test_what_may_have_been_placed_is_looked_up_first(desk):
    desk.line.stumbles = [OutcomeUnknown()]
    desk.at(0)
    assert desk.at(3).state == "ringing_you"
    assert len(desk.line.rung) == 1


def test_a_worker_killed_after_dialling_leaves_a_call_that_is_looked_up(desk):
    with desk.store.unit() as session:
        job = call_worker.lease_calls(session, SendingLimits(), NOW)[0]
    desk.line.place_call(job.ring)
    assert desk.at(10).state == "dialling"
    assert desk.at(31).state == "ringing_you"
    assert len(desk.line.rung) == 1


@pytest.mark.both
def test_killed_at_any_act_it_is_dialled_once(store, tmp_path):
    """The line keeps its calls in a file, which outlives the worker."""
    calls, path = [], tmp_path / "rung"

    class Filed(Exchange):
        def place_call(self, call):
            with path.open("a") as file:
                file.write(f"{call.reference}\n")
            return f"CA{call.reference.hex}"

        def find_placed_call(self, call):
            taken = path.read_text().split() if path.exists() else []
            return f"CA{call.reference.hex}" if str(call.reference) in taken else None

    def work(inner, fuse):
        info = keyring.keyring_session_info(inner.ring)
        CallPlacer(inner.engine, info, Filed(), lambda: NOW, SendingLimits()).handle_due_calls()

    for acts in range(0, 60, 4):
        calls.append(Desk(store).id)
        if not until_killed(store.url, acts, work):
            break
    later = NOW + timedelta(seconds=31)
    CallPlacer(
        store.engine,
        keyring.keyring_session_info(store.ring),
        Filed(),
        lambda: later,
        SendingLimits(),
    ).handle_due_calls()
    while CallPlacer(
        store.engine,
        keyring.keyring_session_info(store.ring),
        Filed(),
        lambda: later,
        SendingLimits(),
    ).handle_due_calls():
        pass
    rung = path.read_text().split()
    assert sorted(rung) == sorted(map(str, calls))


def test_a_line_that_is_down_is_tried_again_for_a_minute(desk):
    desk.line.stumbles = [Unavailable()] * 2
    assert desk.at(0).error == "unavailable"
    desk.at(3)
    assert desk.at(6).state == "ringing_you"


def test_what_is_not_placed_within_a_minute_is_given_up(desk):
    desk.line.stumbles = [Unavailable()] * 99
    for second in range(0, 60, 3):
        assert desk.at(second).state == "wanted"
    row = desk.at(61)
    assert (row.state, row.error) == ("failed", "too_late")
    assert desk.line.rung == []


def test_a_refusal_is_final_and_says_why(desk):
    desk.line.stumbles = [Rejected("invalid_number")]
    row = desk.at(0)
    assert (row.state, row.error, desk.line.rung) == ("failed", "invalid_number", [])


def test_the_ceiling_on_spending_holds_for_calls(store):
    desk = Desk(store, SendingLimits(call_price=100, per_hour=100))
    assert (desk.at(0).state, desk.row.error, desk.line.rung) == ("failed", "ceiling", [])


def test_a_call_of_a_callback_that_is_over_is_not_dialled_and_a_placed_one_ends(desk):
    with desk.store.unit() as session:
        call_queue.close_calls(session, desk.row.callback_id, NOW)
    assert desk.at(0).state == "hung_up"
    assert desk.line.rung == []
    other = Desk(desk.store)
    other.at(0)
    with desk.store.unit() as session:
        call_queue.close_calls(session, other.row.callback_id, NOW)
    other.at(1)
    assert other.line.ended == [f"CA{other.id.hex}"]
    other.at(50)
    assert len(other.line.ended) == 1


def test_twilio_is_asked_with_our_addresses():
    from messaging.providers.voice_base import OutboundCall
    from storage.column_types import new_id
    from tests.messaging.providers.twilio_server import provider

    with provider() as there:
        line = TwilioVoiceProvider(
            "AC" + "0" * 32, "t", from_number="+442079460123",
            base_url="https://check.example.org", api_base=there.address,
        )  # fmt: skip
        ring = OutboundCall(new_id(), AGENT, NOW)
        there.take = lambda form: {"sid": "CA" + "1" * 32, "to": form["To"]}
        assert line.place_call(ring) == "CA" + "1" * 32
        form = there.asked[0][2]
        assert (form["To"], form["From"]) == (AGENT, "+442079460123")
        assert form["Url"] == f"https://check.example.org/twilio/voice/bridge/{ring.reference}"
        assert f"/twilio/status/call?call={ring.reference}" in form["StatusCallback"]
        there.answers = [(400, 21211), (500, None), "accept and hang up", (401, 20003)]
        for kind in (Rejected, OutcomeUnknown, OutcomeUnknown, Unavailable):
            with pytest.raises(kind):
                line.place_call(ring)
