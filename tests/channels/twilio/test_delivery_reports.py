"""The provider's reports on texts: believed when signed."""

from __future__ import annotations

import pytest

from messaging.models import DeliveryReport
from tests.channels.support import AUTH_TOKEN, all_rows, signed_post

pytestmark = pytest.mark.settings(
    public_url="https://check.example.org", twilio_auth_token=AUTH_TOKEN
)
PATH = "/twilio/status/message"


def report(client, sid: str, status: str, error: str = "", **more: str):
    form = {"MessageSid": sid, "MessageStatus": status, **more}
    answer = signed_post(client, PATH, form | ({"ErrorCode": error} if error else {}))
    assert answer.status_code == 200
    return answer


def kept(app) -> list[tuple[str, str, int | None]]:
    return [(row.provider_id, row.status, row.error) for row in all_rows(app, DeliveryReport)]


def test_a_report_is_kept_also_of_a_text_we_do_not_know(app, client):
    report(client, "SM1", "sent")
    report(client, "SM1", "undelivered", "30006")
    report(client, "SM1", "sent")
    assert kept(app) == [("SM1", "undelivered", 30006)]


def test_an_unsigned_report_changes_nothing(app, client):
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    assert client.post(PATH, data=form).status_code == 403
    assert signed_post(client, PATH, form, token="another").status_code == 403
    assert kept(app) == []


@pytest.mark.parametrize("error", ["", "x", "-1", "٣", "9" * 40, "30006.5"])
def test_an_error_that_is_no_number_is_none(app, client, error):
    report(client, "SM1", "failed", error)
    assert kept(app) == [("SM1", "failed", None)]


@pytest.mark.parametrize("sid", ["", "x", "CA1", "SM" + "f" * 33, "SM1MessageStatus"])
def test_what_is_no_id_of_a_text_is_dropped(app, client, sid):
    report(client, sid, "delivered")
    assert kept(app) == []


def test_what_is_no_status_is_dropped(app, client):
    for status in ("", "exploded", "x" * 3000, "Delivered"):
        report(client, "SM1", status)
    assert kept(app) == []
