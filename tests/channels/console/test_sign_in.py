"""Signing in to the console, staying signed in, and being out."""

from __future__ import annotations

import pytest

from channels.console.auth.sign_in import is_console_address
from people.models import Role, Staff
from people.staff import second_factor, staff_status
from tests.channels.conftest import PASSWORD, Console, make_console

ANA = "ana@example.org"
FAILED = "These do not fit together"


def credentials(console: Console, **change: str) -> dict[str, str]:
    return {"email": ANA, "password": PASSWORD, "code": console.code(), **change}


def test_password_and_second_factor_lead_to_ones_own_day(console):
    console.member(ANA)
    answer = console.tab().post("/staff/sign-in", credentials(console))
    assert answer.status_code == 303
    assert answer.location == "/staff/day"


@pytest.mark.parametrize(
    "change",
    [
        {"password": "wrong wrong wrong"},
        {"code": "000000"},
        {"code": ""},
        {"email": "nobody@example.org"},
        {"email": "no address"},
        {"email": "x" * 5000},
        {"password": "x" * 60000},
        {"code": "\x00" * 50},
        {"email": ""},
    ],
    ids=str,
)
def test_whatever_is_wrong_the_answer_is_the_same(console, change):
    console.member(ANA)
    answer = console.tab().post("/staff/sign-in", credentials(console, **change))
    assert answer.status_code == 403
    assert FAILED in answer.text
    assert PASSWORD not in answer.text


def test_a_failed_try_is_written_down_although_it_fails(console):
    console.member(ANA)
    console.tab().post("/staff/sign-in", credentials(console, code="000000"))
    assert len(console.trail("staff.sign_in_failed")) == 1


def test_a_code_signs_in_once(console):
    console.member(ANA)
    assert console.tab().post("/staff/sign-in", credentials(console)).status_code == 303
    assert console.tab().post("/staff/sign-in", credentials(console)).status_code == 403


def test_a_recovery_code_signs_in_once_and_stays_spent(console):
    agent = console.member(ANA)
    with console.unit() as session:
        code = second_factor.issue_recovery_codes(session, agent)[0]
    form = credentials(console, code=code.upper())
    assert console.tab().post("/staff/sign-in", form).status_code == 303
    assert console.tab().post("/staff/sign-in", form).status_code == 403


def test_signing_in_starts_a_new_session_and_ends_the_old(console):
    console.member(ANA)
    console.member("ben@example.org")
    tab = console.sign_in(ANA)
    before = tab.client.get_cookie("vouchline").value
    with tab.client.session_transaction() as cookie:
        cookie["planted"] = "yes"
    console.sign_in("ben@example.org", tab)
    with tab.client.session_transaction() as cookie:
        assert "planted" not in cookie
    other = console.tab()
    other.client.set_cookie("vouchline", before)
    assert other.get("/staff/day").status_code == 303


def test_signing_out_ends_the_session_in_the_store_too(console):
    console.member(ANA)
    tab = console.sign_in(ANA)
    kept = tab.client.get_cookie("vouchline").value
    assert tab.post("/staff/sign-out").location == "/staff/sign-in"
    tab.client.set_cookie("vouchline", kept)
    assert tab.get("/staff/day").status_code == 303


def test_signing_out_takes_a_post_with_a_token(console):
    console.member(ANA)
    tab = console.sign_in(ANA)
    assert tab.get("/staff/sign-out").status_code == 404
    assert tab.client.post("/staff/sign-out").status_code == 400
    assert tab.get("/staff/day").status_code == 200


def test_somebody_switched_off_is_out_at_the_next_request(console):
    agent = console.member(ANA)
    tab = console.sign_in(ANA)
    assert tab.get("/staff/day").status_code == 200
    with console.unit() as session:
        staff_status.deactivate_staff_member(session, session.get_one(Staff, agent), console.now)
    assert tab.get("/staff/day").status_code == 303
    assert console.tab().post("/staff/sign-in", credentials(console)).status_code == 403


def test_an_idle_session_ends_and_use_keeps_it(console):
    console.member(ANA)
    tab = console.sign_in(ANA)
    for _ in range(3):
        console.wait(minutes=50)
        assert tab.get("/staff/day").status_code == 200
    console.wait(minutes=61)
    assert tab.get("/staff/day").status_code == 303


def test_a_form_sent_after_the_session_ended_leads_back_to_its_card(console):
    agent, tab = console.agent()
    callback = console.callback(agent)
    page = tab.get("/staff/day").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    console.wait(hours=2)
    answer = tab.client.post(f"/staff/callback/{callback}/cancel", data={"csrf_token": token})
    assert answer.status_code == 303
    assert f"next=/staff/callback/{callback}&" in answer.location
    page = tab.get(answer.location).text
    assert "You are signed out" in page
    assert f'value="/staff/callback/{callback}"' in page


def test_after_signing_in_one_is_where_one_wanted_to_be(console):
    console.member(ANA)
    wanted = console.tab().get("/staff/day?on=2026-11-25")
    assert wanted.location == "/staff/sign-in?next=/staff/day?on%3D2026-11-25"
    form = credentials(console, next="/staff/day?on=2026-11-25")
    answer = console.tab().post("/staff/sign-in", form)
    assert answer.location == "/staff/day?on=2026-11-25"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/staff/",
        "//evil.example/staff/",
        "/staff//evil.example",
        "/staff/\\evil.example",
        "/staff/../check",
        "/report",
        "javascript:alert(1)",
        "/staff/\r\nSet-Cookie: a=b",
        "",
    ],
)
def test_no_other_address_is_followed_after_signing_in(console, address):
    assert not is_console_address(address)
    console.member(ANA)
    answer = console.tab().post("/staff/sign-in", credentials(console, next=address))
    assert answer.location == "/staff/day"


def test_somebody_signed_in_already_does_not_see_the_form(console):
    _, tab = console.agent()
    assert tab.get("/staff/sign-in").location == "/staff/day"


def test_too_many_tries_at_an_account_are_slowed_down(database, tmp_path):
    console = make_console(database, tmp_path, sign_in_limit="3/minute")
    console.member(ANA)
    for _ in range(3):
        assert console.tab().post("/staff/sign-in", {"email": ANA}).status_code == 403
    answer = console.tab().post("/staff/sign-in", credentials(console))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many tries" in answer.text


def test_without_the_limits_nobody_signs_in(console, monkeypatch):
    from limits.errors import StorageError

    console.member(ANA)

    def out_of_reach(*_: object) -> bool:
        raise StorageError(OSError("gone"))

    monkeypatch.setattr(console.context.limiter._strategy, "hit", out_of_reach)
    assert console.tab().post("/staff/sign-in", credentials(console)).status_code == 503


def test_a_form_from_elsewhere_is_refused(console):
    console.member(ANA)
    answer = console.tab().client.post("/staff/sign-in", data=credentials(console))
    assert answer.status_code == 400
    assert "out of date" in answer.text


def test_forms_work_over_https_where_browsers_send_no_referrer(database, tmp_path):
    console = make_console(database, tmp_path, public_url="https://check.example.org")
    console.member(ANA)
    client = console.app.test_client()
    page = client.get("/staff/sign-in", base_url="https://check.example.org").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {**credentials(console), "csrf_token": token}
    answer = client.post("/staff/sign-in", data=form, base_url="https://check.example.org")
    assert answer.status_code == 303
    assert answer.headers["Set-Cookie"].startswith("__Host-vouchline=")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_the_demo_shows_the_codes_of_demo_people_alone(console):
    console.member(ANA, demo=True)
    console.member("real@example.org")
    code = console.code()
    for path in ("/staff/sign-in", "/staff/sign-in/demo"):
        page = console.tab().get(path).text
        assert f"{code[:3]} {code[3:]}" in page
        assert ANA in page
        assert "real@example.org" not in page
    console.tab().post("/staff/sign-in", credentials(console))
    assert "has been used" in console.tab().get("/staff/sign-in/demo").text


@pytest.mark.parametrize("path", ["/staff/sign-in", "/staff/sign-in/demo"])
def test_no_code_is_shown_where_real_texts_are_sent(database, tmp_path, path):
    console = make_console(
        database,
        tmp_path,
        messaging="twilio",
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token="t",
        twilio_from_number="+442071234567",
    )
    console.member(ANA, demo=True)
    page = console.tab().get(path).text
    assert ANA not in page
    assert "correct-horse" not in page


@pytest.mark.parametrize("role", list(Role))
def test_each_role_has_its_own_home(console, role):
    console.member(ANA, role)
    tab = console.sign_in(ANA)
    homes = {"agent": "/staff/day", "supervisor": "/staff/team", "investigator": "/staff/cases"}
    assert tab.get("/staff/").location == homes[role]
    assert tab.get(homes[role]).status_code == 200
