"""C4: five wrong tries over web, API and keypad together, never a sixth; texts have theirs."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlmodel import select

from scheduling import callback_rows
from scheduling.errors import WrongState
from tests import databases, factories
from tests.processes import at_once
from tests.security_rules.support.check_channels import CHANNELS, SETTINGS, ask, of_its_own, rounds
from verification import call_status, issued_codes
from verification.models import Code

pytestmark = pytest.mark.settings(**SETTINGS)
PROCESSES = 64
NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
OPEN = ("api", "web", "keypad")


@pytest.fixture
def there(app, database) -> databases.Store:
    return databases.opened(database)


def the_code(there, call) -> Code:
    return next(c for c in there.all(select(Code)) if c.callback_id == call.callback_id)


def try_wrong(app, call, channel: str, times: int) -> None:
    for n in range(times):
        wrong = factories.wrong(call.code, n + 1)
        assert CHANNELS[channel](app, call.phone, wrong) == "not_confirmed"


@pytest.mark.both
def test_64_guessers_at_once_have_five_tries_between_them(app, there, clock):
    """Each guesses another code over a channel that anybody can use, and then the right one."""
    call = factories.a_call(there, clock.now)
    guesses = [factories.wrong(call.code, n + 1) for n in range(PROCESSES)]
    acts = [partial(ask, app, OPEN[n % 3], call.phone, guess) for n, guess in enumerate(guesses)]
    assert set(at_once(acts, of_its_own(app))) == {"not_confirmed"}
    kept = the_code(there, call)
    assert (kept.tries_open, kept.tries_own) == (5, 0)
    assert kept.tries_ignored == PROCESSES - 5
    for channel in OPEN:
        assert CHANNELS[channel](app, call.phone, call.code) == "not_confirmed"


@pytest.mark.parametrize("last", OPEN)
def test_the_count_is_one_for_web_api_and_keypad(app, there, clock, last):
    call = factories.a_call(there, clock.now)
    try_wrong(app, call, "api", 2)
    try_wrong(app, call, "web", 2)
    try_wrong(app, call, "keypad", 1)
    assert CHANNELS[last](app, call.phone, call.code) == "not_confirmed"


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_fifth_try_can_still_be_right(app, there, clock, channel):
    call = factories.a_call(there, clock.now)
    try_wrong(app, call, channel, 4)
    assert CHANNELS[channel](app, call.phone, call.code) == "genuine"


def test_a_strangers_tries_do_not_lock_the_customers_texts(app, there, clock):
    call = factories.a_call(there, clock.now)
    try_wrong(app, call, "web", 60)
    assert CHANNELS["web"](app, call.phone, call.code) == "not_confirmed"
    assert CHANNELS["text"](app, call.phone, call.code) == "genuine"


def test_the_customers_own_texts_have_five_tries_and_no_more(app, there, clock):
    call = factories.a_call(there, clock.now)
    try_wrong(app, call, "text", 5)
    assert CHANNELS["text"](app, call.phone, call.code) == "not_confirmed"
    assert the_code(there, call).tries_open == 0
    assert CHANNELS["web"](app, call.phone, call.code) == "genuine"


@pytest.mark.both
def test_64_texts_at_once_have_five_tries_between_them(app, there, clock):
    call = factories.a_call(there, clock.now)
    acts = [
        partial(ask, app, "text", call.phone, factories.wrong(call.code, n + 1))
        for n in range(PROCESSES)
    ]
    at_once(acts, of_its_own(app))
    kept = the_code(there, call)
    assert (kept.tries_own, kept.tries_open, kept.tries_ignored) == (5, 0, PROCESSES - 5)


def test_tries_go_on_counting_after_the_confirmation(app, there, clock):
    call = factories.a_call(there, clock.now)
    CHANNELS["text"](app, call.phone, call.code)
    try_wrong(app, call, "api", 5)
    assert CHANNELS["api"](app, call.phone, call.code) == "not_confirmed"
    assert CHANNELS["text"](app, call.phone, call.code) == "already_confirmed"


def test_the_agent_sees_it_and_issues_a_new_code_three_times_at_the_most(app, there, clock):
    call = factories.a_call(there, clock.now)
    for _ in range(3):
        try_wrong(app, call, "web", 5)
        with there.unit() as session:
            held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
            seen = call_status.call_status(session, held)
            assert (seen.tries_left, seen.can_reissue) == (0, True)
            issued_codes.reissue_code(session, held, factories.a_policy(), clock.now)
    with there.unit() as session:
        held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
        assert call_status.call_status(session, held).can_reissue is False
        with pytest.raises(WrongState, match="no_check_numbers_left"):
            issued_codes.reissue_code(session, held, factories.a_policy(), clock.now)


@pytest.mark.campaign
def test_guessing_and_reissuing_at_once_never_gives_a_sixth_try_at_one_code(app, there, clock):
    """A try belongs to the code it met: those that met the old one are not given to the new."""
    call = factories.a_call(there, clock.now)

    def reissue() -> str:
        with databases.opened(there.url, wait_seconds=60).unit() as session:
            held = callback_rows.get_held_callback(session, call.callback_id, call.agent_id)
            return issued_codes.reissue_code(session, held, factories.a_policy(), clock.now).code

    guesses = [factories.wrong(call.code, n + 1) for n in range(48)]
    acts = [partial(ask, app, OPEN[n % 3], call.phone, guess) for n, guess in enumerate(guesses)]
    acts += [reissue] * 4
    told = at_once([_or_refused(act) for act in acts], of_its_own(app))
    kept = the_code(there, call)
    assert kept.reissued == 3
    assert told[48:].count("refused") == 1
    assert kept.tries_open <= 5
    # Four codes of five tries each are all that could be spent; the rest fell on dead ones.
    assert kept.tries_ignored >= 48 - 20


def _or_refused(act):
    def tried() -> str:
        try:
            return act()
        except WrongState:
            return "refused"

    return tried


@pytest.mark.campaign
def test_round_after_round_never_a_sixth(store):
    for _ in range(int(os.environ.get("ROUNDS", "120")) // 20):
        made = [factories.a_call(store, NOW) for _ in range(20)]
        guesses = [[factories.wrong(call.code, n + 1) for n in range(PROCESSES)] for call in made]
        acts = rounds(store, made, guesses, NOW)
        at_once(acts, lambda: store.engine.dispose(close=False))
        for call in made:
            kept = the_code(store, call)
            assert (kept.tries_open, kept.tries_own) == (5, 5)
            assert kept.tries_ignored == PROCESSES - 10
