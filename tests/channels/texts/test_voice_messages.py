"""Automatic calls: for phones that take no texts, and for who asks for their booked calls."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlmodel import col, select

from incidents.reports.models import Report
from messaging import line_types
from messaging.dispatch.worker import Worker
from messaging.models import MessageState, OutboxMessage, SimulatorPhoneMode
from messaging.providers.simulator.sms import SimulatorSmsProvider
from messaging.providers.simulator.voice import SimulatorVoiceProvider
from scheduling.models import Callback
from scheduling.notifications import voice_fallback
from tests import databases, factories
from tests.channels.support import AUTH_TOKEN, PHONE, signed_post
from vault.keys import keyring
from vault.models import AuditEntry
from verification import number_proof

pytestmark = pytest.mark.settings(
    public_url="https://check.example.org", twilio_auth_token=AUTH_TOKEN
)
POLICY = factories.a_policy(reminders=(timedelta(days=1), timedelta(hours=1)))


@pytest.fixture
def there(app, database) -> databases.Store:
    return databases.opened(database)


@pytest.fixture
def landline(there, clock):
    """A customer with a landline, and a call booked in two days: its announcement is spoken."""
    with there.unit() as session:
        customer = factories.a_customer(session, clock.now, PHONE)
        line_types.record_line_type(session, PHONE, line_types.LANDLINE, clock.now)
        ahead = timedelta(days=2)
        return factories.a_callback(
            session, clock.now, customer=customer, ahead=ahead, policy=POLICY
        )


def spoken(there, **only) -> list[OutboxMessage]:
    of = select(OutboxMessage).where(OutboxMessage.medium == "voice")
    rows = there.all(of.order_by(col(OutboxMessage.id)))
    return [row for row in rows if all(getattr(row, k) == v for k, v in only.items())]


def press(client, row, keys: str = "", stage: str = "", to: str = PHONE):
    path = f"/twilio/voice/spoken/{row.id}" + (f"?stage={stage}" if stage else "")
    form = {"CallSid": "CA1", "To": to, "From": "+442079460123"}
    answer = signed_post(client, path, {**form, "Digits": keys} if keys else form)
    assert answer.status_code == 200
    return answer.text


def kept(there, callback) -> Callback:
    return there.all(select(Callback).where(Callback.id == callback.id))[0]


def test_a_landline_is_told_by_voice_and_reminded_once(there, landline):
    assert [(row.kind, row.medium) for row in there.all(select(OutboxMessage))] == [
        ("booked", "voice"),
        ("reminder", "voice"),
    ]
    (reminder,) = spoken(there, kind="reminder")
    assert landline.starts_at - reminder.wanted_at == timedelta(hours=1)


def test_nothing_is_said_before_somebody_presses_a_key(client, there, landline):
    (row,) = spoken(there, kind="booked")
    first = press(client, row)
    assert "Press 1" in first
    assert "Ana" not in first
    assert "Ana will ring you" in press(client, row, "1", "hear")
    assert "Ana" not in press(client, row, "5", "hear")
    assert "Ana" not in press(client, row, "", "hear")


def test_two_takes_the_call_off_and_opens_a_report(client, there, landline):
    (row,) = spoken(there, kind="booked")
    assert "The call is off" in press(client, row, "2", "answer")
    assert kept(there, landline).state == "refused"
    (report,) = there.all(select(Report))
    assert (report.kind, report.channel, report.callback_id) == ("refused", "voice", landline.id)
    press(client, row, "2", "answer")
    assert len(there.all(select(Report))) == 1


def test_three_offers_times_and_a_key_takes_one(client, there, landline):
    (row,) = spoken(there, kind="booked")
    offered = press(client, row, "3", "answer")
    assert offered.count("press 3") == 2  # said twice
    assert "Ana will ring you" in press(client, row, "2", "pick")
    assert kept(there, landline).starts_at != landline.starts_at
    assert kept(there, landline).moves == 1
    press(client, row, "2", "pick")
    assert kept(there, landline).moves == 1


@pytest.mark.parametrize("to", ["+447400123457", "", "anonymous", "+44"])
def test_it_is_said_only_to_the_phone_it_is_for(client, there, landline, to):
    (row,) = spoken(there, kind="booked")
    for keys, stage in (("", ""), ("1", "hear"), ("2", "answer")):
        answer = press(client, row, keys, stage, to)
        assert "<Say" not in answer
    assert kept(there, landline).state == "booked"


def test_a_message_that_is_unknown_too_late_or_a_text_says_nothing(client, there, landline, clock):
    (row,) = spoken(there, kind="booked")
    for bad in ("nonsense", "00000000-0000-0000-0000-000000000000"):
        answer = signed_post(client, f"/twilio/voice/spoken/{bad}", {"To": PHONE, "CallSid": "CA1"})
        assert "<Say" not in answer.text
    clock.now += timedelta(days=3)
    assert "<Say" not in press(client, row)


def test_each_hearing_is_written_down(client, there, landline):
    (row,) = spoken(there, kind="booked")
    press(client, row, "1", "hear")
    said = [e for e in there.all(select(AuditEntry)) if e.purpose == "to say it"]
    assert [e.customer_id for e in said] == [landline.customer_id]


def test_a_text_that_failed_at_a_landline_is_said_once(there, clock, app):
    with there.unit() as session:
        customer = factories.a_customer(session, clock.now, PHONE)
        made = factories.a_callback(session, clock.now, customer=customer, ahead=timedelta(days=1))
        index = keyring.current_keyring(session).compute_blind_index("phone", PHONE)
        session.add(SimulatorPhoneMode(phone_index=index, mode="landline", seconds=0))
    gateways = [SimulatorSmsProvider(there.engine, there.ring)]
    voices = [SimulatorVoiceProvider(there.engine, there.ring)]
    worker = Worker(there.engine, there.ring, gateways, clock, voices=voices)
    worker.run_once()
    (text,) = there.all(select(OutboxMessage))
    assert (text.state, text.error) == (MessageState.FAILED, "landline")
    for _ in range(3):
        with there.unit() as session:
            voice_fallback.announce_failed_by_voice(session, POLICY, clock.now)
        worker.run_once()
    said = spoken(there, kind="booked")
    assert [(row.state, row.callback_id) for row in said] == [(MessageState.SENT, made.id)]


def test_who_rings_and_asks_is_rung_back_and_hears_nothing_in_this_call(client, there, landline):
    form = {"CallSid": "CA7", "From": PHONE, "To": "+442079460123", "FromCountry": "GB"}
    asked = signed_post(client, "/twilio/voice/code", {**form, "Digits": "0"})
    assert "we ring you back" in asked.text
    assert "Ana" not in asked.text
    (row,) = spoken(there, kind="own")
    assert "Ana will ring you" in press(client, row, "1", "hear")
    assert "The call is off" in press(client, row, "2", "answer")
    assert kept(there, landline).state == "refused"


def test_a_stranger_is_answered_alike_and_nobody_is_pestered(client, there, landline):
    def ask(sid: str, phone: str) -> str:
        form = {"CallSid": sid, "From": phone, "To": "+442079460123", "FromCountry": "GB"}
        return signed_post(client, "/twilio/voice/code", {**form, "Digits": "0"}).text

    answers = {ask("CA1", PHONE), ask("CA2", "+447400999999")}
    assert len(answers) == 1
    ask("CA1", PHONE)
    for n in range(3, 9):
        ask(f"CA{n}", PHONE)
    assert len(spoken(there, kind="own")) == 1


def test_who_wants_to_hear_it_is_rung_back_again_three_times_an_hour(client, there, landline):
    def ask(n: int) -> None:
        form = {"CallSid": f"CA{n}", "From": PHONE, "To": "+442079460123", "FromCountry": "GB"}
        signed_post(client, "/twilio/voice/code", {**form, "Digits": "0"})
        press(client, spoken(there, kind="own")[-1], "1", "hear")

    for n in range(6):
        ask(n)
    assert len(spoken(there, kind="own")) == 3


def test_a_page_number_is_never_said_to_a_machine(client, there, clock):
    with there.unit() as session:
        factories.a_customer(session, clock.now, PHONE)
        number_proof.issue_page_number(session, PHONE, "voice", POLICY, clock.now)
    (row,) = spoken(there, kind="proof")
    heard = "".join(re.findall(r"<Say[^>]*>([^<]*)</Say>", press(client, row)))
    assert re.findall(r"\d", heard) == ["1", "1"]  # the key, said twice
    said = press(client, row, "1", "hear")
    assert "scammer" in said
    assert "press 2" not in said


def test_unsigned_it_is_refused(client, there, landline):
    (row,) = spoken(there, kind="booked")
    assert client.post(f"/twilio/voice/spoken/{row.id}", data={"To": PHONE}).status_code == 403
