"""Requests that cannot be used get a problem document and change nothing."""

from __future__ import annotations

import pytest

from people.models import Customer
from scheduling.models import Callback
from tests.channels.support import PHONE, a_token, all_rows, booking

MALFORMED_CHECKS = [
    {"phone": PHONE, "code": 123456},
    {"phone": PHONE, "code": "12345"},
    {"phone": PHONE, "code": "1234567"},
    {"phone": PHONE, "code": "12a456"},
    {"phone": PHONE, "code": "123\x00456"},
    {"phone": PHONE, "code": "9" * 60000},
    {"phone": PHONE, "code": None},
    {"phone": PHONE},
    {"phone": 447400123456, "code": "123456"},
    {"phone": "12", "code": "123456"},
    {"phone": "\x00", "code": "123456"},
    {"phone": "\ud800", "code": "123456"},
    {"phone": "+999999999999", "code": "123456"},
    {"phone": PHONE, "code": "123456", "extra": 1},
    [],
    "text",
    None,
    1,
]


@pytest.mark.parametrize("body", MALFORMED_CHECKS, ids=lambda body: repr(body)[:40])
def test_a_malformed_check_is_a_422_problem(client, body):
    answer = client.post("/api/v1/checks", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"]
    assert answer.json["errors"][0]["code"]
    assert answer.json["errors"][0]["detail"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("called_at", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_a_report_of_a_call_long_ago_or_to_come_is_a_422_problem(client, called_at):
    answer = client.post("/api/v1/reports", json={"phone": PHONE, "called_at": called_at})
    assert answer.status_code == 422, answer.text
    assert answer.mimetype == "application/problem+json"
    assert "not more than a year ago" in answer.json["detail"]
    assert answer.json["code"] == "call_time_out_of_range"
    problem = answer.json["errors"][0]
    assert (problem["field"], problem["code"]) == ("called_at", "call_time_out_of_range")
    assert answer.json["detail"] == f"called_at: {problem['detail']}"


@pytest.mark.parametrize("language", ["de", "es"])
def test_a_problem_is_in_english_whatever_the_client_reads(client, language):
    body = {"phone": PHONE, "called_at": "0001-01-01T00:00:00+00:00"}
    answer = client.post("/api/v1/reports", json=body, headers={"Accept-Language": language})
    assert answer.json["title"] == "This cannot be used"
    assert "not more than a year ago" in answer.json["detail"]


@pytest.mark.parametrize(
    ("path", "code"),
    [("/api/v1/nothing", "not_found"), ("/api/v1/callbacks", "unauthorized")],
)
def test_a_problem_of_http_has_a_code(client, path, code):
    assert client.get(path).json["code"] == code


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"[" * 60000, "application/json", 422),
        (b'{"a":' * 10000, "application/json", 422),
        (b"x" * 70000, "application/json", 413),
        (b"\xff\xfe", "application/json", 422),
        (b"phone=1&code=2", "application/x-www-form-urlencoded", 415),
        (b"", "application/json", 422),
    ],
)
def test_a_body_that_is_not_json_is_a_problem(client, data, kind, status):
    answer = client.post("/api/v1/checks", data=data, content_type=kind)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "change",
    [
        {"starts_at": "2020-01-01T10:00:00+00:00"},
        {"starts_at": "2036-11-23T10:00:00+00:00"},
        {"starts_at": "2026-11-30T10:00:00"},
        {"starts_at": "tomorrow"},
        {"minutes": 4},
        {"minutes": 121},
        {"minutes": "15"},
        {"topic": ""},
        {"topic": "x" * 41},
        {"topic": "see https://evil.example"},
        {"topic": "a\x00b"},
        {"ticket": "x" * 41},
        {"customer": None},
        {"customer": {"phone": PHONE, "name": ""}},
        {"customer": {"phone": PHONE, "name": "x" * 61}},
        {"customer": {"phone": PHONE, "name": "Gwen", "timezone": "Mars/Olympus"}},
        {"customer": {"phone": "+449098790123", "name": "Premium"}},
        {"customer_id": "00000000-0000-0000-0000-000000000000"},
    ],
    ids=str,
)
def test_a_booking_that_cannot_be_used_changes_nothing(app, client, change):
    headers = a_token(app)
    answer = client.post("/api/v1/callbacks", json={**booking(app), **change}, headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.json["detail"]
    assert all_rows(app, Callback) == []
    assert all_rows(app, Customer) == []


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"minutes": 4}, "minutes: Give 5 or more."),
        ({"minutes": "15"}, "minutes: Write a whole number, without quotes."),
        ({"topic": "x" * 41}, "topic: Write at most 40 characters."),
        ({"topic": 7}, "topic: Write this as text, in quotes."),
        ({"starts_at": 7}, "starts_at: Write a time like 2026-11-24T14:00:00+00:00"),
        ({"starts_at": "2026-11-24T99:00:00Z"}, "starts_at: Write a time like"),
        ({"agent": "Ana"}, "agent: Choose one of 'me' or 'any'."),
        ({"purpose": "curious"}, "purpose: Choose one of 'asked_us', "),
        ({"team": "north"}, "team: Give an id as you had it from us."),
        ({"customer": 7}, "customer: Send a JSON object."),
    ],
    ids=str,
)
def test_a_booking_that_does_not_fit_is_told_what_to_do(app, client, change, advice):
    body = {**booking(app), **change}
    answer = client.post("/api/v1/callbacks", json=body, headers=a_token(app))
    assert answer.status_code == 422, answer.text
    assert advice in answer.json["detail"]


@pytest.mark.parametrize("on", ["", "today", "2026-13-01", "2026-11-24T14:00:00"])
def test_a_day_that_is_none_is_told_what_to_do(app, client, on):
    answer = client.get("/api/v1/callbacks", query_string={"on": on}, headers=a_token(app))
    assert answer.json["detail"] == "on: Write a day like 2026-11-23."


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic eDp5", "Bearer \xe9"])
def test_without_a_good_token_there_is_nothing(client, header):
    answer = client.get("/api/v1/callbacks", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("role", ["supervisor", "investigator"])
def test_a_role_never_does_anothers_job(app, client, role):
    headers = a_token(app, role)
    assert client.get("/api/v1/callbacks", headers=headers).status_code == 403
    assert client.post("/api/v1/callbacks", json=booking(app), headers=headers).status_code == 403


def test_a_switched_off_members_token_is_dead_at_once(app, client, clock):
    from people.staff import staff_records, staff_status
    from tests.channels.support import unit

    headers = a_token(app)
    assert client.get("/api/v1/callbacks", headers=headers).status_code == 200
    with unit(app) as session:
        staff_status.deactivate_staff_member(
            session, staff_records.find_staff_by_email(session, "ana@example.org"), clock.now
        )
    assert client.get("/api/v1/callbacks", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "path", ["/api/v1/checks", "/check", "/", "/report", "/healthz", "/nothing"]
)
@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "WEIRD"])
def test_other_methods_decide_nothing(client, path, method):
    answer = client.open(path, method=method, json={"phone": PHONE, "code": "123456"})
    assert answer.status_code in (200, 204, 404, 405), answer.status_code
    assert b"genuine" not in answer.data


def test_too_many_checks_are_held_back_with_retry_after(app, client):
    answers = [
        client.post("/api/v1/checks", json={"phone": PHONE, "code": "123456"}) for _ in range(101)
    ]
    assert [a.status_code for a in answers[:100]] == [200] * 100
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
