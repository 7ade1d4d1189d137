"""C1: a code is good for one callback and one phone number, no matter who knows it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from tests import databases, factories
from tests.channels.support import signed_post
from tests.processes import at_once
from tests.security_rules.support.check_channels import CHANNELS, SETTINGS, ask, of_its_own
from verification.models import Code

pytestmark = pytest.mark.settings(**SETTINGS)
VICTIM, SCAMMER = "+447400200001", "+447400200002"
#: Calls of one customer never overlap; but the next may be started while one is in progress.
EARLY = factories.a_policy(window_lead_minutes=60)


@pytest.fixture
def there(app, database) -> databases.Store:
    return databases.opened(database)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_scammer_cannot_use_his_own_calls_code_on_somebody_else(app, there, clock, channel):
    """He books a call to himself, gets its code, and rings a stranger with it."""
    his = factories.a_call(there, clock.now, SCAMMER)
    assert CHANNELS[channel](app, VICTIM, his.code) == "not_confirmed"
    assert CHANNELS[channel](app, SCAMMER, his.code) == "genuine"


@pytest.mark.parametrize("channel", CHANNELS)
def test_nor_on_a_customer_who_has_a_call_of_her_own_just_now(app, there, clock, channel):
    his = factories.a_call(there, clock.now, SCAMMER)
    hers = factories.a_call(there, clock.now, VICTIM)
    if his.code == hers.code:  # one in a million
        hers = _reissued(there, hers, clock.now)
    assert CHANNELS[channel](app, VICTIM, his.code) == "not_confirmed"
    assert CHANNELS[channel](app, VICTIM, hers.code) == "genuine"
    assert CHANNELS[channel](app, SCAMMER, his.code) == "genuine"


def _reissued(there, call, now):
    from dataclasses import replace

    from scheduling import callback_rows
    from verification import issued_codes

    with there.unit() as session:
        held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
        issued = issued_codes.reissue_code(session, held, factories.a_policy(), now)
        return replace(call, code=issued.code)


def test_two_calls_whose_codes_happen_to_be_equal_are_kept_apart(app, there, clock, monkeypatch):
    from verification import codes

    monkeypatch.setattr(codes, "hotp_code", lambda secret, counter, digits: "123456")
    one = factories.a_call(there, clock.now, VICTIM)
    two = factories.a_call(there, clock.now, SCAMMER)
    assert one.code == two.code == "123456"
    assert CHANNELS["api"](app, VICTIM, "123456") == "genuine"
    confirmed = [c.callback_id for c in there.all(select(Code)) if c.confirmed_at]
    assert confirmed == [one.callback_id]
    assert CHANNELS["api"](app, SCAMMER, "123456") == "genuine"


@pytest.mark.parametrize(
    "written",
    [
        "07400200001",
        "0044 7400 200001",
        "+44 (0)7400-200001",
        "０７４００ ２００００１",
        "٠٧٤٠٠٢٠٠٠٠١",
    ],
)
def test_the_number_counts_and_not_how_it_is_written(app, there, clock, written):
    call = factories.a_call(there, clock.now, VICTIM)
    assert CHANNELS["web"](app, written, factories.wrong(call.code)) == "not_confirmed"
    assert CHANNELS["web"](app, written, call.code) == "genuine"


def test_a_customer_has_one_call_at_a_time_so_a_number_never_has_two_codes(there, clock):
    from scheduling.errors import WrongState

    factories.a_call(there, clock.now, VICTIM)
    later = timedelta(minutes=28)
    with pytest.raises(WrongState, match="another_call_going_on"):
        factories.a_call(there, clock.now, VICTIM, ahead=later, policy=EARLY)


@pytest.mark.both
def test_two_agents_who_start_at_once_leave_one_code(app, there, clock):
    """All calls are booked; all Starts come at the same moment, each in its own process."""
    from scheduling import callback_rows
    from scheduling.errors import WrongState
    from verification import call_session

    earlier = clock.now - timedelta(minutes=10)
    with there.unit() as session:
        customer = factories.a_customer(session, earlier, VICTIM)
        made = [
            factories.a_callback(
                session, earlier, customer=customer, minutes=5, ahead=timedelta(minutes=13 + 5 * n)
            )
            for n in range(8)
        ]
        pairs = [(item.id, item.agent_id) for item in made]

    def start(callback_id, agent_id) -> str:
        with databases.opened(there.url, wait_seconds=60).unit() as session:
            held = callback_rows.get_held_callback(session, callback_id, agent_id)
            try:
                return call_session.start_call(session, held, EARLY, clock.now).code
            except WrongState:
                return "refused"

    told = at_once([lambda p=pair: start(*p) for pair in pairs], of_its_own(app))
    assert told.count("refused") == 7
    assert len([c for c in there.all(select(Code)) if c.callback_id and not c.closed_at]) == 1
    (code,) = set(told) - {"refused"}
    assert ask(app, "api", VICTIM, code) == "genuine"


def cannot_check(app, phone: str, code: str) -> bool:
    told = app.test_client().post("/api/v1/checks", json={"phone": phone, "code": code})
    return (told.status_code, told.json) == (503, {"verdict": "cannot_check"})


def test_the_row_of_a_code_put_at_another_number_cannot_be_opened(app, there, clock):
    """By somebody with write access to the database, but without the keys: he copies the index
    of the victim's number from her record to the code of his own call."""
    his = factories.a_call(there, clock.now, SCAMMER)
    with there.unit() as session:
        victim = factories.a_customer(session, clock.now, VICTIM)
        session.exec(
            update(Code)
            .where(col(Code.callback_id) == his.callback_id)
            .values(phone_index=victim.phone_index)
        )
    assert cannot_check(app, VICTIM, his.code)


def test_nor_can_its_secret_in_the_row_of_another(app, there, clock):
    his = factories.a_call(there, clock.now, SCAMMER)
    hers = factories.a_call(there, clock.now, VICTIM)
    rows = {c.callback_id: c for c in there.all(select(Code)) if c.callback_id}
    with there.unit() as session:
        mine, theirs = rows[his.callback_id], rows[hers.callback_id]
        session.exec(
            update(Code).where(col(Code.id) == theirs.id).values(secret=mine.secret, counter=0)
        )
    assert cannot_check(app, VICTIM, his.code)


def test_a_text_or_a_call_names_its_number_by_the_signed_request_alone(app, client, there, clock):
    """What is written in a text, or said beside the number in a request, changes nothing."""
    his = factories.a_call(there, clock.now, SCAMMER)
    form = {"MessageSid": "SM1", "From": VICTIM, "Body": f"{his.code} {SCAMMER}", "phone": SCAMMER}
    answer = signed_post(client, "/twilio/sms", form).text
    assert "GENUINE" not in answer
    assert not any(c.confirmed_at for c in there.all(select(Code)))
