"""A booking under a key of the caller's is made once, however often and at once it is asked."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest
from sqlmodel import select

from messaging.models import OutboxMessage
from people.errors import InvalidInput
from scheduling.booking import idempotency
from scheduling.models import Callback
from tests import databases, factories
from tests.channels.support import a_token, booking
from tests.processes import at_once
from tests.security_rules.support.check_channels import of_its_own

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize("key", ["", "k" * 256, "a\nb", "\x00", "\ud800", "a\u202eb"])
def test_a_key_that_is_none_is_refused(store, key):
    with store.unit() as session:
        agent = factories.an_agent(session, NOW)
        with pytest.raises(InvalidInput, match="idempotency_key_invalid"):
            idempotency.claim_idempotency_key(session, agent.id, key, b"x", NOW)


@pytest.mark.parametrize("key", ["k", "k" * 255, "Ünïcode 🙂", "'; --"])
def test_a_key_is_its_owners_and_of_one_request(store, key):
    with store.unit() as session:
        one, other = factories.an_agent(session, NOW), factories.an_agent(session, NOW)
        made = factories.a_callback(session, NOW, agent=one).id
        idempotency.claim_idempotency_key(session, one.id, key, b"x", NOW).callback_id = made
    with store.unit() as session:
        assert (
            idempotency.claim_idempotency_key(session, one.id, key, b"x", NOW).callback_id == made
        )
        assert (
            idempotency.claim_idempotency_key(session, other.id, key, b"x", NOW).callback_id is None
        )
        with pytest.raises(InvalidInput, match="idempotency_key_reused"):
            idempotency.claim_idempotency_key(session, one.id, key, b"y", NOW)


def test_a_key_of_a_booking_that_failed_can_be_used_again(app, client):
    headers = a_token(app) | {"Idempotency-Key": "k"}
    assert (
        client.post("/api/v1/callbacks", json=booking(app, 1), headers=headers).status_code == 422
    )
    assert client.post("/api/v1/callbacks", json=booking(app), headers=headers).status_code == 201


def post(app, headers) -> tuple[int, str]:
    """Again, where a busy store has it so: that is what the key is for."""
    for _ in range(20):
        answer = app.test_client().post("/api/v1/callbacks", json=booking(app), headers=headers)
        if answer.status_code != 503:
            break
    return answer.status_code, str(answer.json.get("id"))


@pytest.mark.both
def test_of_many_with_one_key_at_once_all_get_the_one_booking(app, database):
    headers = a_token(app) | {"Idempotency-Key": "k"}
    told = at_once([partial(post, app, headers)] * 16, of_its_own(app))
    store = databases.opened(database)
    assert {code for code, _ in told} == {201}
    assert {made for _, made in told} == {str(row.id) for row in store.all(select(Callback))}
    assert len(store.all(select(Callback))) == len(store.all(select(OutboxMessage))) == 1
