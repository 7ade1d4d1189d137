"""What every provider of texts promises, and every pair of them with failover."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlmodel import select

from messaging import outbox
from messaging.dispatch.worker import Worker
from messaging.models import OutboxMessage
from messaging.outbox import NewMessage
from messaging.providers.base import (
    OutboundMessage,
    OutcomeUnknown,
    Rejected,
    RepeatSafeProvider,
    SmsProvider,
    Unavailable,
)
from messaging.providers.registry import PROVIDERS_BY_SCHEME
from messaging.providers.simulator import message_store, phone_modes
from messaging.providers.simulator.phone_modes import SimulatorMode
from messaging.providers.simulator.sms import SimulatorSmsProvider
from messaging.providers.telnyx import sms as telnyx_sms
from messaging.providers.telnyx.sms import TelnyxSmsProvider
from messaging.providers.twilio import client as twilio_client
from messaging.providers.twilio.sms import TwilioSmsProvider
from tests import databases, factories
from tests.messaging.providers.telnyx_server import API_KEY, STOP, an_error, telnyx_server
from tests.messaging.providers.twilio_server import provider as twilio_server
from tests.security_rules.support.crash_helpers import Post

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
PHONE = "+447400123456"
TOKEN = "a-token-that-nobody-may-see"
BODIES = ["We ring you at ten.", "é ñ ü ¿ [€]", "ж" * 300, "😀 & <b> %00 + =", "a\nb", "x" * 1500]
#: How a provider can fail: for good, for now, with its answer lost after or before it took a text.
FAILURES = ("rejected", "busy", "lost", "cut")


@dataclass
class Kind:
    """A provider and its server: ``fail`` makes its next request fail in one of
    :data:`FAILURES`, ``taken`` are the recipients and bodies of the texts it took."""

    gateway: SmsProvider
    fail: Callable[[str], None]
    taken: Callable[[], list[tuple[str, str]]]


def _simulator(stack, tmp_path, template) -> Kind:
    store = databases.opened(databases.sqlite_copy(template, tmp_path))
    modes = {"rejected": "OPTED_OUT", "busy": "DOWN", "lost": "UNSURE"}

    def fail(how: str) -> None:
        if how == "cut":
            with store.engine.begin() as connection:
                connection.execute(text("ALTER TABLE demo_text RENAME TO gone"))
            return
        with store.unit() as session:
            phone_modes.set_simulator_mode(session, PHONE, SimulatorMode[modes[how]], 0, NOW)

    def taken() -> list[tuple[str, str]]:
        with store.unit() as session:
            found = message_store.list_simulated_texts(session, NOW)
            return [(item["phone"], item["body"]) for item in found]

    return Kind(SimulatorSmsProvider(store.engine, store.ring), fail, taken)


def _twilio(stack, tmp_path, template) -> Kind:
    there = stack.enter_context(twilio_server())
    faults = {"rejected": (400, 21610), "busy": (429, 20429), "lost": "accept and hang up"}

    def fail(how: str) -> None:
        there.answers.append(faults.get(how, "hang up"))

    made = TwilioSmsProvider(
        "ACx", TOKEN, from_number="+442079460123", api_base=there.address, name="twilio"
    )
    return Kind(made, fail, lambda: [(item["to"], item["body"]) for item in there.accepted])


def _telnyx(stack, tmp_path, template) -> Kind:
    there = stack.enter_context(telnyx_server())
    faults: dict[str, Any] = {
        "rejected": (403, {"errors": [STOP]}),
        "busy": (429, an_error("10011")),
        "lost": "accept and hang up",
    }

    def fail(how: str) -> None:
        there.answers.append(faults.get(how, "hang up"))

    made = TelnyxSmsProvider(API_KEY, from_number="+442079460123", api_base=there.address)
    return Kind(
        made,
        fail,
        lambda: [(item["to"][0]["phone_number"], item["text"]) for item in there.accepted],
    )


def _post(stack, tmp_path, template) -> Kind:
    """The tests' own, so that what they rely on is what providers promise."""
    post, bodies = Post(tmp_path / "post"), []
    send = post.send_message

    def remembering(letter: OutboundMessage, now: datetime) -> str:
        before = len(post.taken())
        try:
            return send(letter, now)
        finally:
            bodies.extend([(letter.to, letter.body)] * (len(post.taken()) - before))

    post.send_message = remembering
    faults = {"rejected": Rejected("opted_out"), "busy": Unavailable(), "lost": OutcomeUnknown()}
    return Kind(
        post, lambda how: post.stumbles.append(faults.get(how, Unavailable())), lambda: bodies
    )


KINDS = {"simulator": _simulator, "twilio": _twilio, "telnyx": _telnyx, "the tests' own": _post}


@pytest.fixture(params=KINDS)
def kind(request, tmp_path, sqlite_template):
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield KINDS[request.param](stack, tmp_path, sqlite_template)


def letter(body: str = "We ring you at ten.", to: str = PHONE) -> OutboundMessage:
    return OutboundMessage(uuid4(), to, body, NOW, NOW + timedelta(hours=1))


def test_every_provider_of_the_registry_is_tested_here():
    assert set(PROVIDERS_BY_SCHEME) <= set(KINDS)


def test_names_and_codes_of_providers_fit_what_is_stored():
    names = [
        name
        for kind in PROVIDERS_BY_SCHEME.values()
        for name in (kind.scheme, *kind.named_accounts)
    ]
    assert len(set(names)) == len(names)
    assert all(0 < len(name) <= 16 for name in names)
    reasons = {r for kind in PROVIDERS_BY_SCHEME.values() for r in kind.delivery_errors.values()}
    assert all(0 < len(reason) <= 40 for reason in reasons)


def test_it_has_a_name_that_fits_the_outbox(kind):
    assert 0 < len(kind.gateway.name) <= 16


def test_what_was_sent_is_found_by_the_same_id(kind):
    sent = letter()
    told = kind.gateway.send_message(sent, NOW)
    assert kind.gateway.find_message(sent) == told
    assert 0 < len(told) <= 64


def test_what_was_never_sent_is_not_found(kind):
    kind.gateway.send_message(letter(), NOW)
    assert kind.gateway.find_message(letter("Another text.")) is None
    assert kind.gateway.find_message(letter("We ring you at eleven.", "+447400123457")) is None


@pytest.mark.parametrize("body", BODIES)
def test_a_text_arrives_at_its_number_as_it_was_written(kind, body):
    sent = letter(body)
    assert kind.gateway.find_message(sent) is None
    told = kind.gateway.send_message(sent, NOW)
    assert kind.gateway.find_message(sent) == told
    assert kind.taken() == [(PHONE, body)]


def test_a_rejection_has_our_reason_and_nothing_is_sent(kind):
    kind.fail("rejected")
    with pytest.raises(Rejected) as told:
        kind.gateway.send_message(letter(), NOW)
    assert told.value.code == "opted_out"
    assert kind.taken() == []


def test_a_busy_provider_has_not_taken_the_text(kind):
    kind.fail("busy")
    with pytest.raises(Unavailable) as told:
        kind.gateway.send_message(letter(), NOW)
    assert told.value.rest is None or told.value.rest > timedelta()
    assert kind.taken() == []


def test_a_text_whose_answer_was_lost_is_found_and_not_sent_twice(kind):
    sent = letter()
    kind.fail("lost")
    with pytest.raises(OutcomeUnknown):
        kind.gateway.send_message(sent, NOW)
    assert len(kind.taken()) == 1
    found = kind.gateway.find_message(sent)
    assert found
    if isinstance(kind.gateway, RepeatSafeProvider) and kind.gateway.is_repeat_safe(sent, NOW):
        assert kind.gateway.send_message(sent, NOW) == found
    assert len(kind.taken()) == 1


def test_a_provider_out_of_reach_is_said_to_be_so_or_the_outcome_unknown(kind):
    kind.fail("cut")
    with pytest.raises((Unavailable, OutcomeUnknown)):
        kind.gateway.send_message(letter(), NOW)


@pytest.mark.parametrize(
    ("module", "name"), [(twilio_client, "twilio"), (telnyx_sms, "telnyx")], ids=str
)
def test_no_answer_in_time_leaves_the_outcome_unknown(
    module, name, monkeypatch, tmp_path, sqlite_template
):
    from contextlib import ExitStack

    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.3)
    with ExitStack() as stack:
        kind = KINDS[name](stack, tmp_path, sqlite_template)
        slow = stack.enter_context(_silent_server())
        _point_at(kind.gateway, slow)
        with pytest.raises(OutcomeUnknown):
            kind.gateway.send_message(letter(), NOW)


def _silent_server():
    """Takes connections and never answers."""
    import socket
    from contextlib import contextmanager

    @contextmanager
    def running():
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"

    return running()


def _point_at(gateway: SmsProvider, address: str) -> None:
    if isinstance(gateway, TelnyxSmsProvider):
        gateway._api._base = f"{address}/v2"
    else:
        gateway._client.api.base_url = address


@pytest.mark.parametrize("how", FAILURES)
def test_neither_log_nor_error_has_a_secret_a_number_or_the_text(kind, how, caplog, capfd):
    caplog.set_level(logging.INFO)
    kind.fail(how)
    with pytest.raises((Rejected, Unavailable, OutcomeUnknown)) as told:
        kind.gateway.send_message(letter("a text of somebody"), NOW)
    if how != "cut":
        kind.gateway.find_message(letter("a text of somebody"))
    seen = "".join((str(told.value), repr(told.value), caplog.text, *capfd.readouterr()))
    for secret in (TOKEN, API_KEY, "400123456", "a text of somebody"):
        assert secret not in seen
    assert TOKEN not in repr(vars(kind.gateway))
    assert API_KEY not in repr(vars(kind.gateway))


PAIRS = [("twilio", "telnyx"), ("telnyx", "twilio"), ("simulator", "telnyx")]


class Pair:
    """A worker of two providers, with a text in its outbox."""

    def __init__(self, stack, store, names, tmp_path, template) -> None:
        self.store, self.now = store, NOW
        folder = tmp_path / "providers"
        folder.mkdir()
        self.kinds = [KINDS[name](stack, folder, template) for name in names]
        gateways = [kind.gateway for kind in self.kinds]
        self.works = Worker(store.engine, store.ring, gateways, lambda: self.now)

    def add(self, count: int) -> None:
        with self.store.unit() as session:
            who = factories.a_customer(session, NOW, PHONE)
            lasts = NOW + timedelta(hours=1)
            for n in range(count):
                draft = NewMessage(who.id, "booked", PHONE, f"text {n}", NOW, lasts)
                outbox.queue_message(session, draft, NOW)

    def until_settled(self) -> list[OutboxMessage]:
        for _ in range(40):
            while self.works.run_once():
                pass
            self.now += timedelta(seconds=10)
        return self.store.all(select(OutboxMessage))

    def taken(self) -> list[str]:
        return sorted(body for kind in self.kinds for _, body in kind.taken())


@pytest.fixture(params=PAIRS, ids=" then ".join)
def pair(request, store, tmp_path, sqlite_template):
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield Pair(stack, store, request.param, tmp_path, sqlite_template)


@pytest.mark.parametrize("how", ["lost", "busy"])
def test_each_text_is_sent_once_however_the_first_provider_fails(pair, how):
    pair.add(6)
    for _ in range(6):
        pair.kinds[0].fail(how)
        if pair.kinds[0].gateway.name == "simulator":
            break
    rows = pair.until_settled()
    assert pair.taken() == [f"text {n}" for n in range(6)]
    assert {row.state for row in rows} == {"sent"}


def test_the_second_takes_over_from_a_first_that_is_busy(pair):
    if pair.kinds[0].gateway.name == "simulator":
        pair.kinds[0].fail("busy")
    else:
        for _ in range(6):
            pair.kinds[0].fail("busy")
    pair.add(6)
    pair.until_settled()
    assert pair.kinds[1].taken()


def test_a_rejected_text_is_tried_at_no_other_provider(pair):
    pair.add(1)
    pair.kinds[0].fail("rejected")
    (row,) = pair.until_settled()
    assert (row.state, row.error) == ("failed", "opted_out")
    assert pair.taken() == []


def test_a_text_that_telnyx_may_have_goes_to_no_other_though_it_is_not_found(
    store, tmp_path, sqlite_template
):
    """Detail records appear late: only Telnyx itself can tell, by the key of the text."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        there = stack.enter_context(telnyx_server())
        there.listed, there.answers = False, ["accept and hang up"]
        first = TelnyxSmsProvider(API_KEY, from_number="+1", api_base=there.address)
        second = Post(tmp_path / "post")
        now = [NOW]
        works = Worker(store.engine, store.ring, [first, second], lambda: now[0])
        with store.unit() as session:
            who = factories.a_customer(session, NOW, PHONE)
            draft = NewMessage(who.id, "booked", PHONE, "text", NOW, NOW + timedelta(hours=1))
            outbox.queue_message(session, draft, NOW)
        works.run_once()
        for _ in range(5):  # meanwhile the first is unavailable, so that new texts go to the second
            works._routes["text"].record_provider_result("telnyx", good=False, now=now[0])
        for _ in range(10):
            now[0] += timedelta(seconds=10)
            works.run_once()
        (row,) = store.all(select(OutboxMessage))
        assert (row.state, row.gateway, row.provider_id) == (
            "sent",
            "telnyx",
            there.accepted[0]["id"],
        )
        assert (len(there.accepted), second.taken()) == (1, [])
