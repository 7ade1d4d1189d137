"""I7: nobody is two people. A new person, and a new power, is proven in person to the approver. The
asker cannot become somebody else. People that only one account has met share one voice with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, col, select

from channels.cli.approvals import EXIT_AWAITING_APPROVAL
from people import password_seal
from people.approvals import bootstrap, independence
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.credential_models import EnrolmentLink
from people.customers import customer_records
from people.models import Customer, Role, Staff
from people.staff import staff_passwords, staff_records
from tests import factories
from tests.channels.conftest import PHONE, Console, Tab, make_console
from tests.channels.enrolment_steps import (
    add,
    approved,
    codes_on,
    pin_on,
    request_in,
    secret_on,
    set_anew,
    sign_in,
)
from vault import errors

CARL = "carl@example.org"
SIX_DIGITS = re.compile(r"(?<![\d:.-])\d{6}(?![\d.])")


def are_independent(session: Session, one: UUID, other: UUID) -> bool:
    """Whether these two are proven to be two people."""
    groups = independence.find_identity_groups(session, (one, other))
    return groups[one] != groups[other]


@pytest.fixture
def console(database: str, tmp_path: Path) -> Iterator[Console]:
    """A console on a fresh store."""
    made = make_console(database, tmp_path)
    yield made
    made.context.engine.dispose()


@pytest.fixture
def office(console: Console) -> tuple[Tab, Tab, Tab]:
    """Sue and Sam, supervisors, and Ivy, an investigator; the setting up is over."""
    for name, role in (("sue", "supervisor"), ("sam", "supervisor"), ("ivy", "investigator")):
        console.member(f"{name}@example.org", Role(role))
    with console.unit() as session:
        assert bootstrap.finish_bootstrap(session, console.now)
    sue, sam, ivy = (console.sign_in(f"{name}@example.org") for name in ("sue", "sam", "ivy"))
    return sue, sam, ivy


def id_of(console: Console, email: str) -> UUID:
    with console.unit() as session:
        found = staff_records.find_staff_by_email(session, email)
        assert found is not None
        return found.id


def newcomer(console: Console, asker: Tab, approver: Tab, email: str, role: str = "agent") -> Tab:
    """Somebody who exists: they hold the link, and are handed the PIN."""
    link = add(asker, email, role)
    pin = pin_on(approved(approver).text)
    done = set_anew(console, console.tab(), link, pin)
    return sign_in(console, email, codes_on(done.text)[0])


def test_who_asks_for_an_agent_does_not_become_them(console, office):
    """The first attack: Sue holds the link and Sam approves; without Sam's PIN there is no Carl.
    Was red on c916469."""
    sue, sam, _ = office
    link = add(sue, CARL)
    assert console.tab().get(link).status_code == 410
    approved(sam)
    for given in ("", "000000"):
        answer = set_anew(console, console.tab(), link, given)
        assert secret_on(answer.text) == ""
        assert "Carl" not in answer.text
    with console.unit() as session:
        carl = staff_records.find_staff_by_email(session, CARL)
        assert carl.password_hash is None


def test_five_wrong_pins_spend_the_link_of_an_agent_too(console, office):
    """Was red on c916469."""
    sue, sam, _ = office
    link = add(sue, CARL)
    pin = pin_on(approved(sam).text)
    told = [
        console.tab().post(link, {"piece": f"{(int(pin) + n) % 10**6:06d}"}).status_code
        for n in range(1, 7)
    ]
    assert told == [422] * 5 + [410]
    assert set_anew(console, console.tab(), link, pin).status_code == 410


def test_the_pin_ends_with_the_link(console, office):
    sue, sam, _ = office
    link = add(sue, CARL)
    pin = pin_on(approved(sam).text)
    console.wait(hours=72)
    assert set_anew(console, console.tab(), link, pin).status_code == 410


@pytest.mark.parametrize("role", ["agent", "supervisor", "investigator"])
def test_the_pin_is_shown_to_the_approver_once_and_to_nobody_else(console, office, role):
    sue, sam, ivy = office
    before = add(sue, CARL, role)
    pages = ("/staff/approvals", "/staff/people", "/staff/account")
    assert not SIX_DIGITS.search(re.sub(r"<[^>]+>", " ", sam.get("/staff/approvals").text))
    answer = approved(sam)
    pin = pin_on(answer.text)
    assert "in person" in answer.text
    assert "Carl Hughes" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    for tab in (sue, sam, ivy):
        for page in pages:
            assert pin not in tab.get(page).text
    assert pin not in console.tab().get(before).text
    with console.unit() as session:
        assert [row.pin for row in session.exec(select(ApprovalVote))] == [None]
        link = session.exec(select(EnrolmentLink)).one()
        assert pin.encode() not in link.pin


def test_the_asker_reads_who_has_the_pin(console, office):
    sue, _, _ = office
    form = {"email": CARL, "name": "Carl Hughes", "role": "agent", "why": "New in the evening"}
    assert "Waiting for approval; the approver has the PIN." in sue.post("/staff/people", form).text


def test_a_refused_expired_or_withdrawn_request_keeps_no_pin_and_opens_no_link(console, office):
    """Of two approvals that the command line needs, the first has a PIN already."""
    _, sam, ivy = office
    run = console.app.test_cli_runner().invoke
    for end in ("refuse", "expire", "withdraw"):
        words = ["staff", "add", "--email", CARL, "--name", "Carl H", "--role", "agent"]
        link = re.search(r"/staff/enrol/[\w-]+", run(args=words).output)[0]
        request, digest = request_in(sam.get("/staff/approvals").text)
        pin = pin_on(sam.post(f"/staff/approvals/{request}/approve", {"digest": digest}).text)
        if end == "refuse":
            ivy.post(f"/staff/approvals/{request}/refuse")
        elif end == "withdraw":
            run(args=["approvals", "withdraw", request])
        else:
            from people.approvals import command_execution

            with console.unit() as session:
                command_execution.expire_requests(session, console.now + timedelta(days=8))
        assert set_anew(console, console.tab(), link, pin).status_code == 410
        with console.unit() as session:
            assert {row.pin for row in session.exec(select(ApprovalVote))} == {None}


def test_a_colleague_one_supervisor_met_has_one_voice_with_them(console, office):
    """Sam could have made Carl up, so Sam does not approve what Carl asks; Sue does, who asked for
    Carl but was never shown the PIN. Was red on c916469."""
    sue, sam, _ = office
    carl = newcomer(console, sue, sam, CARL)
    victim = console.customer(PHONE)
    callback = console.callback(id_of(console, CARL))
    form = {"number": "07400 666666", "why": "The customer rang with a new phone"}
    assert carl.post(f"/staff/callback/{callback}/number", form).status_code == 303
    assert "Approve<" not in sam.get("/staff/approvals").text
    assert 'class="count"' not in sam.get("/staff/team").text
    with console.unit() as session:
        number = col(ApprovalRequest.kind) == "customer.number"
        row = session.exec(select(ApprovalRequest).where(number)).one()
        request, digest = row.id, row.digest
    for act in ("approve", "refuse"):
        answer = sam.post(f"/staff/approvals/{request}/{act}", {"digest": digest})
        assert answer.status_code == 403
        assert "count as one person" in answer.text
    assert "done=done" in approved(sue).location
    with console.unit() as session:
        changed = customer_records.open_customer_details(
            session, session.get_one(Customer, victim)
        ).phone
    assert changed == "+447400666666"


def test_a_promotion_is_taken_up_by_the_person_with_the_pin_and_not_by_who_asked(console, office):
    """The second attack: Sue asks that Carl be a supervisor. Neither his old sign-in nor what Sue
    holds makes him one. Was red on c916469."""
    sue, sam, _ = office
    tab = newcomer(console, sue, sam, CARL)
    carl = id_of(console, CARL)
    console.wait(seconds=30)
    form = {"role": "supervisor", "why_role": "Leads the evening shift from now on"}
    sue.post(f"/staff/people/{carl}/role", form)
    pin = pin_on(approved(sam).text)
    assert tab.get("/staff/team").status_code == 403
    assert secret_on(tab.get("/staff/account/role").text) == ""
    assert set_anew(console, tab, "/staff/account/role", "000000").status_code == 422
    for other in (sue, console.tab()):
        told = set_anew(console, other, "/staff/account/role", pin)
        assert told.status_code in (303, 410)
    with console.unit() as session:
        assert session.get_one(Staff, carl).role == "agent"
    done = set_anew(console, tab, "/staff/account/role", pin)
    assert done.status_code == 200
    assert tab.get("/staff/day").status_code == 303
    again = sign_in(console, CARL, codes_on(done.text)[0])
    assert again.get("/staff/team").status_code == 200


def test_a_person_made_up_by_one_supervisor_approves_nothing_of_theirs(console, office):
    """Sam asks, Sam's own Mallory approves; Sue was only asked to file the form for Mallory."""
    sue, sam, ivy = office
    mallory = newcomer(console, sue, sam, "mallory@example.org", "supervisor")
    link = add(sam, CARL)
    assert "Approve<" not in mallory.get("/staff/approvals").text
    request, digest = request_in(ivy.get("/staff/approvals").text)
    answer = mallory.post(f"/staff/approvals/{request}/approve", {"digest": digest})
    assert answer.status_code == 403
    assert console.tab().get(link).status_code == 410


def test_the_command_line_needs_the_pins_of_both_who_approve(console, office):
    """Its operator and one approver together cannot make somebody up. Was red on c916469."""
    _, sam, ivy = office
    words = ["staff", "add", "--email", CARL, "--name", "Carl Hughes", "--role", "agent"]
    ran = console.app.test_cli_runner().invoke(args=words)
    assert ran.exit_code == EXIT_AWAITING_APPROVAL
    assert not SIX_DIGITS.search(ran.output)
    link = re.search(r"/staff/enrol/[\w-]+", ran.output)[0]
    first, second = pin_on(approved(sam).text), pin_on(approved(ivy).text)
    for given in ((first,), (second,), (first, first), (second, second)):
        assert secret_on(console.tab().post(link, {"piece": list(given)}).text) == ""
    assert set_anew(console, console.tab(), link, second, first).status_code == 200
    carl = id_of(console, CARL)
    with console.unit() as session:
        for name in ("sam", "ivy"):
            other = staff_records.find_staff_by_email(session, f"{name}@example.org").id
            assert are_independent(session, carl, other)


def test_a_colleague_who_never_enrolled_gets_another_link_by_two_people_and_a_pin(console, office):
    sue, sam, ivy = office
    add(sue, CARL)
    approved(sam)
    console.wait(hours=73)
    sue, ivy = console.sign_in("sue@example.org"), console.sign_in("ivy@example.org")
    page = sue.post(f"/staff/colleagues/{id_of(console, CARL)}/link").text
    link = re.search(r"/staff/enrol/[\w-]+", page)[0]
    assert console.tab().get(link).status_code == 410
    assert set_anew(console, console.tab(), link, pin_on(approved(ivy).text)).status_code == 200


def test_an_approval_of_before_the_pins_lets_nobody_in(console, office):
    """Its request has to be refused and asked for again."""
    _, sam, ivy = office
    words = ["staff", "add", "--email", CARL, "--name", "Carl Hughes", "--role", "agent"]
    console.app.test_cli_runner().invoke(args=words)
    approved(sam)
    with console.unit() as session:
        session.exec(select(ApprovalVote)).one().pin = None
    answer = approved(ivy)
    assert answer.status_code == 409
    assert "before there were PINs" in answer.text
    with console.unit() as session:
        assert staff_records.find_staff_by_email(session, CARL) is None


# Who counts as one, without pages.

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def house(session, proven: dict[str, str]) -> dict[str, UUID]:
    """People by letter; each proven to those of the letters that stand for them."""
    ids = {name: factories.an_agent(session, NOW, role="supervisor").id for name in proven}
    for name, to in proven.items():
        member = session.get_one(Staff, ids[name])
        member.password_hash = password_seal.seal_password(
            session, ids[name], "x", [ids[e] for e in to]
        )
    session.flush()
    return ids


@pytest.mark.parametrize(
    ("proven", "parted"),
    [
        ({"a": "", "b": ""}, "a b"),
        ({"a": "", "b": "", "p": "a"}, "ap b"),
        ({"a": "", "b": "", "p": "a", "q": "p"}, "apq b"),
        ({"a": "", "p": "a", "q": "a"}, "apq"),
        ({"a": "", "b": "", "p": "ab"}, "a b p"),
        ({"a": "", "b": "", "p": "ab", "q": "p", "r": "pa"}, "a b pq r"),
        ({"a": "", "b": "", "p": "a", "q": "ap"}, "apq b"),
        ({"a": "", "b": "", "p": "a", "q": "b", "r": "pq"}, "ap bq r"),
        ({"a": "p", "p": "a", "b": ""}, "ap b"),
        ({"a": "p", "p": "ab", "b": ""}, "ap b"),
    ],
)
def test_who_counts_as_one_person(store, proven, parted):
    with store.unit() as session:
        ids = house(session, proven)
        found = independence.find_identity_groups(session, [*ids.values(), uuid4(), None])
        told: dict[UUID, str] = {}
        for name, each in ids.items():
            told[found[each]] = told.get(found[each], "") + name
    assert sorted(told.values()) == sorted(parted.split())


def test_a_proof_that_was_pasted_or_cut_off_in_the_database_frees_nobody(store):
    """It is sealed in one piece with the password: without it there is no password either."""
    with store.unit() as session:
        ids = house(session, {"a": "", "b": "", "p": "a"})
        p, a = (session.get_one(Staff, ids[name]) for name in "pa")
        kept = p.password_hash
        p.password_hash = a.password_hash
        session.flush()
        with pytest.raises(errors.Tampered):
            independence.find_identity_groups(session, [p.id])
        assert password_seal.open_password_hash(store.ring, p) is None
        p.password_hash = kept
        session.flush()
        assert not are_independent(session, p.id, a.id)


def test_another_password_keeps_who_one_is_proven_to(store):
    with store.unit() as session:
        ids = house(session, {"a": "", "p": "a"})
        member = session.get_one(Staff, ids["p"])
        staff_passwords.replace_password(session, member, "nine purple umbrellas", NOW)
        assert not are_independent(session, ids["p"], ids["a"])
