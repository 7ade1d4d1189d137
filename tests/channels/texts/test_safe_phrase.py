"""The safe phrase: chosen by text, shown in each of our texts, and never a way to smuggle."""

from __future__ import annotations

import pytest

from messaging.models import OutboxMessage
from people.models import Customer
from tests.channels.support import (
    AUTH_TOKEN,
    OTHER_PHONE,
    a_text,
    a_token,
    all_rows,
    booking,
    context,
    unit,
)
from vault.keys import field_encryption

pytestmark = pytest.mark.settings(
    public_url="https://check.example.org", twilio_auth_token=AUTH_TOKEN
)


@pytest.fixture
def known(app, client):
    """A customer with a booking."""
    made = client.post("/api/v1/callbacks", json=booking(app), headers=a_token(app))
    assert made.status_code == 201


def last_text(app) -> str:
    row = max(all_rows(app, OutboxMessage), key=lambda each: each.id)
    with unit(app) as session:
        key = field_encryption.load_data_key(session, row.customer_id)
        return key.open_field("outbox_message", "body", row.id, row.body)


@pytest.mark.parametrize(
    "body", ["PHRASE Blue teapot", "phrase: blue  Teapot.", "SATZ Blaue Kanne", 'Frase "té azul"']
)
def test_it_is_kept_and_shown_in_every_text_from_then_on(app, client, known, body):
    told = a_text(client, body, "SM1").text
    assert "(" not in told.split(": ")[0]
    again = a_text(client, "CHECK", "SM2").text
    phrase = again.split("(")[1].split(")")[0]
    assert phrase in told
    client.post("/api/v1/callbacks", json=booking(app, 60), headers=a_token(app))
    assert f"({phrase})" in last_text(app)


def test_it_is_changed_to_the_old_words(app, client, known):
    a_text(client, "PHRASE blue teapot", "SM1")
    told = a_text(client, "PHRASE red kettle", "SM2").text
    assert "(blue teapot)" in told
    assert "red kettle" in told
    assert "(red kettle)" in a_text(client, "CHECK", "SM3").text


@pytest.mark.parametrize(
    "phrase", ["", "x", "evil.example", "482915", "a" * 21, "ring 5551", "<b>", "a\x00b", "@you"]
)
def test_nothing_but_letters_is_taken(app, client, known, phrase):
    told = a_text(client, f"PHRASE {phrase}", "SM1").text
    assert (
        "Choose 2 to 20 letters" in told or "Text the check number" in told or "<Message>" in told
    )
    assert [row.safe_phrase for row in all_rows(app, Customer)] == [None]


def test_a_number_we_do_not_know_is_answered_alike_and_nothing_is_kept(app, client, known):
    ours = a_text(client, "PHRASE blue teapot", "SM1").text
    strange = a_text(client, "PHRASE blue teapot", "SM2", sender=OTHER_PHONE).text
    assert ours == strange
    assert "(" not in a_text(client, "CHECK", "SM3", sender=OTHER_PHONE).text
    assert len([row for row in all_rows(app, Customer) if row.safe_phrase]) == 1


def test_it_is_sealed(app, client, known):
    a_text(client, "PHRASE blue teapot", "SM1")
    [row] = all_rows(app, Customer)
    assert b"teapot" not in row.safe_phrase
    assert context(app).policy.message_context_for().phrase == ""
