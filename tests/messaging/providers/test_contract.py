"""What every gateway promises, whichever provider is behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from messaging.providers.base import OutboundMessage, OutcomeUnknown, SmsProvider, Unavailable
from messaging.providers.simulator.sms import SimulatorSmsProvider
from messaging.providers.twilio.sms import TwilioSmsProvider
from tests import databases
from tests.messaging.providers.twilio_server import provider
from tests.security_rules.support.crash_helpers import Post

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
PHONE = "+447400123456"


@dataclass
class Kind:
    """A gateway, and how to put its provider out of reach."""

    gateway: SmsProvider
    cut: Callable[[], None] | None


@pytest.fixture(params=["simulator", "twilio", "the tests' own"])
def kind(request, tmp_path, sqlite_template):
    if request.param == "simulator":
        store = databases.opened(databases.sqlite_copy(sqlite_template, tmp_path))

        def cut() -> None:
            with store.engine.begin() as connection:
                connection.execute(text("ALTER TABLE demo_text RENAME TO gone"))

        yield Kind(SimulatorSmsProvider(store.engine, store.ring), cut)
    elif request.param == "twilio":
        with provider() as there:
            made = TwilioSmsProvider(
                "ACx", "t", from_number="+442079460123", api_base=there.address
            )

            def refuse() -> None:
                there.answers = ["hang up"] * 9

            yield Kind(made, refuse)
    else:
        yield Kind(Post(tmp_path / "post"), None)


def letter(body: str = "We ring you at ten.", to: str = PHONE) -> OutboundMessage:
    return OutboundMessage(uuid4(), to, body, NOW, NOW + timedelta(hours=1))


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


@pytest.mark.parametrize("body", ["é ñ ü ¿", "ж" * 300, "😀 & <b> %00 + =", "a\nb", "x" * 1500])
def test_a_text_arrives_as_it_was_written(kind, body):
    sent = letter(body)
    assert kind.gateway.find_message(sent) is None
    told = kind.gateway.send_message(sent, NOW)
    assert kind.gateway.find_message(sent) == told


def test_a_provider_out_of_reach_is_said_to_be_so_or_the_outcome_unknown(kind):
    if kind.cut is None:
        return
    kind.cut()
    with pytest.raises((Unavailable, OutcomeUnknown)):
        kind.gateway.send_message(letter(), NOW)
    with pytest.raises(Unavailable):
        kind.gateway.find_message(letter())
