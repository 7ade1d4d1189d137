"""Colleagues over the API: bookings for anyone who is free, hand-over, and calls booked again."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from scheduling.availability import skills
from tests.channels.support import OTHER_PHONE, PHONE, a_started_call, a_token, booking, unit
from vault.audit import audit_log

CALLBACKS = "/api/v1/callbacks"


@pytest.fixture
def ana(app):
    return a_token(app)


@pytest.fixture
def ben(app):
    return a_token(app, email="ben@example.org")


def booked(app, client, headers, **more):
    answer = client.post(CALLBACKS, json=booking(app, **more), headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json


def colleague(client, headers) -> str:
    (other,) = client.get("/api/v1/colleagues", headers=headers).json["colleagues"]
    return other["id"]


def free(client, headers, clock, **more):
    span = {
        "from": clock.now.isoformat(),
        "to": (clock.now + timedelta(hours=2)).isoformat(),
        "timezone": "Europe/London",
    }
    answer = client.get("/api/v1/slots", query_string={**span, **more}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json["slots"]


def test_what_one_agent_has_no_time_for_another_has(app, client, clock, ana, ben):
    made = booked(app, client, ana, minutes_ahead=28)
    assert made["starts_at"] not in free(client, ana, clock)
    assert made["starts_at"] in free(client, ana, clock, agent="any")
    body = booking(app, minutes_ahead=28, customer={"phone": OTHER_PHONE, "name": "Ivo"})
    assert client.post(CALLBACKS, json=body, headers=ana).status_code == 409
    answer = client.post(CALLBACKS, json={**body, "agent": "any"}, headers=ana)
    assert answer.status_code == 201
    assert answer.json["agent"]["id"] == colleague(client, ana)
    assert answer.json["customer"] is None
    path = f"{CALLBACKS}/{answer.json['id']}"
    assert client.get(path, headers=ana).status_code == 404
    assert client.get(path, headers=ben).json["reference"] == answer.json["reference"]
    third = booking(app, minutes_ahead=28, customer={"phone": "+447400123459", "name": "Uta"})
    full = client.post(CALLBACKS, json={**third, "agent": "any"}, headers=ana)
    assert full.status_code == 409
    assert len(full.json["free_slots"]) >= 1


def test_a_retry_of_a_booking_with_somebody_else_gives_it_again(app, client, clock, ana, ben):
    booked(app, client, ana, minutes_ahead=28)
    more = {"agent": "any", "customer": {"phone": OTHER_PHONE, "name": "Ivo"}}
    body = booking(app, minutes_ahead=28, **more)
    headers = {**ana, "Idempotency-Key": "k-1"}
    first, second = (client.post(CALLBACKS, json=body, headers=headers) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json == second.json
    assert first.json["customer"] is None


def test_language_and_product_choose_who_makes_it(app, client, clock, ana, ben):
    with unit(app) as session:
        for each, language in ((colleague(client, ana), "es"), (colleague(client, ben), "de")):
            said = {"language": [language], "product": ["router"]}
            skills.replace_agent_skills(session, UUID(each), said, audit_log.SYSTEM, clock.now)
    made = booked(app, client, ana, agent="any", language="ES", product="router")
    assert made["agent"]["id"] == colleague(client, ana)
    assert free(client, ana, clock, agent="any", language="fr") == []
    nobody = client.post(CALLBACKS, json=booking(app, agent="any", language="fr"), headers=ana)
    assert nobody.status_code == 422


@pytest.mark.parametrize(
    "more", [{"agent": "all"}, {"agent": 1}, {"team": "x"}, {"team": str(uuid4())}, {"language": 5}]
)
def test_a_wish_that_nobody_can_meet_is_said(app, client, ana, more):
    body = booking(app, **{"agent": "any", **more})
    assert client.post(CALLBACKS, json=body, headers=ana).status_code == 422


def test_a_callback_is_handed_over(app, client, clock, ana, ben):
    made = booked(app, client, ana)
    to = colleague(client, ana)
    path = f"{CALLBACKS}/{made['id']}/hand-over"
    assert client.post(path, json={"agent": to}, headers=ben).status_code == 404
    answer = client.post(path, json={"agent": to}, headers=ana)
    assert answer.status_code == 200
    assert answer.json["agent"]["id"] == to
    assert answer.json["reference"] == made["reference"]
    assert client.post(path, json={"agent": to}, headers=ana).status_code == 404
    clock.now += timedelta(minutes=10)
    assert client.post(f"{CALLBACKS}/{made['id']}/start", headers=ana).status_code == 404
    assert client.post(f"{CALLBACKS}/{made['id']}/start", headers=ben).status_code == 200


def test_the_code_of_a_call_handed_over_is_dead(app, client, clock, ana, ben):
    callback, code = a_started_call(app, client, clock, ana)
    to = colleague(client, ana)
    path = f"{CALLBACKS}/{callback}"
    assert client.post(f"{path}/hand-over", json={"agent": to}, headers=ana).status_code == 200

    def verdict(given: str) -> str:
        return client.post("/api/v1/checks", json={"phone": PHONE, "code": given}).json["verdict"]

    assert verdict(code) == "not_confirmed"
    new = client.post(f"{path}/start", headers=ben).json["code"]
    assert verdict(new) == "genuine"
    again = client.post(f"{path}/hand-over", json={"agent": colleague(client, ben)}, headers=ben)
    assert again.status_code == 409


@pytest.mark.parametrize("body", [{}, {"agent": "x"}, {"agent": None}, {"agent": str(uuid4())}])
def test_a_hand_over_to_nobody_is_said(app, client, ana, ben, body):
    made = booked(app, client, ana)
    path = f"{CALLBACKS}/{made['id']}/hand-over"
    assert client.post(path, json=body, headers=ana).status_code == 422


def test_a_callback_called_off_is_booked_again_under_its_id(app, client, clock, ana):
    made = booked(app, client, ana, minutes_ahead=28)
    path = f"{CALLBACKS}/{made['id']}"
    assert client.delete(path, headers=ana).status_code == 204
    at = (clock.now.replace(second=0, microsecond=0) + timedelta(hours=1)).isoformat()
    answer = client.post(f"{path}/revive", json={"starts_at": at}, headers=ana)
    assert answer.status_code == 200
    assert (answer.json["state"], answer.json["starts_at"]) == ("booked", at)
    assert (answer.json["moves"], answer.json["reference"]) == (1, made["reference"])
    assert client.post(f"{path}/revive", json={"starts_at": at}, headers=ana).status_code == 409


def test_the_next_try_names_the_one_before(app, client, clock, ana):
    callback, _ = a_started_call(app, client, clock, ana)
    path = f"{CALLBACKS}/{callback}"
    client.post(f"{path}/end", json={"outcome": "no_answer"}, headers=ana)
    following = client.get(path, headers=ana).json["followed_by"]
    assert client.get(f"{CALLBACKS}/{following}", headers=ana).json["follows"] == callback
