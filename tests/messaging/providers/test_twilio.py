"""Texts by Twilio's own client, to a server on this machine that answers as Twilio does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlmodel import select

from messaging.dispatch.worker import Worker
from messaging.models import OutboxMessage
from messaging.providers.base import OutboundMessage, OutcomeUnknown, Rejected, Unavailable
from messaging.providers.twilio.client import PERMANENT_ERRORS
from messaging.providers.twilio.sms import TwilioSmsProvider
from messaging.providers.twilio.voice import TwilioVoiceProvider
from tests import databases, factories
from tests.messaging.providers.twilio_server import provider
from tests.servers import free_port

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=1)
LETTER = OutboundMessage(uuid4(), "+447400123456", "Hello ✓ & more", NOW, UNTIL)


@pytest.fixture
def there():
    with provider() as running:
        yield running


@pytest.fixture
def gateway(there):
    return TwilioSmsProvider(
        "ACtest", "token", from_number="+442079460123", api_base=there.address + "/"
    )


def test_a_text_is_created_for_its_recipient(there, gateway):
    sid = gateway.send_message(LETTER, NOW)
    assert sid == there.accepted[0]["sid"]
    method, path, form = there.asked[0]
    assert (method, path) == ("POST", "/2010-04-01/Accounts/ACtest/Messages.json")
    assert form == {
        "To": LETTER.to,
        "Body": LETTER.body,
        "From": "+442079460123",
        "ValidityPeriod": "3600",
    }


def test_a_messaging_service_stands_in_for_the_number(there):
    service = TwilioSmsProvider("ACtest", "t", messaging_service_sid="MG1", api_base=there.address)
    service.send_message(LETTER, NOW)
    assert there.asked[0][2]["MessagingServiceSid"] == "MG1"
    assert "From" not in there.asked[0][2]


@pytest.mark.parametrize("code", sorted(PERMANENT_ERRORS))
def test_what_no_later_try_can_mend_is_rejected_by_name(there, gateway, code):
    there.answers = [(400, code)]
    with pytest.raises(Rejected) as told:
        gateway.send_message(LETTER, NOW)
    assert told.value.code == PERMANENT_ERRORS[code]
    assert len(there.asked) == 1


def test_opted_out_and_landline_are_known():
    assert (PERMANENT_ERRORS[21610], PERMANENT_ERRORS[30006]) == ("opted_out", "landline")


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        ((429, 20429), Unavailable),
        ((401, 20003), Unavailable),
        ((403, 20403), Unavailable),
        ((500, 20500), OutcomeUnknown),
        ((502, None), OutcomeUnknown),
        ((503, None), OutcomeUnknown),
        ((400, 99999), Rejected),
        ((404, 20404), Rejected),
        ("hang up", OutcomeUnknown),
        ("accept and hang up", OutcomeUnknown),
        ("no json", OutcomeUnknown),
    ],
)
def test_what_each_failure_means(there, gateway, answer, meaning):
    there.answers = [answer]
    with pytest.raises(meaning):
        gateway.send_message(LETTER, NOW)
    assert len([item for item in there.asked if item[0] == "POST"]) == 1


def test_a_provider_that_is_away_is_asked_again_later():
    away = TwilioSmsProvider(
        "ACtest", "t", from_number="+1", api_base=f"http://127.0.0.1:{free_port()}"
    )
    with pytest.raises((Unavailable, OutcomeUnknown)):
        away.send_message(LETTER, NOW)
    with pytest.raises(Unavailable):
        away.find_message(LETTER)


def test_a_text_is_found_by_recipient_time_and_body(there, gateway):
    assert gateway.find_message(LETTER) is None
    sid = gateway.send_message(LETTER, NOW)
    assert gateway.find_message(LETTER) == sid
    assert (
        gateway.find_message(OutboundMessage(LETTER.reference, LETTER.to, "another", NOW, UNTIL))
        is None
    )
    assert (
        gateway.find_message(
            OutboundMessage(LETTER.reference, "+447400999999", LETTER.body, NOW, UNTIL)
        )
        is None
    )
    later = NOW + timedelta(minutes=10)  # the one found was sent before: it is an earlier one
    assert (
        gateway.find_message(
            OutboundMessage(LETTER.reference, LETTER.to, LETTER.body, later, UNTIL)
        )
        is None
    )


@pytest.mark.parametrize("answer", [(500, 20500), (429, 20429), (401, 20003), "hang up", "no json"])
def test_a_provider_that_cannot_say_has_not_said_no(there, gateway, answer):
    there.answers = [answer]
    with pytest.raises(Unavailable):
        gateway.find_message(LETTER)


def test_an_application_sends_where_its_settings_say(tmp_path, sqlite_template, there):
    from app import create_app

    url = databases.sqlite_copy(sqlite_template, tmp_path)
    given = {"twilio_account_sid": "ACtest", "twilio_auth_token": "t", "messaging": "twilio"}
    given |= {"twilio_from_number": "+1", "twilio_api_base": there.address}
    made = create_app(databases.settings(url, tmp_path, **given))
    made.extensions["vouchline"].gateways[0].send_message(LETTER, NOW)
    assert len(there.accepted) == 1


@pytest.mark.parametrize(
    ("answers", "state", "taken"),
    [
        ([], "sent", 1),
        (["accept and hang up"], "sent", 1),
        (["accept and hang up", "hang up", (500, 20500)], "sent", 1),
        ([(500, 20500)], "sent", 1),
        (["hang up", "hang up"], "sent", 1),
        ([(429, 20429), (503, None)], "sent", 1),
        ([(400, 21610)], "failed", 0),
        (["accept and hang up", (429, 20429), (401, 20003)], "sent", 1),
    ],
)
def test_whatever_goes_wrong_a_text_goes_out_once(store, there, gateway, answers, state, taken):
    moment = [NOW]
    with store.unit() as session:
        factories.a_callback(session, NOW)
    there.answers = list(answers)
    works = Worker(store.engine, store.ring, [gateway], lambda: moment[0])
    for _ in range(len(answers) + 2):
        works.run_once()
        moment[0] += timedelta(seconds=30)
    kept = store.all(select(OutboxMessage))[0]
    assert (kept.state, len(there.accepted)) == (state, taken)


@pytest.fixture
def speaking(there):
    return TwilioVoiceProvider(
        "ACtest",
        "token",
        from_number="+442079460999",
        api_base=there.address,
        base_url="https://check.example.org",
    )


SPOKEN = OutboundMessage(uuid4(), "+442079460555", "We ring you at ten.", NOW, UNTIL, "voice")


def test_what_is_spoken_is_a_call_that_asks_us_what_to_say(there, speaking):
    speaking.send_message(SPOKEN, NOW)
    method, path, form = there.asked[0]
    assert (method, path) == ("POST", "/2010-04-01/Accounts/ACtest/Calls.json")
    assert form["To"] == SPOKEN.to
    assert form["From"] == "+442079460999"
    assert form["Url"] == f"https://check.example.org/twilio/voice/spoken/{SPOKEN.reference}"
    assert SPOKEN.body not in str(form)


def test_a_call_of_unknown_outcome_is_found_again_and_no_other(there, speaking):
    there.answers = ["hang up"]
    with pytest.raises(OutcomeUnknown):
        speaking.send_message(SPOKEN, NOW)
    assert speaking.find_message(SPOKEN) is None
    sid = speaking.send_message(SPOKEN, NOW)
    assert speaking.find_message(SPOKEN) == sid
