"""One's own account: everybody has one, sees only their own, and proves again before changes."""

from __future__ import annotations

import json
import re

import pytest
from sqlmodel import select

from people.credential_models import Passkey
from people.models import Role
from people.staff import second_factor
from tests.authenticator import Authenticator
from tests.channels.conftest import PASSWORD, Console, Tab

#: What is no role's own: open to everybody signed in, or to nobody signed in yet.
OF_ALL = {
    "show_account", "mark_notices_read", "end_own_session", "end_all_sessions",
    "show_password_form", "change_password", "replace_recovery_codes",
    "start_authenticator_change", "show_proof_form", "submit_proof", "get_sign_in_options",
    "sign_in_by_passkey", "get_proof_options", "prove_by_passkey", "get_registration_options",
    "add_passkey", "remove_passkey", "show_lost_credentials", "show_reset_links",
    "issue_reset_link", "show_authenticator_form", "submit_authenticator", "show_role_form",
    "submit_new_role",
}  # fmt: skip
ANA = "ana@example.org"
NONE = "01930000-0000-7000-8000-000000000000"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
POSTS = [
    "/staff/account/read",
    f"/staff/account/sessions/{NONE}/end",
    "/staff/account/password",
    "/staff/account/recovery",
    "/staff/account/authenticator",
    "/staff/account/proof",
    f"/staff/account/passkeys/{NONE}/remove",
    "/staff/account/proof/passkey/ask",
    "/staff/account/proof/passkey",
    "/staff/account/passkeys/ask",
    "/staff/account/passkeys",
    "/staff/account/sessions/end",
]
CHANGES = [*POSTS[2:5], POSTS[6], *POSTS[9:11]]
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def send(tab: Tab, path: str, body: dict | None = None):
    """What the script sends."""
    token = TOKEN.search(tab.client.get("/staff/account", follow_redirects=True).text)[1]
    return tab.client.post(path, json=body or {}, headers={"X-CSRFToken": token})


def challenge_of(answer) -> bytes:
    from webauthn.helpers import base64url_to_bytes

    assert answer.status_code == 200, answer.text
    return base64url_to_bytes(answer.json["challenge"])


def add_passkey(tab: Tab, device: Authenticator | None = None, name: str = "Phone", **lies):
    """Register by HTTP; gives the device and the answer."""
    from webauthn.helpers import base64url_to_bytes

    device = device or Authenticator()
    asked = send(tab, "/staff/account/passkeys/ask")
    handle = base64url_to_bytes(asked.json["user"]["id"])
    made = device.make(challenge_of(asked), handle, **lies)
    return device, send(tab, "/staff/account/passkeys", {"answer": json.loads(made), "name": name})


def enter(tab: Tab, device: Authenticator, **lies):
    asked = send(tab, "/staff/sign-in/passkey/ask")
    said = json.loads(device.use(challenge_of(asked), **lies))
    return send(tab, "/staff/sign-in/passkey", {"answer": said})


@pytest.mark.parametrize("role", list(Role))
def test_everybody_has_an_account_page_of_their_own(console, role):
    console.member(ANA, role)
    tab = console.sign_in(ANA)
    page = tab.get("/staff/account")
    assert page.status_code == 200
    assert ANA in page.text
    assert "Signed in: password and authenticator" in page.text


@pytest.mark.parametrize("path", POSTS)
def test_nobody_reaches_it_without_signing_in(console, path):
    assert console.tab().get("/staff/account").location.startswith("/staff/sign-in")
    answer = console.tab().post(path)
    assert answer.status_code == 303
    assert answer.location.startswith("/staff/sign-in")


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_needs_a_proof_of_the_last_five_minutes(console, path):
    _, tab = console.agent()
    console.wait(minutes=6)
    answer = tab.post(path)
    assert answer.location == "/staff/account/proof?next=/staff/account"
    asked = send(tab, path)
    assert (asked.status_code, asked.json["next"]) == (403, answer.location)
    assert tab.get("/staff/account/password").location == answer.location


def test_a_proof_opens_them_for_five_minutes(console):
    _, tab = console.agent()
    console.wait(minutes=6)
    form = {"password": PASSWORD, "code": console.code(), "next": "/staff/account/password"}
    wrong = tab.post("/staff/account/proof", {**form, "password": "x"})
    assert wrong.status_code == 403
    assert tab.get("/staff/account/password").status_code == 303
    assert tab.post("/staff/account/proof", form).location == "/staff/account/password"
    assert tab.get("/staff/account/password").status_code == 200
    console.wait(minutes=5)
    assert tab.get("/staff/account/password").status_code == 303


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/report"])
def test_a_proof_leads_nowhere_else(console, wanted):
    _, tab = console.agent()
    console.wait(minutes=6)
    form = {"password": PASSWORD, "code": console.code(), "next": wanted}
    assert tab.post("/staff/account/proof", form).location == "/staff/account"


def test_another_password_signs_in_and_ends_all_other_browsers(console):
    console.member(ANA)
    old, tab = console.sign_in(ANA), console.sign_in(ANA)
    new = "nine purple umbrellas"
    answer = tab.post("/staff/account/password", {"password": new, "again": new})
    assert answer.location == "/staff/account?done=password"
    assert "Your password was changed" in tab.get(answer.location).text
    assert old.get("/staff/day").status_code == 303
    console.wait(seconds=30)
    form = {"email": ANA, "password": new, "code": console.code()}
    assert console.tab().post("/staff/sign-in", form).location == "/staff/account"
    form["password"] = PASSWORD
    assert console.tab().post("/staff/sign-in", form).status_code == 403


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "at least 12"),
        ("example.org was here", "Leave out"),
        ("silva and the others", "Leave out"),
        ("example bank rules", "Leave out"),
        ("abcdefghijklmnop", "row of letters"),
        ("Password12345!", "too easy"),
        ("welcome admin 2026", "too easy"),
    ],
)
def test_a_password_that_is_tried_first_is_refused(console, password, said):
    _, tab = console.agent()
    answer = tab.post("/staff/account/password", {"password": password, "again": password})
    assert answer.status_code == 422
    assert said in answer.text.replace("&#39;", "'")
    assert f'value="{password}"' not in answer.text


def test_two_passwords_that_differ_are_asked_again(console):
    _, tab = console.agent()
    form = {"password": "nine purple umbrellas", "again": "nine purple umbrella"}
    assert tab.post("/staff/account/password", form).status_code == 422


def test_new_recovery_codes_end_the_old(console):
    agent, tab = console.agent()
    with console.unit() as session:
        old = second_factor.issue_recovery_codes(session, agent)[0]
    page = tab.post("/staff/account/recovery").text
    new = re.findall(r"<code>([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</code>", page)
    assert len(new) == 8
    for code, status in ((old, 403), (new[0], 303)):
        form = {"email": ANA, "password": PASSWORD, "code": code}
        assert console.tab().post("/staff/sign-in", form).status_code == status
    assert "7 recovery codes left" in tab.get("/staff/account").text


def test_sessions_are_listed_in_coarse_words_and_ended_one_by_one(console):
    console.member(ANA)
    tab = console.sign_in(ANA)
    other = console.tab()
    other.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    console.sign_in(ANA, other)
    page = tab.get("/staff/account").text
    assert "Firefox, Linux" in page
    assert "140.0" not in page
    assert page.count("(this one)") == 1
    ends = re.findall(r'action="(/staff/account/sessions/[^/"]+/end)"', page)
    assert tab.post(ends[0]).location == "/staff/account?done=ended"
    assert other.get("/staff/day").status_code == 303
    assert tab.get("/staff/day").status_code == 200


def test_nobody_ends_a_colleagues_session(console):
    console.member(ANA)
    console.member("ben@example.org")
    tab, theirs = console.sign_in(ANA), console.sign_in("ben@example.org")
    page = theirs.get("/staff/account").text
    end = re.findall(r'action="(/staff/account/sessions/[^/"]+/end)"', page)[0]
    assert tab.post(end).status_code == 404
    assert theirs.get("/staff/day").status_code == 200


def test_signing_out_everywhere_signs_out_here_too(console):
    console.member(ANA)
    tabs = [console.sign_in(ANA) for _ in range(3)]
    answer = tabs[0].post("/staff/account/sessions/end")
    assert answer.location == "/staff/sign-in?out=1"
    assert [tab.get("/staff/day").status_code for tab in tabs] == [303] * 3
    assert len(console.trail("staff.sessions_ended")) == 1


def test_what_happened_is_shown_in_words(console):
    _, tab = console.agent()
    form = {"email": ANA, "password": "wrong wrong wrong", "code": "000000"}
    console.tab().post("/staff/sign-in", form)
    form = {"email": ANA, "password": PASSWORD, "code": "000000"}
    console.tab().post("/staff/sign-in", form)
    page = tab.get("/staff/account").text
    assert "A sign-in failed: the password did not fit" in page
    assert "A sign-in failed: the second factor did not fit" in page


def test_a_passkey_is_added_signs_in_is_listed_and_removed(console):
    _, tab = console.agent()
    device, added = add_passkey(tab, name="My phone")
    assert added.json == {"next": "/staff/account?done=passkey"}
    assert "My phone" in tab.get("/staff/account").text
    tab.post("/staff/account/read")
    other = console.tab()
    assert enter(other, device).json == {"next": "/staff/day"}
    assert other.get("/staff/day").status_code == 200
    assert "by passkey" in other.get("/staff/account").text
    remove = re.search(r'action="([^"]+/remove)"', tab.get("/staff/account").text)[1]
    assert tab.post(remove).location == "/staff/account?done=removed"
    assert other.get("/staff/day").status_code == 303
    assert enter(console.tab(), device).status_code == 403


def test_a_passkey_is_asked_without_a_name_and_the_challenge_is_this_browsers(console):
    _, tab = console.agent()
    device, _ = add_passkey(tab)
    first, second = console.tab(), console.tab()
    asked = send(first, "/staff/sign-in/passkey/ask")
    assert asked.json["allowCredentials"] == []
    said = {"answer": json.loads(device.use(challenge_of(asked)))}
    assert send(second, "/staff/sign-in/passkey", said).status_code == 403
    send(second, "/staff/sign-in/passkey/ask")
    assert send(second, "/staff/sign-in/passkey", said).status_code == 403
    assert send(first, "/staff/sign-in/passkey", said).status_code == 200
    assert send(console.tab(), "/staff/sign-in/passkey", said).status_code == 403


def test_a_cookie_that_was_kept_does_not_bring_a_challenge_back(console):
    _, tab = console.agent()
    device, _ = add_passkey(tab, Authenticator(counts=False))
    first = console.tab()
    asked = send(first, "/staff/sign-in/passkey/ask")
    kept = first.client.get_cookie("vouchline").value
    token = TOKEN.search(first.get("/staff/sign-in").text)[1]
    said = {"answer": json.loads(device.use(challenge_of(asked)))}
    for status in (200, 403):
        again = console.tab()
        again.client.set_cookie("vouchline", kept)
        sent = again.client.post(
            "/staff/sign-in/passkey", json=said, headers={"X-CSRFToken": token}
        )
        assert sent.status_code == status


@pytest.mark.parametrize(
    "lie",
    [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"without": 4}, {"count": 0}],
    ids=str,
)
def test_a_lie_is_refused_with_one_answer(console, lie):
    _, tab = console.agent()
    device, _ = add_passkey(tab, Authenticator(count=5))
    answer = enter(console.tab(), device, **lie)
    assert answer.status_code == 403
    assert answer.json == enter(console.tab(), Authenticator()).json


def test_a_passkey_proves_who_is_there_and_a_colleagues_does_not(console):
    _, tab = console.agent()
    device, _ = add_passkey(tab)
    console.member("ben@example.org")
    theirs, _ = add_passkey(console.sign_in("ben@example.org"))
    console.wait(minutes=6)

    def prove(by: Authenticator):
        asked = send(tab, "/staff/account/proof/passkey/ask")
        said = json.loads(by.use(challenge_of(asked)))
        return send(
            tab, "/staff/account/proof/passkey?next=/staff/account/password", {"answer": said}
        )

    assert prove(theirs).status_code == 403
    assert tab.get("/staff/account/password").status_code == 303
    assert prove(device).json == {"next": "/staff/account/password"}
    assert tab.get("/staff/account/password").status_code == 200


def test_a_passkey_without_a_name_or_one_too_many_is_said_in_words(console):
    _, tab = console.agent()
    _, answer = add_passkey(tab, name=" ")
    assert (answer.status_code, answer.json["error"]) == (422, "Fill this in.")
    with console.unit() as session:
        assert session.exec(select(Passkey)).all() == []


@pytest.mark.parametrize("body", [None, [], "x", {"answer": 5}, {"answer": {"id": 1}}, {"name": 4}])
def test_what_no_script_of_ours_sends_ends_in_no_error(console: Console, body):
    _, tab = console.agent()
    token = TOKEN.search(tab.get("/staff/account").text)[1]
    for path in (
        "/staff/sign-in/passkey",
        "/staff/account/passkeys",
        "/staff/account/proof/passkey",
    ):
        answer = tab.client.post(path, json=body, headers={"X-CSRFToken": token})
        assert answer.status_code in (403, 422), path
        assert tab.client.post(path, json=body).status_code == 400  # without the token


def test_without_an_address_that_passkeys_work_at_the_pages_say_so(database, tmp_path):
    from tests.channels.conftest import make_console

    console = make_console(database, tmp_path, public_url="http://127.0.0.1:5000")
    _, tab = console.agent()
    assert "Passkeys need an https address" in tab.get("/staff/account").text
    assert send(tab, "/staff/account/passkeys/ask").status_code == 404
    assert "passkeys.js" not in console.tab().get("/staff/sign-in").text
    console.context.engine.dispose()
