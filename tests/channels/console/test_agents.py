"""What a supervisor sets up: teams, skills, days off, single days, and who makes a call instead."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from messaging.models import OutboxMessage
from people.models import Role, Team
from people.staff import suspension
from scheduling.availability import skills, teams
from scheduling.calendars import days_off
from scheduling.models import Callback
from vault.audit import audit_log

PERSONAL = ("Gwen", "123456", "router", "T-1001")
TEAM = {"name": "Cardiff", "assignment": "least_busy"}


@pytest.fixture
def sam(console):
    console.member("sam@example.org", Role.SUPERVISOR)
    return console.sign_in("sam@example.org")


@pytest.fixture
def ana(console) -> UUID:
    return console.member("ana@example.org")


def teams_of(console) -> list[Team]:
    with console.unit() as session:
        return list(session.exec(select(Team).order_by(Team.name)))


def holder(console, callback_id: UUID) -> UUID:
    with console.unit() as session:
        return session.get_one(Callback, callback_id).agent_id


def test_a_team_is_added_and_changed(console, sam):
    data = {**TEAM, "capacity": "3", "buffer_after": "10", "holidays": "GB-WLS"}
    assert sam.post("/staff/teams", data).status_code == 303
    (team,) = teams_of(console)
    assert (team.name, team.capacity, team.buffer_after) == ("Cardiff", 3, 10)
    changed = {**TEAM, "name": "Swansea", "assignment": "round_robin"}
    assert sam.post(f"/staff/teams/{team.id}", changed).status_code == 303
    (team,) = teams_of(console)
    assert (team.name, team.capacity, team.holidays) == ("Swansea", None, "")
    page = sam.get("/staff/teams?saved=1").text
    assert "Swansea" in page
    assert "Saved." in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 61},
        {"capacity": "0"},
        {"capacity": "-1"},
        {"capacity": "many"},
        {"capacity": "9999999"},
        {"buffer_before": "1.5"},
        {"buffer_after": "100000"},
        {"holidays": "XX"},
        {"holidays": "DE-XX"},
        {"assignment": "nobody"},
    ],
    ids=str,
)
def test_a_team_that_makes_no_sense_is_said_and_not_kept(console, sam, wrong):
    answer = sam.post("/staff/teams", {**TEAM, **wrong})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert teams_of(console) == []
    sam.post("/staff/teams", TEAM)
    (team,) = teams_of(console)
    assert sam.post(f"/staff/teams/{team.id}", {**TEAM, **wrong}).status_code == 422
    (after,) = teams_of(console)
    assert after == team


def test_two_teams_cannot_have_one_name(console, sam):
    sam.post("/staff/teams", TEAM)
    assert sam.post("/staff/teams", TEAM).status_code == 422
    assert len(teams_of(console)) == 1


def test_team_and_skills_of_an_agent(console, sam, ana):
    sam.post("/staff/teams", TEAM)
    (team,) = teams_of(console)
    data = {"team": str(team.id), "language": "de, EN", "product": "router"}
    assert sam.post(f"/staff/team/{ana}/skills", data).status_code == 303
    with console.unit() as session:
        assert teams.team_id_of_agent(session, ana) == team.id
        assert skills.load_agent_skills(session, ana) == {
            "language": ["de", "en"],
            "product": ["router"],
        }
    page = sam.get(f"/staff/team/{ana}").text
    assert 'value="de, en"' in page
    for bad in ({"language": "!!"}, {"team": "x"}, {"team": str(ana)}):
        assert sam.post(f"/staff/team/{ana}/skills", {**data, **bad}).status_code == 422
    with console.unit() as session:
        assert skills.load_agent_skills(session, ana)["language"] == ["de", "en"]


def test_single_days_are_set_and_taken_back(console, sam, ana):
    path = f"/staff/team/{ana}/day"
    assert sam.post(path, {"on": "2026-12-24", "hours": "9-12"}).status_code == 303
    assert sam.post(path, {"on": "2026-12-25", "hours": ""}).status_code == 303
    page = sam.get(f"/staff/team/{ana}").text
    assert "Thursday 24 December: 09:00-12:00" in page.replace("Thursday, ", "Thursday ")
    for bad in ({"on": "24.12."}, {"on": "2026-12-24", "hours": "late"}, {}):
        assert sam.post(path, bad).status_code == 422
    sam.post(path, {"on": "2026-12-24", "usual": "yes"})
    with console.unit() as session:
        assert days_off.list_dated_hours(session, ana, date(2026, 12, 1)) == {
            date(2026, 12, 25): []
        }


def test_days_off_are_given_and_taken_back(console, sam, ana):
    path = f"/staff/team/{ana}/off"
    assert sam.post(path, {"first": "2026-12-01", "last": "2026-12-05"}).status_code == 303
    assert sam.post(path, {"first": "2026-12-24"}).status_code == 303
    for bad in ({}, {"first": "2026-12-05", "last": "2026-12-01"}, {"end": "x"}):
        assert sam.post(path, bad).status_code == 422
    with console.unit() as session:
        rows = days_off.list_time_off(session, ana, date(2026, 11, 1))
        assert [(row.first_on.day, row.last_on.day) for row in rows] == [(1, 5), (24, 24)]
        first = rows[0].id
    other = console.member("ben@example.org")
    assert sam.post(f"/staff/team/{other}/off", {"end": str(first)}).status_code == 404
    assert sam.post(path, {"end": str(first)}).status_code == 303
    with console.unit() as session:
        assert len(days_off.list_time_off(session, ana, date(2026, 11, 1))) == 1


def test_what_is_booked_is_seen_without_its_customer_and_goes_to_a_colleague(console, sam, ana):
    made = console.callback(ana, minutes_ahead=90)
    page = sam.get(f"/staff/team/{ana}").text
    assert [item for item in PERSONAL if item in page] == []
    path = f"/staff/team/{ana}/hand-over"
    nobody = sam.post(path, {"callback": str(made)})
    assert nobody.status_code == 409
    assert "Nobody else is free" in nobody.text
    ben = console.member("ben@example.org")
    assert sam.post(path, {"callback": str(made), "to": str(ana)}).status_code == 422
    assert sam.post(path, {"callback": "x", "to": str(ben)}).status_code == 422
    assert sam.post(path, {"to": str(ben)}).status_code == 404
    assert holder(console, made) == ana
    done = sam.post(path, {"callback": str(made), "to": str(ben)})
    assert done.status_code == 303
    page = sam.get(done.location).text
    assert " makes this call, " in page
    assert [item for item in PERSONAL if item in page] == []
    assert holder(console, made) == ben
    assert sam.post(path, {"callback": str(made), "to": str(ben)}).status_code == 404
    assert len(console.trail("callback.hand_over")) == 1


def test_the_calls_of_a_suspended_agent_are_rebooked_or_off_and_the_customer_is_told(
    console, sam, ana
):
    one = console.callback(ana, minutes_ahead=90)
    two = console.callback(ana, minutes_ahead=200, phone="+447400123457")
    ben = console.member("ben@example.org")
    console.callback(ben, minutes_ahead=90, phone="+447400123458")
    with console.unit() as session:
        suspension.suspend_staff_member(session, ana, audit_log.SYSTEM, console.now)
        before = session.get_one(Callback, one).starts_at
    path = f"/staff/team/{ana}/hand-over"
    stuck = sam.post(path, {"callback": str(one)})
    assert stuck.status_code == 409
    assert "Book another time, or call it off." in stuck.text
    assert [item for item in PERSONAL if item in stuck.text] == []
    assert sam.post(path, {"callback": str(one), "rebook": "yes"}).status_code == 303
    off = sam.post(path, {"callback": str(two), "off": "yes"})
    assert "is called off. The customer is told by text." in sam.get(off.location).text
    assert holder(console, one) == ben
    with console.unit() as session:
        assert session.get_one(Callback, one).starts_at > before
        assert session.get_one(Callback, two).state == "cancelled"
        texts = session.exec(select(OutboxMessage).where(OutboxMessage.state == "queued")).all()
        told = [(row.callback_id, row.kind) for row in texts if row.kind != "reminder"]
    assert (one, "moved") in told
    assert (two, "cancelled") in told
    assert sam.post(path, {"callback": str(one), "rebook": "yes"}).status_code == 404


@pytest.mark.parametrize("callback", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_what_was_done_with_no_callback_is_not_said(sam, ana, callback):
    page = sam.get(f"/staff/team/{ana}?done=off&callback={callback}")
    assert page.status_code == 200
    assert "is called off" not in page.text


def test_the_navigation_marks_the_page_or_where_it_belongs(sam, ana):
    assert '<a href="/staff/team" aria-current="page">' in sam.get("/staff/team").text
    page = sam.get(f"/staff/team/{ana}").text
    assert '<a href="/staff/team" aria-current="true">' in page
    assert page.count("aria-current") == 1


def test_where_nobody_is_free_for_two_weeks_a_call_can_only_be_called_off(console, sam, ana):
    made = console.callback(ana, minutes_ahead=90)
    path = f"/staff/team/{ana}/hand-over"
    with console.unit() as session:
        suspension.suspend_staff_member(session, ana, audit_log.SYSTEM, console.now)
    answer = sam.post(path, {"callback": str(made), "rebook": "yes"})
    assert answer.status_code == 409
    assert "Call it off." in answer.text
    assert holder(console, made) == ana


def test_a_callback_in_days_off_stands_out_and_goes_to_a_free_agent(console, sam, ana):
    made = console.callback(ana, minutes_ahead=26 * 60)
    assert "not at work then" not in sam.get(f"/staff/team/{ana}").text
    on = (console.now + timedelta(minutes=26 * 60)).date().isoformat()
    sam.post(f"/staff/team/{ana}/off", {"first": on})
    assert "not at work then" in sam.get(f"/staff/team/{ana}").text
    ben = console.member("ben@example.org")
    console.callback(ben, minutes_ahead=26 * 60, phone="+447400123457")
    cleo = console.member("cleo@example.org")
    path = f"/staff/team/{ana}/hand-over"
    assert sam.post(path, {"callback": str(made), "to": str(ben)}).status_code == 409
    assert sam.post(path, {"callback": str(made), "to": ""}).status_code == 303
    assert holder(console, made) == cleo


def test_coverage_shows_counts_and_no_customer(console, sam, ana):
    console.callback(ana, minutes_ahead=60)
    page = sam.get("/staff/coverage").text
    assert page.count("<svg viewBox") == 7
    assert "In figures" in page
    assert [item for item in PERSONAL if item in page] == []
    sam.post("/staff/teams", TEAM)
    (team,) = teams_of(console)
    alone = sam.get(f"/staff/coverage?team={team.id}&on=2026-11-24").text
    assert alone.count("nobody at work") == 7
    assert sam.get("/staff/coverage?team=x&on=2026-11-24").status_code == 200
    assert sam.get("/staff/coverage?on=soon").status_code == 422


def test_coverage_counts_the_minutes_taken(console, sam, ana):
    from scheduling.availability import coverage

    console.callback(ana, minutes_ahead=60)
    with console.unit() as session:
        policy = console.context.policy
        hours = coverage.load_by_hour(session, None, console.now.date(), _zone(), policy)
    taken = {hour.begins_at.hour: (hour.working, hour.taken) for hour in hours if hour.taken}
    assert taken == {11: (60, 15)}


def _zone():
    from zoneinfo import ZoneInfo

    return ZoneInfo("Europe/London")


@pytest.mark.parametrize("what", ["", "/skills", "/day", "/off", "/hand-over"])
def test_only_agents_are_set_up(console, sam, what):
    other = console.member("ines@example.org", Role.INVESTIGATOR)
    path = f"/staff/team/{other}{what}"
    answer = sam.post(path, {"on": "2026-12-01"}) if what else sam.get(path)
    assert answer.status_code == 404
