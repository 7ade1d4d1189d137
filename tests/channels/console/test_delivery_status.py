"""Whether the customer has got the text: in plain words, with what the agent should do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels.console.agent.delivery_status import describe_delivery_status
from messaging.models import DeliveryReport, MessageState, OutboxMessage
from messaging.providers.registry import PROVIDERS_BY_SCHEME

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def message(state: str, error: str | None = None) -> OutboxMessage:
    return OutboxMessage(state=MessageState(state), error=error, gateway="twilio")


def report(status: str, error: int | None = None) -> DeliveryReport:
    return DeliveryReport(provider_id="SM1", status=status, error=error, first_at=NOW)


@pytest.fixture(autouse=True)
def in_a_request(app):
    with app.test_request_context():
        yield


STANDS = [
    (None, None, "no text yet", "waiting"),
    (message("queued"), None, "text on its way", "waiting"),
    (message("sending"), None, "text on its way", "waiting"),
    (message("sent"), None, "text sent", "good"),
    (message("sent"), report("sent"), "text sent", "good"),
    (message("sent"), report("delivered"), "text delivered", "good"),
    (message("sent"), report("undelivered", 30006), "text failed", "bad"),
    (message("sent"), report("failed"), "text failed", "bad"),
    (message("failed", "landline"), None, "text failed", "bad"),
    (message("expired"), None, "not sent in time", "bad"),
    (message("queued", "ceiling"), None, "held back", "bad"),
]


def test_how_it_stands():
    for outbox, provider, words, tone in STANDS:
        found = describe_delivery_status(outbox, provider)
        assert words in found.words
        assert found.tone == tone
        assert (found.tone == "bad") == bool(found.advice), words


def test_every_failure_says_what_to_do():
    kinds = PROVIDERS_BY_SCHEME.values()
    theirs = {reason for kind in kinds for reason in kind.delivery_errors.values()}
    for reason in {*theirs, "too_many", "no_calls", "provider_99999"}:
        advice = describe_delivery_status(message("failed", reason), None).advice
        assert advice.endswith("."), reason
        assert len(advice) > 20, reason


def test_a_landline_is_told_of_the_other_ways():
    assert (
        "keypad" in describe_delivery_status(message("sent"), report("undelivered", 30006)).advice
    )
    assert "keypad" in describe_delivery_status(message("failed", "landline"), None).advice


@pytest.mark.parametrize(
    ("gateway", "error", "advice"),
    [
        ("twilio", 30006, "keypad"),
        ("second", 30006, "keypad"),
        ("telnyx", 40001, "keypad"),
        ("simulator", 30003, "off or out of reach"),
        ("telnyx", 30006, "another way"),
        ("twilio", 40001, "another way"),
        (None, 30006, "another way"),
        ("gone", 30006, "another way"),
    ],
)
def test_an_error_code_means_what_its_provider_says(gateway, error, advice):
    outbox = OutboxMessage(state=MessageState("sent"), gateway=gateway)
    found = describe_delivery_status(outbox, report("undelivered", error))
    assert advice in found.advice
