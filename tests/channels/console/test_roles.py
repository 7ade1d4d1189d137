"""A role never does another's job, and nobody gets in without one."""

from __future__ import annotations

from uuid import UUID

import pytest

from people.models import Role
from tests.channels.console.test_account import OF_ALL
from tests.channels.console.test_approvals import OF_EVERY_ROLE

NONE = UUID("01930000-0000-7000-8000-000000000000")
ACTS = ("take", "give-back", "note", "decide", "close", "reopen", "customer")
ACTS += ("join", "apart", "split", "name", "suspend", "stop", "export")
PAGES = [
    (Role.INVESTIGATOR, "POST", "/staff/approvals/erase"),
    (Role.SUPERVISOR, "GET", "/staff/people"),
    (Role.SUPERVISOR, "POST", "/staff/people"),
    (Role.SUPERVISOR, "POST", f"/staff/people/{NONE}/role"),
    (Role.AGENT, "POST", f"/staff/callback/{NONE}/number"),
    (Role.AGENT, "GET", "/staff/day"),
    (Role.AGENT, "GET", "/staff/book"),
    (Role.AGENT, "POST", "/staff/book"),
    (Role.AGENT, "POST", "/staff/book/find"),
    (Role.AGENT, "GET", f"/staff/callback/{NONE}"),
    (Role.AGENT, "GET", f"/staff/callback/{NONE}/live"),
    (Role.AGENT, "POST", f"/staff/callback/{NONE}/start"),
    (Role.AGENT, "POST", f"/staff/callback/{NONE}/code"),
    (Role.AGENT, "POST", f"/staff/callback/{NONE}/ring"),
    (Role.AGENT, "POST", f"/staff/callback/{NONE}/end"),
    (Role.AGENT, "POST", f"/staff/callback/{NONE}/move"),
    (Role.AGENT, "POST", f"/staff/callback/{NONE}/cancel"),
    (Role.AGENT, "GET", "/staff/report"),
    (Role.AGENT, "POST", "/staff/report"),
    (Role.AGENT, "GET", "/staff/week"),
    (Role.AGENT, "GET", "/staff/calendar"),
    (Role.AGENT, "POST", "/staff/calendar"),
    (Role.AGENT, "POST", f"/staff/callback/{NONE}/hand-over"),
    (Role.AGENT, "POST", f"/staff/callback/{NONE}/revive"),
    (Role.SUPERVISOR, "GET", "/staff/team"),
    (Role.SUPERVISOR, "GET", f"/staff/team/{NONE}"),
    (Role.SUPERVISOR, "POST", f"/staff/team/{NONE}/skills"),
    (Role.SUPERVISOR, "POST", f"/staff/team/{NONE}/day"),
    (Role.SUPERVISOR, "POST", f"/staff/team/{NONE}/off"),
    (Role.SUPERVISOR, "POST", f"/staff/team/{NONE}/hand-over"),
    (Role.SUPERVISOR, "GET", "/staff/teams"),
    (Role.SUPERVISOR, "POST", "/staff/teams"),
    (Role.SUPERVISOR, "POST", f"/staff/teams/{NONE}"),
    (Role.SUPERVISOR, "GET", "/staff/coverage"),
    (Role.SUPERVISOR, "POST", f"/staff/team/{NONE}/hours"),
    (Role.INVESTIGATOR, "GET", "/staff/cases"),
    (Role.INVESTIGATOR, "GET", "/staff/cases/C2222222"),
    (Role.INVESTIGATOR, "GET", "/staff/cases/C2222222/trace"),
    *((Role.INVESTIGATOR, "POST", f"/staff/cases/C2222222/{act}") for act in ACTS),
    (Role.INVESTIGATOR, "GET", f"/staff/cases/C2222222/exposed?person={NONE}"),
    (Role.INVESTIGATOR, "POST", "/staff/cases/C2222222/warn"),
    (Role.INVESTIGATOR, "GET", "/staff/reports"),
    (Role.INVESTIGATOR, "GET", "/staff/audit"),
    (Role.INVESTIGATOR, "POST", "/staff/audit/customer"),
    (Role.INVESTIGATOR, "GET", f"/staff/audit/customer/{NONE}"),
    (Role.INVESTIGATOR, "GET", "/staff/cases/C2345678/notes"),
    (Role.INVESTIGATOR, "GET", "/staff/suspended"),
    (Role.INVESTIGATOR, "POST", f"/staff/suspended/{NONE}/lift"),
]


def ask(tab, method, path):
    return tab.post(path) if method == "POST" else tab.get(path)


@pytest.mark.parametrize("role", list(Role))
def test_the_pages_of_other_roles_are_closed(console, role):
    console.member("ana@example.org", role)
    tab = console.sign_in("ana@example.org")
    token = tab.get("/staff/").headers  # a first page, so that the cookie holds a token
    assert token
    for owner, method, path in PAGES:
        status = ask(tab, method, path).status_code
        assert (status == 403) == (owner is not role), (role, method, path, status)


@pytest.mark.parametrize(("owner", "method", "path"), PAGES, ids=str)
def test_nobody_gets_in_without_signing_in(console, owner, method, path):
    answer = ask(console.tab(), method, path)
    if path.endswith("/live"):
        assert answer.status_code == 401
    else:
        assert answer.status_code == 303
        assert answer.location.startswith("/staff/sign-in?next=/staff/")


def test_every_page_of_the_console_is_in_the_list_above(console):
    free = {
        "show_staff_sign_in",
        "submit_staff_sign_in",
        "sign_out",
        "show_demo_codes",
        "show_enrolment",
        "submit_enrolment",
        "reject_unknown_address",
    }
    free |= {
        "show_role_home",
        "redirect_to_booking_search",
        "show_evening_notes",
        "submit_explanations",
    }
    free |= OF_ALL  # in test_console_account.py
    free |= OF_EVERY_ROLE  # in test_console_approvals.py
    routes = [r for r in console.app.url_map.iter_rules() if r.endpoint.startswith("console.")]
    named = {r.endpoint.split(".")[1] for r in routes} - free
    assert len(named) == len(PAGES)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_end_in_no_error(console, method):
    _, tab = console.agent()
    for _, _, path in PAGES:
        assert tab.client.open(path, method=method).status_code < 500


@pytest.mark.parametrize(
    "path",
    ["/staff/nothing", "/staff/callback/xyz", "/staff/callback/", "/staff/%00", "/staff/a/b"],
)
def test_addresses_that_are_none_are_said_kindly(console, path):
    _, tab = console.agent()
    answer = tab.get(path)
    assert answer.status_code == 404
    assert "Back to my start" in answer.text


def test_a_body_that_is_too_large_is_refused(console):
    _, tab = console.agent()
    assert tab.post("/staff/book/find", {"find": "x" * 70000}).status_code in (400, 413)


def test_a_store_out_of_reach_shows_nothing(console, monkeypatch):
    from sqlalchemy.exc import OperationalError

    from scheduling import callbacks

    agent, tab = console.agent()
    console.callback(agent)

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("x", {}, Exception("gone"))

    monkeypatch.setattr(callbacks.audit_log, "record_act_per_customer", gone)
    answer = tab.get("/staff/day")
    assert answer.status_code == 503
    assert "Gwen" not in answer.text
