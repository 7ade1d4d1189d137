"""I4: sensitive actions need two people, whatever their roles, order or number."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import update
from sqlmodel import col, select

from people.approvals import (
    approval_requests,
    bootstrap,
    command_execution,
    decisions,
    invalidation,
    sealed_requests,
)
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.request_types import ApprovalRequestView, RequestType
from people.errors import AlreadyRequested, Conflict, NotAllowed, NotFound
from people.models import Role, Staff
from people.staff import staff_enrolment, staff_status
from tests import databases, factories
from tests.approvals import approve_request
from tests.processes import at_once
from tests.security_rules.support import one_approver_model
from tests.security_rules.support.two_people_model import Machine, no_facts
from vault.audit import audit_log
from vault.errors import Tampered
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
BOTH = frozenset({Role.SUPERVISOR, Role.INVESTIGATOR})


def mark(session, act: ApprovalRequestView, now: datetime) -> None:
    """What the kinds of these tests do: an entry that can be counted."""
    audit_log.record_act(session, act.actor, "test.done", now, detail=str(act.payload["value"]))


ONE = RequestType("one", BOTH, BOTH, no_facts, mark)
LONG = RequestType("long", frozenset(), BOTH, no_facts, by_operator=True)
SHELL = RequestType("shell", frozenset(), BOTH, no_facts, mark, by_operator=True)
TWICE = RequestType(
    "twice", BOTH, BOTH, no_facts, mark, same=("value",), hopeless=lambda _, act: "no"
)
KINDS = {item.name: item for item in (ONE, LONG, SHELL, TWICE)}


def people(store, *roles: str) -> list[UUID]:
    with store.unit() as session:
        return [factories.an_agent(session, NOW, role=role).id for role in roles]


def ask(store, by: UUID | None, kind: RequestType = ONE, value: int = 1) -> tuple[UUID, str]:
    with store.unit() as session:
        made = approval_requests.submit_for_approval(
            session, kind, {"value": value}, "why it is to be", by, NOW
        )
        return made.id, made.digest


def approve(store, request: tuple[UUID, str], by: UUID, now: datetime = NOW) -> str:
    with store.unit() as session:
        return approve_request(session, KINDS, *request, by, now)


def done(store) -> list[str]:
    rows = store.all(select(AuditEntry).where(col(AuditEntry.action) == "test.done"))
    return [row.detail for row in rows]


def run_machine(store, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        lambda: Machine(store),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_same_is_asked_for_once_while_it_waits_and_its_asker_may_ask(store):
    sue, sam = people(store, "supervisor", "supervisor")
    first, _ = ask(store, sue, TWICE)
    for by in (sue, sam):
        with pytest.raises(AlreadyRequested):
            ask(store, by, TWICE)
    ask(store, sam, TWICE, 2)
    with store.unit() as session:
        approval_requests.withdraw_approval_request(session, first, sue, NOW)
    ask(store, sue, TWICE)
    with store.unit() as session:
        session.get_one(Staff, sue).active = False
    ask(store, sam, TWICE)


@pytest.mark.both
def test_a_form_that_is_sent_many_times_at_once_asks_once(store):
    (sue,) = people(store, "supervisor")

    def send() -> bool:
        mine = databases.opened(store.url, wait_seconds=60)
        try:
            ask(mine, sue, TWICE)
        except AlreadyRequested:
            return False
        return True

    assert sum(at_once([send] * 4, lambda: store.engine.dispose(close=False))) == 1


def test_what_can_come_to_nothing_is_void_and_says_why(store):
    sue, sam = people(store, "supervisor", "supervisor")
    hopeless, fine = ask(store, sue, TWICE), ask(store, sam)
    orphan = ask(store, sue)
    with store.unit() as session:
        session.get_one(Staff, sue).active = False
        invalidation.void_unexecutable_requests(session, KINDS, NOW)
        rows = {row.id: row for row in session.exec(select(ApprovalRequest))}
        found = [(rows[item[0]].state, rows[item[0]].void_why) for item in (hopeless, orphan, fine)]
    assert found == [("void", "asker"), ("void", "asker"), ("asked", None)]
    again = ask(store, sam, TWICE)
    with store.unit() as session:
        invalidation.void_unexecutable_requests(session, KINDS, NOW)
        assert session.get_one(ApprovalRequest, again[0]).void_why == "no"
    with pytest.raises(Conflict, match="request_void"):
        approve(store, again, people(store, "supervisor")[0])


def test_nothing_is_ever_done_without_enough_others_who_may(store):
    """Thousands of steps in any order, each held against a model that knows what must come."""
    run_machine(store, 50, 50)


@pytest.mark.campaign
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_is_ever_done_without_enough_others_who_may_for_long(store):
    run_machine(store, 300, 100)


@pytest.fixture
def quick_passwords(monkeypatch):
    """Thousands enrol, and no password is ever looked at."""
    monkeypatch.setattr(staff_enrolment, "hash_password", lambda *_: "x" * 97)


@pytest.mark.usefixtures("quick_passwords")
def test_who_controls_one_approver_gets_nothing_done_alone(store):
    """2,520 steps of an adversary who may ask for anything, and becomes everybody whose link and
    PINs she comes to hold. Was red on c916469."""
    came = one_approver_model.play(store, range(42), 60)
    assert came.done > 42
    assert came.taken > 4  # accounts that she came to control by her own PINs
    assert came.refused > 420


@pytest.mark.campaign
@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
@pytest.mark.usefixtures("quick_passwords")
def test_who_controls_one_approver_gets_nothing_done_alone_for_long(store):
    """``TWO_PEOPLE_RUNS`` runs of 60 steps, from the seed ``TWO_PEOPLE_SEED`` on."""
    first = int(os.environ.get("TWO_PEOPLE_SEED", "0"))
    runs = int(os.environ.get("TWO_PEOPLE_RUNS", "40"))
    came = one_approver_model.play(store, range(first, first + runs), 60)
    assert came.runs == runs, came


def test_it_is_done_in_the_transaction_of_the_approval_and_once(store):
    asker, other, third = people(store, "supervisor", "supervisor", "investigator")
    request = ask(store, asker)
    assert approve(store, request, other) == "done"
    with pytest.raises(Conflict):
        approve(store, request, third)
    assert done(store) == ["1"]


def test_the_requester_cannot_approve_in_a_second_browser_either(store):
    asker, _ = people(store, "supervisor", "supervisor")
    request = ask(store, asker)
    with pytest.raises(NotAllowed):
        approve(store, request, asker)
    assert done(store) == []


@pytest.mark.parametrize("lost", ["role", "job"])
def test_an_approval_is_void_once_its_giver_may_no_longer_give_it(store, lost):
    first, second, third = people(store, "supervisor", "investigator", "supervisor")
    request = ask(store, None, SHELL)
    assert approve(store, request, first) == "asked"
    with store.unit() as session:
        member = session.get_one(Staff, first)
        if lost == "role":
            staff_status.assign_staff_role(session, member, Role.AGENT, audit_log.OPERATOR, NOW)
        else:
            staff_status.deactivate_staff_member(session, member, NOW)
    assert approve(store, request, second) == "asked"
    assert done(store) == []
    assert approve(store, request, third) == "done"


def test_an_approved_run_stops_when_an_approver_goes(store):
    first, second, third = people(store, "supervisor", "investigator", "supervisor")
    request = ask(store, None, LONG)
    approve(store, request, first)
    assert approve(store, request, second) == "approved"
    for _ in range(2):  # killed, and run again
        with store.unit() as session:
            assert command_execution.begin_approved_command(session, LONG, request[0], NOW)
    with store.unit() as session:
        staff_status.deactivate_staff_member(session, session.get_one(Staff, first), NOW)
    for _ in range(2):
        with store.unit() as session:
            assert not command_execution.begin_approved_command(session, LONG, request[0], NOW)
    assert approve(store, request, third) == "approved"
    with store.unit() as session:
        assert command_execution.begin_approved_command(session, LONG, request[0], NOW)
        command_execution.finish_approved_command(session, request[0], NOW)
    with store.unit() as session:
        assert not command_execution.begin_approved_command(session, LONG, request[0], NOW)


@pytest.mark.parametrize(
    ("late", "ok"), [(timedelta(days=7) - timedelta(seconds=1), True), (timedelta(days=7), False)]
)
def test_a_request_is_good_for_a_week_to_the_second(store, late, ok):
    asker, other = people(store, "supervisor", "supervisor")
    request = ask(store, asker)
    if ok:
        assert approve(store, request, other, NOW + late) == "done"
        return
    with pytest.raises(Conflict):
        approve(store, request, other, NOW + late)
    with store.unit() as session:
        command_execution.expire_requests(session, NOW + late)
        row = session.get_one(ApprovalRequest, request[0])
        assert (row.state, row.payload) == ("expired", b"")


def test_an_agent_is_not_told_that_a_request_exists(store):
    asker, agent = people(store, "supervisor", "agent")
    with pytest.raises(NotFound):
        approve(store, ask(store, asker), agent)


def test_what_was_read_is_what_is_done(store):
    """Another request's digest, or one from before, does not approve this one."""
    asker, other = people(store, "supervisor", "supervisor")
    small, large = ask(store, asker, value=1), ask(store, asker, value=1_000_000)
    with pytest.raises(Conflict):
        approve(store, (large[0], small[1]), other)
    assert done(store) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"asked_by": None},
        {"kind": "shell"},
        {"staff_id": "other"},
        {"payload": "pasted"},
        {"digest": "0" * 64},
    ],
)
def test_a_row_changed_in_the_database_is_not_approved(store, changed):
    """The administrator of the database, who has no keys: not even a request of his own does."""
    asker, other, third = people(store, "supervisor", "supervisor", "investigator")
    request, own = ask(store, asker), ask(store, asker, value=99)
    with store.unit() as session:
        pasted = session.get_one(ApprovalRequest, own[0]).payload
        names = {"pasted": pasted, "other": third}
        values = {k: names.get(v, v) if v else v for k, v in changed.items()}
        session.exec(
            update(ApprovalRequest).where(col(ApprovalRequest.id) == request[0]).values(**values)
        )
    digest = changed.get("digest", request[1])
    for who in (other, third):
        with pytest.raises((Tampered, NotAllowed)):
            approve(store, (request[0], digest), who)
    assert done(store) == []


def test_a_vote_put_into_the_database_counts_for_nothing(store):
    """A ballot of his own making, and one that was given for something else."""
    first, second, third = people(store, "supervisor", "investigator", "investigator")
    request, other = ask(store, None, LONG), ask(store, None, LONG, value=2)
    approve(store, request, first)
    approve(store, other, second)
    with store.unit() as session:
        given = session.exec(select(ApprovalVote).where(col(ApprovalVote.staff_id) == second)).one()
        given.request_id = request[0]
        row = session.get_one(ApprovalRequest, request[0])
        row.state = "approved"
        session.add_all([given, row])
    with store.unit() as session:
        assert not command_execution.begin_approved_command(session, LONG, request[0], NOW)
    with store.unit() as session:
        row = session.get_one(ApprovalRequest, request[0])
        row.state = "approved"
        session.add(
            ApprovalVote(
                request_id=row.id,
                staff_id=third,
                verdict="approve",
                role="investigator",
                binding=row.reason,
                at=NOW,
            )
        )
    with pytest.raises(Tampered), store.unit() as session:
        command_execution.begin_approved_command(session, LONG, request[0], NOW)


def test_the_digest_tells_nothing_of_a_short_payload(store):
    """Two requests for the same have nothing in common, and what is settled holds nothing."""
    asker, other = people(store, "supervisor", "supervisor")
    one, two = ask(store, asker), ask(store, asker)
    assert one[1] != two[1]
    approve(store, one, other)
    with store.unit() as session:
        row = session.get_one(ApprovalRequest, one[0])
        assert row.payload == b""
        assert sealed_requests.open_approval_request(session, row).payload == {}


def test_each_step_is_in_the_audit_log(store):
    asker, other = people(store, "supervisor", "supervisor")
    request = ask(store, asker)
    approve(store, request, other)
    with store.unit() as session:
        refused = approval_requests.submit_for_approval(
            session, ONE, {"value": 2}, "why it is to be", asker, NOW
        )
        decisions.refuse_request(session, KINDS, refused.id, other, NOW)
        back = approval_requests.submit_for_approval(
            session, ONE, {"value": 3}, "why it is to be", asker, NOW
        )
        approval_requests.withdraw_approval_request(session, back.id, asker, NOW)
    steps = select(AuditEntry).where(col(AuditEntry.action).startswith("approval."))
    rows = store.all(steps.order_by(col(AuditEntry.id)))
    assert [(row.action, row.staff_id) for row in rows] == [
        ("approval.ask", asker),
        ("approval.approve", other),
        ("approval.do", other),
        ("approval.ask", asker),
        ("approval.refuse", other),
        ("approval.ask", asker),
        ("approval.withdraw", asker),
    ]
    assert all(row.purpose == "one" for row in rows)
    assert all(row.detail.split()[1] == request[1] for row in rows[:3])


def _approve(url: str, request: tuple[UUID, str], by: UUID) -> str:
    store = databases.opened(url, wait_seconds=60)
    try:
        return str(approve(store, request, by))
    except Conflict:
        return "late"


@pytest.mark.both
def test_however_many_approve_at_once_it_is_done_once(store):
    asker, *others = people(store, "supervisor", *["investigator"] * 12)
    for _ in range(3):
        request = ask(store, asker)
        acts = [partial(_approve, store.url, request, other) for other in others]
        assert Counter(at_once(acts, lambda: store.engine.dispose(close=False))) == {
            "done": 1,
            "late": 11,
        }
    assert done(store) == ["1"] * 3


@pytest.mark.both
def test_one_who_approves_in_many_tabs_at_once_is_one(store):
    first, second = people(store, "supervisor", "investigator")
    request = ask(store, None, SHELL)
    acts = [partial(_approve, store.url, request, first) for _ in range(12)]
    assert Counter(at_once(acts, lambda: store.engine.dispose(close=False))) == {
        "asked": 1,
        "late": 11,
    }
    assert done(store) == []
    assert approve(store, request, second) == "done"


def _strip(url: str, who: UUID) -> str:
    store = databases.opened(url, wait_seconds=60)
    with store.unit() as session:
        member = session.exec(select(Staff).where(col(Staff.id) == who).with_for_update()).one()
        staff_status.assign_staff_role(session, member, Role.AGENT, audit_log.OPERATOR, NOW)
    return "stripped"


def _approve_or_not(url: str, request: tuple[UUID, str], by: UUID) -> str:
    try:
        return _approve(url, request, by)
    except NotFound:
        return "not theirs"


@pytest.mark.both
def test_a_role_revoked_at_the_same_moment_comes_before_or_after(store):
    """Whatever comes first: what is done was approved by somebody who could, by the log's order."""
    for n in range(12):
        asker, other = people(store, "supervisor", "investigator")
        request = ask(store, asker, value=n)
        acts = [partial(_approve_or_not, store.url, request, other)]
        acts.append(partial(_strip, store.url, other))
        came = at_once(acts, lambda: store.engine.dispose(close=False))
        assert came in (["done", "stripped"], ["not theirs", "stripped"])
        assert (str(n) in done(store)) == (came[0] == "done")


@pytest.mark.parametrize("gone", ["off", "agent"])
def test_setting_up_ends_for_good_with_the_second_who_may_approve(store, gone):
    first, second = people(store, "supervisor", "investigator")
    with store.unit() as session:
        demo = factories.an_agent(session, NOW, role="supervisor", demo=True)
        _enrolled(session, demo.id, first)
        assert bootstrap.is_bootstrap_open(session, NOW)
    with store.unit() as session:
        _enrolled(session, second)
        assert not bootstrap.is_bootstrap_open(session, NOW)
    with store.unit() as session:
        for item in (first, second):
            member = session.get_one(Staff, item)
            if gone == "off":
                staff_status.deactivate_staff_member(session, member, NOW)
            else:
                staff_status.assign_staff_role(session, member, Role.AGENT, audit_log.OPERATOR, NOW)
        assert bootstrap.count_approvers(session) == 0
        assert not bootstrap.is_bootstrap_open(session, NOW)
    assert (
        len(
            store.all(
                select(AuditEntry).where(col(AuditEntry.action) == bootstrap.BOOTSTRAP_CLOSED)
            )
        )
        == 1
    )


def _enrolled(session, *ids: UUID) -> None:
    for id_ in ids:
        member = session.get_one(Staff, id_)
        member.totp_secret = b"x"
        session.add(member)
    session.flush()
