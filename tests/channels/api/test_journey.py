"""The journey of a callback over the REST API."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from messaging.models import OutboxMessage
from scheduling.models import Callback
from tests.channels.support import (
    OTHER_PHONE,
    PHONE,
    a_started_call,
    a_token,
    all_rows,
    booking,
    unit,
    wrong,
)
from vault.models import AuditEntry


def checked(client, phone, code):
    return client.post("/api/v1/checks", json={"phone": phone, "code": code})


def test_a_callback_is_booked_started_confirmed_and_ended(app, client, clock):
    headers = a_token(app)
    callback, code = a_started_call(app, client, clock, headers)
    genuine = checked(client, PHONE, code)
    assert genuine.json == {
        "verdict": "genuine",
        "caller": "Ana",
        "organisation": genuine.json["organisation"],
        "topic": "your router",
        "booked_for": clock.now.replace(second=0, microsecond=0).isoformat(),
        "reply_word": genuine.json["reply_word"],
        "checked_at": clock.now.isoformat(),
    }
    shown = client.get(f"/api/v1/callbacks/{callback}", headers=headers).json
    assert (shown["state"], shown["channel"]) == ("confirmed", "api")
    assert shown["customer"]["phone_masked"] == "••• ••56"
    assert PHONE not in str(shown)
    ended = client.post(
        f"/api/v1/callbacks/{callback}/end", json={"outcome": "reached"}, headers=headers
    )
    assert (ended.json["state"], ended.json["outcome"]) == ("ended", "reached")
    assert checked(client, PHONE, code).json == {"verdict": "not_confirmed"}


def test_a_second_check_says_when_and_how_the_first_was(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    first = checked(client, PHONE, code).json
    clock.now += timedelta(minutes=1)
    assert checked(client, PHONE, f" {code[:3]}-{code[3:]} ").json == {
        "verdict": "already_confirmed",
        "confirmed_at": first["checked_at"],
        "channel": "api",
    }


def test_a_wrong_code_and_another_number_are_not_confirmed(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    assert checked(client, PHONE, wrong(code)).json == {"verdict": "not_confirmed"}
    assert checked(client, OTHER_PHONE, code).json == {"verdict": "not_confirmed"}
    assert checked(client, PHONE, code).json["verdict"] == "genuine"


def test_a_new_code_kills_the_old(app, client, clock):
    headers = a_token(app)
    callback, old = a_started_call(app, client, clock, headers)
    new = client.post(f"/api/v1/callbacks/{callback}/code", headers=headers).json["code"]
    if new != old:
        assert checked(client, PHONE, old).json == {"verdict": "not_confirmed"}
    assert checked(client, PHONE, new).json["verdict"] == "genuine"


def test_start_is_refused_outside_the_window_and_twice_shows_the_same_code(app, client, clock):
    headers = a_token(app)
    made = client.post("/api/v1/callbacks", json=booking(app, 60), headers=headers).json
    early = client.post(f"/api/v1/callbacks/{made['id']}/start", headers=headers)
    assert early.status_code == 409
    assert "Too early" in early.json["detail"]
    clock.now += timedelta(minutes=60)
    first = client.post(f"/api/v1/callbacks/{made['id']}/start", headers=headers).json
    again = client.post(f"/api/v1/callbacks/{made['id']}/start", headers=headers).json
    assert first == again


def test_a_taken_time_is_refused_with_free_slots(app, client):
    headers = a_token(app)
    body = booking(app, 24 * 60)
    assert client.post("/api/v1/callbacks", json=body, headers=headers).status_code == 201
    other = {**body, "customer": {"phone": OTHER_PHONE, "name": "Bo"}}
    taken = client.post("/api/v1/callbacks", json=other, headers=headers)
    assert taken.status_code == 409
    assert len(taken.json["free_slots"]) == 5
    other["starts_at"] = taken.json["free_slots"][0]
    assert client.post("/api/v1/callbacks", json=other, headers=headers).status_code == 201


def test_moving_and_cancelling_tell_the_customer(app, client):
    headers = a_token(app)
    made = client.post("/api/v1/callbacks", json=booking(app, 24 * 60), headers=headers).json
    at = booking(app, 25 * 60)["starts_at"]
    moved = client.post(
        f"/api/v1/callbacks/{made['id']}/move", json={"starts_at": at}, headers=headers
    )
    assert moved.json["starts_at"] == at
    assert client.delete(f"/api/v1/callbacks/{made['id']}", headers=headers).status_code == 204
    assert client.delete(f"/api/v1/callbacks/{made['id']}", headers=headers).status_code == 409
    texts = all_rows(app, OutboxMessage)
    kinds = [row.kind for row in texts]
    assert sorted(set(kinds)) == ["booked", "cancelled", "moved", "reminder"]
    assert [row.kind for row in texts if row.state == "queued"] == ["cancelled"]


def test_the_same_idempotency_key_books_once(app, client):
    headers = {**a_token(app), "Idempotency-Key": "once"}
    body = booking(app, 24 * 60)
    first = client.post("/api/v1/callbacks", json=body, headers=headers)
    again = client.post("/api/v1/callbacks", json=body, headers=headers)
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert len(all_rows(app, Callback)) == 1
    other = client.post("/api/v1/callbacks", json={**body, "topic": "x"}, headers=headers)
    assert other.status_code == 422


def test_the_day_lists_own_callbacks_only(app, client):
    ana = a_token(app)
    ben = a_token(app, email="ben@example.org")
    made = client.post("/api/v1/callbacks", json=booking(app), headers=ana).json
    on = made["starts_at"][:10]
    assert [
        c["id"] for c in client.get(f"/api/v1/callbacks?on={on}", headers=ana).json["callbacks"]
    ]
    assert client.get(f"/api/v1/callbacks?on={on}", headers=ben).json["callbacks"] == []
    for call in ("get", "delete"):
        found = getattr(client, call)(f"/api/v1/callbacks/{made['id']}", headers=ben)
        assert found.status_code == 404
    for step in ("start", "code", "end", "move"):
        body = {"end": {"outcome": "reached"}, "move": {"starts_at": made["starts_at"]}}.get(step)
        found = client.post(f"/api/v1/callbacks/{made['id']}/{step}", json=body, headers=ben)
        assert found.status_code == 404


def test_a_customer_id_works_only_for_the_agent_who_holds_a_callback(app, client):
    ana, ben = a_token(app), a_token(app, email="ben@example.org")
    made = client.post("/api/v1/callbacks", json=booking(app, 60), headers=ana).json
    body = booking(app, 24 * 60, customer_id=made["customer"]["id"])
    del body["customer"]
    assert client.post("/api/v1/callbacks", json=body, headers=ben).status_code == 404
    asked = {**body, "purpose": "goes_on"}
    assert client.post("/api/v1/callbacks", json=asked, headers=ana).status_code == 201
    looks = [row for row in all_rows(app, AuditEntry) if row.action == "customer.look_up"]
    assert [look.purpose for look in looks] == ["booking", "booking", "goes_on"]


def test_every_reading_leaves_an_audit_entry(app, client):
    headers = a_token(app)
    made = client.post("/api/v1/callbacks", json=booking(app), headers=headers).json
    with unit(app) as session:
        before = len(session.exec(select(AuditEntry)).all())
    client.get(f"/api/v1/callbacks/{made['id']}", headers=headers)
    last = all_rows(app, AuditEntry)[-1]
    assert len(all_rows(app, AuditEntry)) == before + 1
    assert (last.action, str(last.callback_id)) == ("customer.read", made["id"])


def test_slots_are_offered(app, client, clock):
    headers = a_token(app)
    since = clock.now + timedelta(days=1)
    query = {"from": since.isoformat(), "to": (since + timedelta(days=1)).isoformat()}
    found = client.get("/api/v1/slots", query_string=query, headers=headers)
    assert found.status_code == 200
    assert found.json["slots"]


def test_reports_are_filed_by_anybody_and_read_by_investigators(app, client):
    filed = client.post("/api/v1/reports", json={"phone": PHONE, "said": "gift cards"})
    assert filed.status_code == 201
    agent = client.get("/api/v1/reports", headers=a_token(app))
    assert agent.status_code == 403
    ines = a_token(app, "investigator", "ines@example.org")
    found = client.get("/api/v1/reports", headers=ines).json["reports"]
    assert [(r["reference"], r["said"]) for r in found] == [(filed.json["reference"], "gift cards")]
