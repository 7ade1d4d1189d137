"""Holes that others' one-time codes have had, each tried here. (Duplicate leaves of a Merkle tree,
CVE-2012-2459, need a tree to stand on; the audit log has none.)"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import select

from channels.startup.startup_checks import check_settings
from config.settings import Settings
from people.errors import LinkExpired
from people.staff import link_creation, second_factor, staff_enrolment, staff_status
from scheduling import callback_rows
from scheduling.models import Callback
from tests import databases, factories
from tests.channels.conftest import PASSWORD, Console
from tests.channels.support import signed_post
from tests.processes import at_once
from tests.security_rules.support import outages
from tests.security_rules.support.check_channels import CHANNELS, SETTINGS, ask, of_its_own
from tests.security_rules.support.cost_counters import difference, rows
from vault.keys import field_encryption
from verification import call_end, call_session, codes, issued_codes, open_codes
from verification.models import Code, code_seal_context

pytestmark = pytest.mark.settings(**SETTINGS)


@pytest.fixture
def there(app, database) -> databases.Store:
    return databases.opened(database)


@pytest.fixture
def call(there, clock) -> factories.Call:
    return factories.a_call(there, clock.now)


def the_code(there) -> Code:
    return next(row for row in there.all(select(Code)) if row.callback_id)


def guess(app, call, tries: int, channel: str = "web") -> list[str]:
    wrong = [factories.wrong(call.code, n + 1) for n in range(tries)]
    return [CHANNELS[channel](app, call.phone, item) for item in wrong]


# LatePoint: the count of tries was written back from a stale copy, and the lock with it.


def test_a_stale_copy_of_the_row_brings_no_tries_back(app, there, clock, call):
    """An agent's request that read the row before five tries, and writes after them."""
    outages.impatient(app, there.url)
    with there.unit() as session:
        held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
        stale = open_codes.find_open_code(session, call.callback_id)
        told = set(guess(app, call, 5))
        call_session.start_call(session, held, factories.a_policy(), clock.now)
        session.add(stale)
    if there.kind == "sqlite":  # where nobody gets between an agent's reading and writing
        assert told == {"cannot_check"}
        guess(app, call, 5)
    assert the_code(there).tries_open == 5
    assert CHANNELS["web"](app, call.phone, call.code) == "not_confirmed"


def test_no_other_counter_than_the_present_one_is_accepted(app, there, clock, call):
    """Resynchronisation (RFC 4226 section 7.4) would give a guesser more than one code to hit."""
    with there.unit() as session:
        held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
        new = issued_codes.reissue_code(session, held, factories.a_policy(), clock.now)
        row = open_codes.find_open_code(session, call.callback_id)
        place = code_seal_context(row.id, row.phone_index, row.counter)
        secret = field_encryption.load_data_key(session, row.customer_id).open_field(
            "code", "secret", place, row.secret
        )
    others = {codes.hotp_code(secret, counter, 6) for counter in (0, 2, 3, 4)} - {new.code}
    for other in others:
        assert CHANNELS["text"](app, call.phone, other) == "not_confirmed"
    assert the_code(there).tries_own == len(others)


# MISP: other HTTP methods skipped the check, and a code raced with itself was accepted twice.

METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "WEIRD"]
PATHS = ["/check", "/", "/api/v1/checks", "/twilio/sms", "/twilio/voice/code"]


@pytest.mark.parametrize("method", METHODS)
def test_no_other_method_looks_at_a_code(app, client, there, call, method):
    before = rows(there)
    given = {"phone": call.phone, "code": call.code, "From": call.phone, "Body": call.code}
    for path in PATHS:
        for how in ({"query_string": given}, {"data": given}, {"json": given}):
            answer = client.open(path, method=method, **how)
            assert answer.status_code in (200, 204, 403, 404, 405, 415), (path, how)
            assert "genuine" not in answer.text.lower().replace("is the caller genuine", "")
    assert difference(before, rows(there)) == {}


def test_nor_does_a_post_that_claims_to_be_another_method_or_the_other_way_round(
    app, client, there, call
):
    before, given = rows(there), {"phone": call.phone, "code": call.code}
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        for path in PATHS:
            client.get(path, query_string={**given, "_method": "POST"}, headers={name: "POST"})
    assert difference(before, rows(there)) == {}
    body = {**given, "code": factories.wrong(call.code)}
    client.post("/check", data=body, headers={"X-HTTP-Method-Override": "GET"})
    assert the_code(there).tries_open == 1


@pytest.mark.both
def test_a_code_raced_with_itself_is_accepted_once(app, call):
    acts = [partial(ask, app, "api", call.phone, call.code)] * 12
    told = sorted(at_once(acts, of_its_own(app)))
    assert told == ["already_confirmed"] * 11 + ["genuine"]


# Spaces that made a used code look unused.


def spellings(code: str) -> list[str]:
    wide = code.translate({ord(str(n)): 0xFF10 + n for n in range(10)})
    arabic = code.translate({ord(str(n)): 0x0660 + n for n in range(10)})
    parted = [f" {code}", f"{code} ", " ".join(code), f"{code[:3]}-{code[3:]}", f"{code}\u00a0"]
    return [*parted, f"\t{code}", f"{code[:3]}\u2009{code[3:]}", wide, arabic]


def test_a_used_code_is_used_however_it_is_written(app, call):
    assert CHANNELS["api"](app, call.phone, call.code) == "genuine"
    for spelling in spellings(call.code):
        for channel in ("api", "web", "text"):
            assert CHANNELS[channel](app, call.phone, spelling) == "already_confirmed", (
                channel,
                spelling,
            )


def test_one_wrong_code_in_many_spellings_is_many_tries(app, there, call):
    for spelling in spellings(factories.wrong(call.code)):
        CHANNELS["web"](app, call.phone, spelling)
    assert the_code(there).tries_open == 5
    for phone in (call.phone, f" {call.phone} ", call.phone.replace("+44", "0044")):
        assert CHANNELS["web"](app, phone, call.code) == "not_confirmed"


def test_a_second_factor_with_spaces_in_it_is_no_fresh_one(app, clock):
    console = Console(app, [clock.now])
    console.member("ana@example.org")
    code = console.code()
    for tried, status in [(code, 303), *((spelling, 403) for spelling in spellings(code)[:4])]:
        tab = console.tab()
        form = {"email": "ana@example.org", "password": PASSWORD, "code": tried}
        assert tab.post("/staff/sign-in", form).status_code == status, tried


# Keycloak: the lock was looked at when a sign-in began, and not when its code was redeemed.


@pytest.mark.parametrize("meanwhile", ["locked", "ended", "expired", "replaced"])
def test_what_happens_after_a_phone_call_began_counts_when_its_code_is_keyed(
    app, client, there, clock, call, meanwhile
):
    line = {"CallSid": "CA1", "From": call.phone}
    begun = signed_post(client, "/twilio/voice", line).text
    path = begun.partition('action="')[2].partition('"')[0].replace("&amp;", "&")
    if meanwhile == "locked":
        guess(app, call, 5)
    elif meanwhile == "expired":
        clock.now += timedelta(minutes=10)
    else:
        with there.unit() as session:
            held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
            if meanwhile == "ended":
                call_end.end_call(session, held, "reached", factories.a_policy(), clock.now)
            else:
                new = issued_codes.reissue_code(session, held, factories.a_policy(), clock.now)
                assert new.code != call.code
    told = signed_post(client, path, {**line, "Digits": call.code}).text
    assert "Not confirmed" in told
    assert there.all(select(Callback))[0].confirmed_at is None


@pytest.mark.parametrize("meanwhile", ["expired", "switched off", "used", "replaced"])
def test_an_enrolment_link_that_was_good_when_opened_must_be_so_when_redeemed(
    store, clock, meanwhile
):
    with store.unit() as session:
        member = factories.an_agent(session, clock.now)
        link = link_creation.create_enrolment_link(session, member, clock.now)
        secret = staff_enrolment.open_enrolment_link(session, link, clock.now)[2]
        if meanwhile == "expired":
            clock.now += timedelta(days=3)
        elif meanwhile == "switched off":
            staff_status.deactivate_staff_member(session, member, clock.now)
        elif meanwhile == "replaced":
            link_creation.create_enrolment_link(session, member, clock.now)
        else:
            code = second_factor.current_totp_code(secret, clock.now)
            staff_enrolment.enrol_with_link(session, link, PASSWORD, code, clock.now)
    with store.unit() as session, pytest.raises(LinkExpired):
        code = second_factor.current_totp_code(secret, clock.now)
        staff_enrolment.enrol_with_link(session, link, "another " + PASSWORD, code, clock.now)


# Zitadel: parallel attempts were all let through before the first of them was counted.


@pytest.mark.both
def test_parallel_wrong_tries_are_each_counted(app, there, call):
    wrong = [factories.wrong(call.code, n + 1) for n in range(16)]
    acts = [
        partial(ask, app, ("api", "web")[n % 2], call.phone, code) for n, code in enumerate(wrong)
    ]
    at_once(acts, of_its_own(app))
    assert (the_code(there).tries_open, the_code(there).tries_ignored) == (5, 11)


# A limiter in the memory of each worker multiplies every limit by their number.


def test_a_limiter_for_each_worker_is_refused_and_named_by_the_doctor():
    given = {"web_workers": 2, "rate_storage": "memory://"}
    said = [
        setting
        for setting in check_settings(Settings(_env_file=None, **given))
        if "RATE" in setting.sentence
    ]
    assert [item.level for item in said] == ["refuse"]
    assert Settings(_env_file=None).web_workers == 1
    shared = Settings(_env_file=None, web_workers=2, rate_storage="redis://127.0.0.1/0")
    assert not [setting for setting in check_settings(shared) if "RATE" in setting.sentence]


# Botpress: a webhook without a signature was believed.


def test_no_webhook_of_any_kind_is_believed_unsigned(app, client, there, call):
    """All there are now, and all that will be."""
    hooks = [rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/twilio/")]
    assert len(hooks) >= 5
    before = rows(there)
    form = {"MessageSid": "SM1", "CallSid": "CA1", "From": call.phone, "Body": call.code}
    form |= {"Digits": call.code, "MessageStatus": "delivered", "CallStatus": "completed"}
    for path in hooks:
        for headers in ({}, {"X-Twilio-Signature": ""}, {"X-Twilio-Signature": "AAAA"}):
            assert client.post(path, data=form, headers=headers).status_code == 403, path
    assert difference(before, rows(there)) == {}


# Secrets from a generator that can be foreseen, or that two processes born alike share.


def test_processes_born_at_the_same_moment_make_unlike_secrets():
    made = at_once([codes.new_code_secret] * 8, lambda: None)
    assert len(set(made)) == 8
