"""The official line: whatever keys come, the verdict or good advice is said."""

from __future__ import annotations

import itertools
from html import unescape
from xml.etree import ElementTree

import pytest

from incidents.reports.models import Report
from tests.channels.support import (
    AUTH_TOKEN,
    PHONE,
    a_started_call,
    a_token,
    all_rows,
    signed_post,
    wrong,
)
from verification.models import Code

pytestmark = pytest.mark.settings(
    public_url="https://check.example.org", twilio_auth_token=AUTH_TOKEN
)


class Line:
    """A phone call to the official line, as the provider plays it."""

    sids = itertools.count()

    def __init__(self, client, sender=PHONE, country="GB"):
        self.client, self.form = client, {"From": sender, "FromCountry": country}
        self.form["CallSid"] = f"CA{next(self.sids)}"
        self._answer(signed_post(client, "/twilio/voice", self.form))

    def key(self, digits: str) -> str:
        self.last = (self.action, {**self.form, "Digits": digits})
        self._answer(signed_post(self.client, *self.last))
        return self.said

    def _answer(self, answer):
        assert answer.status_code == 200, answer.text
        tree = ElementTree.fromstring(answer.text)
        self.said = " ".join(say.text or "" for say in tree.iter("Say"))
        self.language = [say.get("language") for say in tree.iter("Say")]
        gather = tree.find("Gather")
        self.action = unescape(gather.get("action")) if gather is not None else None
        self.over = tree.find("Hangup") is not None


def tries(app) -> int:
    return sum(row.tries_open for row in all_rows(app, Code))


def test_the_right_code_is_genuine_and_can_be_heard_again(app, client, clock):
    headers = a_token(app)
    callback, code = a_started_call(app, client, clock, headers)
    line = Line(client)
    first = line.key(code)
    assert first.startswith("Genuine. Ana")
    assert line.key("1") == first
    found = client.get(f"/api/v1/callbacks/{callback}", headers=headers).json
    assert (found["state"], found["channel"]) == ("confirmed", "keypad")


def test_a_replayed_keying_gets_no_second_look(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    line = Line(client)
    line.key(wrong(code))
    before = tries(app)
    again = signed_post(client, *line.last)
    assert "onfirmed" not in again.text
    assert tries(app) == before == 1


def test_a_wrong_code_is_not_confirmed_and_can_be_reported(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    line = Line(client)
    assert line.key(wrong(code)).startswith("Not confirmed. Hang up")
    assert "We have your report" in line.key("2")
    assert [(r.channel, r.proven) for r in all_rows(app, Report)] == [("voice", False)]
    line.key("")
    line.key("")
    assert line.over


def test_silence_and_odd_keys_are_asked_again_and_in_the_end_taken_leave_of(client):
    line = Line(client)
    for keys in ("", "12", "##", "12345678"):
        assert not line.over
        line.key(keys)
    assert line.over
    assert "hang up on the caller" in line.said


@pytest.mark.parametrize("sender", ["", "anonymous", "+266696687", "Restricted"])
def test_a_withheld_number_is_asked_for(app, client, clock, sender):
    _, code = a_started_call(app, client, clock, a_token(app))
    line = Line(client, sender=sender)
    assert "your own phone number" in line.said
    assert "own phone number" in line.key("12")
    line.key("07400123456")
    assert line.key(code).startswith("Genuine")
    assert PHONE not in str(line.action)


def test_star_offers_the_languages(client):
    line = Line(client)
    line.key("*")
    assert line.language == ["en-GB", "de-DE", "es-ES"]
    line.key("2")
    assert line.language == ["de-DE"]
    assert Line(client, country="DE").language == ["de-DE"]
    assert Line(client, country="xx").language == ["en-GB"]


def test_a_forged_state_starts_again(client):
    form = {"From": PHONE, "CallSid": "CA-x", "Digits": "1"}
    for state in ("x", "AAAA", "é", "A" * 3000):
        answer = signed_post(client, f"/twilio/voice/after?at={state}", form)
        assert answer.status_code in (200, 403)
        assert "Genuine" not in answer.text


def test_unsigned_calls_are_refused(client):
    for path in ("", "/code", "/language", "/number", "/after", "/report-when", "/report-gave"):
        assert client.post(f"/twilio/voice{path}", data={"Digits": "1"}).status_code == 403


def test_a_code_keyed_with_hash_star_or_other_digits_is_understood(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    line = Line(client)
    assert "Please key in the 6 digits" in line.key("*" + code[:3])
    assert line.key(f"99*{code}").startswith("Genuine")


def test_a_caller_who_has_hung_up_uses_nothing_up(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    line = Line(client)
    for gone in ("completed", "canceled", "failed"):
        form = {**line.form, "Digits": code, "CallStatus": gone}
        assert "Genuine" not in signed_post(client, line.action, form).text
        form["Digits"] = wrong(code)
        signed_post(client, line.action, form)
    assert tries(app) == 0
    assert line.key(code).startswith("Genuine")


def test_a_wrong_key_after_the_verdict_offers_both_again_and_silence_ends(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    line = Line(client)
    first = line.key(code)
    for odd in ("9", "0", "*"):
        said = line.key(odd)
        assert "press 1" in said
        assert "Genuine" not in said
    assert line.key("1") == first
    line.key("")
    assert line.over


def test_the_verdict_comes_in_the_chosen_language_and_again_in_it(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    line = Line(client)
    line.key("*")
    line.key("2")
    first = line.key(code)
    assert line.language == ["de-DE"]
    assert line.key("1") == first
    line.key("2")
    assert set(line.language) == {"de-DE"}


def test_a_second_right_code_is_told_when_the_first_was(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    Line(client).key(code)
    assert "used before, at" in Line(client).key(code)


def test_webhooks_out_of_order_and_again_change_nothing_more(app, client, clock):
    """The keys for a code, a repeat and a report, each sent twice and the last ones first."""
    _, code = a_started_call(app, client, clock, a_token(app))
    line = Line(client)
    line.key(wrong(code))
    keyed, menu = line.last, (line.action, {**line.form, "Digits": "2"})
    for item in (menu, keyed, menu, keyed, menu):
        answer = signed_post(client, *item)
        assert answer.status_code == 200
        assert "Genuine" not in answer.text
    assert tries(app) == 1
    assert len(all_rows(app, Report)) == 1


@pytest.mark.parametrize(
    "path", ["", "/code", "/language", "/number", "/after", "/report-when", "/report-gave"]
)
def test_no_key_and_no_field_makes_it_stumble(client, path):
    odd = ("", "*", "#", "**", "1*", "²", "\x00", "٤٨٢٩١٥", "9" * 5000, "A", "-1", "+", "00")
    for keys in odd:
        for form in ({"Digits": keys, "From": PHONE, "CallSid": "CA1"}, {"Digits": keys}):
            answer = signed_post(client, f"/twilio/voice{path}", form)
            assert answer.status_code == 200
            assert "Genuine" not in answer.text
            ElementTree.fromstring(answer.text)


def test_a_call_never_goes_on_for_ever(client):
    for key in ("", "*", "1", "9", "123456"):
        line, turns = Line(client), 0
        while not line.over and turns < 30:
            line.key(key)
            turns += 1
        assert line.over


def test_no_more_than_five_wrong_codes_by_keypad(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    for _ in range(6):
        assert Line(client).key(wrong(code)).startswith("Not confirmed")
    assert Line(client).key(code).startswith("Not confirmed")
    assert tries(app) == 5
