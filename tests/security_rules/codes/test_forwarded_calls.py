"""A scammer who forwards our genuine call can relay its code. The agent's script and the verdict
page say what helps against it."""

from __future__ import annotations

from functools import partial

from tests.channels import support
from tests.channels.support import PHONE, a_started_call, a_token


def test_the_verdict_page_asks_for_the_name_and_the_reason(app, clock):
    """Was red on c916469."""
    client = app.test_client()
    _, code = a_started_call(app, client, clock, a_token(app))
    page = client.post("/check", data={"phone": PHONE, "code": code}).text
    assert "Did the caller tell you this name and this reason?" in page
    assert "Tell the word only to that voice" in page
    assert "Ana" in page
    assert "your router" in page


def test_a_topic_that_was_stored_with_a_link_is_not_shown_and_the_call_is_told_of(
    app, clock, monkeypatch
):
    """By a way in that nobody has thought of, or before today's rule. Was red on c916469."""
    monkeypatch.setattr("scheduling.booking.bookings.clean_topic", lambda typed: typed)
    monkeypatch.setattr(support, "booking", partial(support.booking, topic="refund: t.me/Bank"))
    client, headers = app.test_client(), a_token(app)
    _, code = a_started_call(app, client, clock, headers)
    page = client.post("/check", data={"phone": PHONE, "code": code}).text
    assert "your request" in page
    assert "t.me" not in page
