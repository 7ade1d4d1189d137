"""Texts by Telnyx, to a server on this machine that answers as Telnyx does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from messaging.providers.base import OutboundMessage, OutcomeUnknown, Rejected, Unavailable
from messaging.providers.telnyx import errors, sms
from messaging.providers.telnyx.sms import TelnyxSmsProvider
from tests.messaging.providers.telnyx_server import API_KEY, STOP, an_error, telnyx_server
from tests.servers import free_port

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
LETTER = OutboundMessage(uuid4(), "+447400123456", "Hello", NOW, NOW + timedelta(hours=1))
HOOK = "https://check.example.org/telnyx/messages"


@pytest.fixture
def there():
    with telnyx_server() as running:
        yield running
        assert running.wrong == []  # every field is in Telnyx's description of its API


@pytest.fixture
def gateway(there):
    return TelnyxSmsProvider(
        API_KEY, from_number="+442079460123", webhook_url=HOOK, api_base=there.address + "/"
    )


def letter(body: str) -> OutboundMessage:
    return OutboundMessage(uuid4(), LETTER.to, body, NOW, LETTER.expires_at)


def test_a_text_is_created_for_its_recipient(there, gateway):
    assert gateway.send_message(LETTER, NOW) == there.accepted[0]["id"]
    method, path, body = there.asked[0]
    assert (method, path) == ("POST", "/v2/messages")
    assert body == {
        "from": "+442079460123",
        "webhook_url": HOOK,
        "to": LETTER.to,
        "text": "Hello",
        "type": "SMS",
        "encoding": "gsm7",
    }


def test_a_profile_can_choose_the_number(there):
    pool = TelnyxSmsProvider(API_KEY, messaging_profile_id="p-1", api_base=there.address)
    pool.send_message(LETTER, NOW)
    assert there.asked[0][2]["messaging_profile_id"] == "p-1"
    assert "from" not in there.asked[0][2]


@pytest.mark.parametrize(
    ("body", "encoding"), [("a€[]~é", "gsm7"), ("‘quoted’", "ucs2"), ("ж", "ucs2"), ("😀", "ucs2")]
)
def test_the_encoding_is_named_so_that_telnyx_replaces_no_character(there, gateway, body, encoding):
    gateway.send_message(letter(body), NOW)
    assert there.asked[0][2]["encoding"] == encoding
    assert there.accepted[0]["text"] == body


@pytest.mark.parametrize("code", sorted(errors.PERMANENT_ERRORS))
def test_what_no_later_try_can_mend_is_rejected_by_name(there, gateway, code):
    title = STOP["title"] if code == errors.STOP_CODE else "Refused"
    there.answers = [(400, an_error(str(code), title))]
    with pytest.raises(Rejected) as told:
        gateway.send_message(LETTER, NOW)
    assert told.value.code == errors.PERMANENT_ERRORS[code]
    assert len(there.asked) == 1


def test_an_opt_out_is_one_only_if_the_words_say_so(there, gateway):
    """Others report 40300 with other words; an opt-out is kept until the customer takes it back."""
    there.answers = [(403, {"errors": [STOP]}), (403, an_error("40300", "Forbidden"))]
    with pytest.raises(Rejected) as stopped:
        gateway.send_message(LETTER, NOW)
    with pytest.raises(Rejected) as other:
        gateway.send_message(LETTER, NOW)
    assert (stopped.value.code, other.value.code) == ("opted_out", "blocked")


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        ((429, an_error("10011")), Unavailable),
        ((400, an_error("40318")), Unavailable),
        ((401, an_error("10009")), Unavailable),
        ((403, an_error("10010")), Unavailable),
        ((400, an_error("40312")), Unavailable),
        ((400, an_error("20100")), Unavailable),
        ((402, None), Unavailable),
        ((409, an_error("10012")), OutcomeUnknown),
        ((408, None), OutcomeUnknown),
        ((500, an_error("10007")), OutcomeUnknown),
        ((502, None), OutcomeUnknown),
        ((503, an_error("40300", STOP["title"])), OutcomeUnknown),
        ((400, an_error("99999")), Rejected),
        ((422, an_error("10015")), Rejected),
        ((404, None), Rejected),
        ((302, None, {"Location": "http://127.0.0.1:9/"}), Rejected),
        ("hang up", OutcomeUnknown),
        ("accept and hang up", OutcomeUnknown),
        ("no json", OutcomeUnknown),
        ("no id", OutcomeUnknown),
    ],
    ids=str,
)
def test_what_each_failure_means(there, gateway, answer, meaning):
    there.answers = [answer]
    with pytest.raises(meaning):
        gateway.send_message(LETTER, NOW)
    assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("header", "pause"), [("30", 30), ("999999", 3600), ("soon", 2), ("-1", 2), (None, 2)]
)
def test_a_pause_that_telnyx_asks_for_is_kept(there, gateway, header, pause):
    there.answers = [(429, an_error("10011"), {"Retry-After": header} if header else {})]
    with pytest.raises(Unavailable) as told:
        gateway.send_message(LETTER, NOW)
    assert told.value.rest == timedelta(seconds=pause)


def test_a_request_without_an_answer_in_time_has_an_unknown_outcome(there, gateway, monkeypatch):
    monkeypatch.setattr(sms, "TIMEOUT_SECONDS", 0.2)
    there.answers = ["stall"]
    with pytest.raises(OutcomeUnknown):
        gateway.send_message(LETTER, NOW)
    assert gateway.send_message(LETTER, NOW) == there.accepted[0]["id"]
    assert len(there.accepted) == 1


def test_a_provider_that_is_away_is_asked_again_later():
    away = TelnyxSmsProvider(API_KEY, from_number="+1", api_base=f"http://127.0.0.1:{free_port()}")
    with pytest.raises((Unavailable, OutcomeUnknown)):
        away.send_message(LETTER, NOW)
    with pytest.raises(Unavailable):
        away.find_message(LETTER)


def test_a_repeated_text_is_sent_once_for_a_day(there, gateway):
    assert gateway.send_message(LETTER, NOW) == gateway.send_message(LETTER, NOW)
    assert len(there.accepted) == 1
    assert gateway.is_repeat_safe(LETTER, NOW + timedelta(hours=22))
    assert not gateway.is_repeat_safe(LETTER, NOW + timedelta(hours=23))


def test_a_text_is_found_by_recipient_time_and_body(there, gateway):
    assert gateway.find_message(LETTER) is None
    provider_id = gateway.send_message(LETTER, NOW)
    gateway.send_message(letter("another"), NOW)
    assert gateway.find_message(LETTER) == provider_id
    assert gateway.find_message(letter("a third")) is None
    later = OutboundMessage(
        uuid4(), LETTER.to, LETTER.body, NOW + timedelta(minutes=10), LETTER.expires_at
    )
    assert gateway.find_message(later) is None  # the one found was sent before


@pytest.mark.parametrize(
    "answer", [(500, None), (401, an_error("10009")), (200, {"data": 1}), (429, None), "hang up"]
)
def test_a_look_up_that_fails_says_so(there, gateway, answer):
    gateway.send_message(LETTER, NOW)
    there.answers = [answer]
    with pytest.raises(Unavailable):
        gateway.find_message(LETTER)


def test_a_look_up_that_takes_too_long_for_the_lease_says_so(there, gateway, monkeypatch):
    gateway.send_message(LETTER, NOW)
    monkeypatch.setattr(sms, "FIND_SECONDS", -1.0)
    with pytest.raises(Unavailable):
        gateway.find_message(LETTER)


def test_line_types_are_told_in_our_words(there, gateway):
    there.line_types = {"+441": "fixed line", "+442": "mobile", "+443": "voip", "+444": ""}
    found = [gateway.look_up_line_type(phone) for phone in (*there.line_types, "+445")]
    assert found == ["landline", "mobile", "voip", "unknown", "unknown"]
    there.answers = [(500, None)]
    with pytest.raises(Unavailable):
        gateway.look_up_line_type("+441")


def test_an_entry_in_netrc_does_not_replace_the_key(there, gateway, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert gateway.send_message(LETTER, NOW)
