"""``flask outbox``: what is stuck is seen and tried again, without a word of whose it is."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import select

from messaging import outbox
from messaging.dispatch import delivery_outcomes, leases
from messaging.models import OutboxMessage
from messaging.outbox import NewMessage
from messaging.sending_limits import SendingLimits
from tests import factories
from tests.databases import opened


@pytest.fixture
def there(database):
    return opened(database)


@pytest.fixture
def texts(there, clock):
    """Two failed texts, an old one whose outcome is unknown, and one sent."""
    with there.unit() as session:
        who = factories.a_customer(session, clock.now, factories.PHONE, "Gwen Jones")
        until = clock.now + timedelta(hours=2)
        draft = NewMessage(who.id, "booked", factories.PHONE, "hello", clock.now, until)
        for _ in range(4):
            outbox.queue_message(session, draft, clock.now)
        taken = leases.lease_messages(session, clock.now, "post", SendingLimits())
        delivery_outcomes.mark_failed(session, taken[0], "filtered", clock.now)
        delivery_outcomes.mark_failed(session, taken[1], "blocked", clock.now)
        delivery_outcomes.schedule_retry(session, taken[2], clock.now, unknown=True)
        delivery_outcomes.mark_sent(session, taken[3], "SM1", clock.now)
    clock.now += timedelta(minutes=10)
    return [item.id for item in taken]


def run(app, *words: str):
    return app.test_cli_runner().invoke(args=["outbox", *words])


def states(there) -> dict[object, str]:
    return {row.id: row.state for row in there.all(select(OutboxMessage))}


def test_it_shows_what_is_stuck_and_why(app, texts):
    done = run(app)
    assert done.exit_code == 0
    for stuck, why in zip(texts, ("filtered", "blocked", "unknown"), strict=False):
        [line] = [one_line for one_line in done.output.splitlines() if str(stuck) in one_line]
        assert why in line
        assert "600 s late" in line
    assert str(texts[3]) not in done.output
    assert "Gwen" not in done.output
    assert factories.PHONE[1:] not in done.output


def test_one_is_tried_again(app, there, texts, clock):
    done = run(app, "--retry", str(texts[0]))
    assert (done.exit_code, states(there)[texts[0]]) == (0, "queued")
    assert states(there)[texts[1]] == "failed"
    with there.unit() as session:
        again = leases.lease_messages(session, clock.now, "post", SendingLimits())
    assert {item.id: item.unknown for item in again} == {texts[0]: False, texts[2]: True}


def test_all_are(app, there, texts):
    done = run(app, "--retry-all")
    assert "3 of 3" in done.output
    assert [states(there)[text] for text in texts] == ["queued"] * 3 + ["sent"]


@pytest.mark.parametrize("which", ["sent", "nobody's"])
def test_what_cannot_be_tried_again_is_an_error(app, there, texts, which):
    given = texts[3] if which == "sent" else uuid4()
    done = run(app, "--retry", str(given))
    assert done.exit_code == 1
    assert "0 of 1" in done.output
    assert states(there)[texts[3]] == "sent"


def test_what_would_no_longer_help_is_not_tried_again(app, there, texts, clock):
    clock.now += timedelta(hours=3)
    assert run(app, "--retry", str(texts[0])).exit_code == 1
    assert states(there)[texts[0]] == "failed"


def test_a_word_that_is_no_id_is_an_error(app):
    done = run(app, "--retry", "x")
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_nothing_stuck_is_said(app):
    assert "Nothing is stuck." in run(app).output


def test_the_metrics_tell_the_same(client, texts):
    told = client.get("/metrics").text
    assert "vouchline_texts_sent_last_hour 1.0" in told
    assert "vouchline_texts_sent_soon_last_hour 1.0" in told
    assert 'vouchline_texts_failed_last_hour{reason="filtered"} 1.0' in told
    assert "vouchline_texts_oldest_seconds 600.0" in told
