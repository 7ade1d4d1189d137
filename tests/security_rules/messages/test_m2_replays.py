"""M2: a replay or a late arrival of what the provider signed changes nothing."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import select

from incidents.reports.models import Report
from messaging.models import InboundText
from people.customers import customer_records
from scheduling import callback_rows
from scheduling.models import Callback
from tests.channels.support import PHONE, a_text, all_rows, signed_post, wrong
from tests.databases import opened
from tests.factories import a_call, a_callback, a_customer, a_policy
from tests.processes import at_once
from tests.security_rules.messages.test_m2_webhooks import form_for, pytestmark, signature, state  # noqa: F401
from tests.security_rules.support.check_channels import of_its_own
from verification import call_end, issued_codes
from verification.models import Code

AT_ONCE = 16


@pytest.fixture
def there(app, database):
    return opened(database)


def a_wrong_text(app, code: str) -> str:
    return a_text(app.test_client(), code, "SMab").text


@pytest.mark.both
def test_a_text_handed_over_16_times_at_once_is_one_try_and_one_answer(app, there, clock):
    call = a_call(there, clock.now, PHONE)
    act = partial(a_wrong_text, app, wrong(call.code))
    answers = Counter("Message" in told for told in at_once([act] * AT_ONCE, of_its_own(app)))
    assert answers == {True: 1, False: AT_ONCE - 1}
    assert [row.tries_own for row in all_rows(app, Code) if row.callback_id] == [1]
    assert len(all_rows(app, InboundText)) == 1


@pytest.mark.both
def test_a_keying_handed_over_16_times_at_once_is_one_try(app, client, there, clock):
    call = a_call(there, clock.now, PHONE)
    form = form_for(wrong(call.code), "ab")
    step = _next_step(signed_post(client, "/twilio/voice", form).text)
    act = partial(_posted, app, step, form)
    at_once([act] * AT_ONCE, of_its_own(app))
    assert [row.tries_open for row in all_rows(app, Code) if row.callback_id] == [1]


def _next_step(twiml: str) -> str:
    return twiml.partition('action="')[2].partition('"')[0].replace("&amp;", "&")


def _posted(app, path: str, form: dict[str, str]) -> str:
    answer = signed_post(app.test_client(), path, form)
    assert answer.status_code == 200
    return answer.text


def test_a_replay_changes_nothing_whatever_the_text_was(app, client, there, clock):
    with there.unit() as session:
        a_callback(session, clock.now, customer=a_customer(session, clock.now, PHONE))
    for n, body in enumerate(("SCAM", "MOVE", "CHECK", "hello", "REFUSE", "482915")):
        a_text(client, body, f"SM{n}")
        before = state(app)
        assert "Message" not in a_text(client, body, f"SM{n}").text
        assert "Message" not in a_text(client, "REFUSE", f"SM{n}").text
        assert state(app) == before
    assert sorted(row.kind for row in all_rows(app, Report)) == ["refused", "report"]


def test_an_overheard_text_cut_differently_does_not_pass_for_another(app, client, there, clock):
    """The signature covers names and values run together: a field can be made part of the one
    before it."""
    call = a_call(there, clock.now, PHONE)
    form = form_for(wrong(call.code), "ab")
    given = {"X-Twilio-Signature": signature("/twilio/sms", form)}
    assert "Message" in client.post("/twilio/sms", data=form, headers=given).text
    before = state(app)
    cut = dict(form)
    cut["MessageSid"] += "NumMedia" + cut.pop("NumMedia")
    answer = client.post("/twilio/sms", data=cut, headers=given)
    assert answer.status_code == 200  # the signature fits
    assert "Message" not in answer.text
    assert state(app) == before


def test_texts_that_arrive_late_or_in_another_order_do_no_harm(app, client, there, clock):
    call = a_call(there, clock.now, PHONE)
    with there.unit() as session:
        held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
        call_end.end_call(session, held, "reached", a_policy(), clock.now)
    assert "GENUINE" not in a_text(client, call.code, "SM1").text
    with there.unit() as session:
        customer = customer_records.find_by_phone(session, PHONE)
        later = a_callback(session, clock.now, customer=customer, ahead=timedelta(hours=1)).id
    a_text(client, "REFUSE", "SM2")
    before = state(app)
    a_text(client, "MOVE", "SM3")  # written before the refusal, it arrives after it
    a_text(client, "REFUSE", "SM4")
    after = state(app)
    kept = {row.id: row.state for row in there.all(select(Callback))}
    assert kept == {call.callback_id: "ended", later: "refused"}
    assert {item for item in before if before[item] != after[item]} == {
        "inbound_text",
        "spending",
    }


def test_an_earlier_code_of_the_same_call_arrives_too_late(app, client, there, clock):
    first = a_call(there, clock.now, PHONE)
    with there.unit() as session:
        held = callback_rows.get_held_callback(session, first.callback_id, first.agent_id)
        second = issued_codes.reissue_code(session, held, a_policy(), clock.now)
    assert "GENUINE" not in a_text(client, first.code, "SM1").text
    assert "GENUINE" in a_text(client, second.code, "SM2").text
