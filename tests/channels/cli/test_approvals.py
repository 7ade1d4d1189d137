"""The command line has no identity, so what it asks for takes two members of staff."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlmodel import select

from channels.app_context import current_context
from people.approvals import bootstrap
from people.approvals.models import ApprovalRequest
from people.customer_import import progress, upsert
from people.customer_import import runner as importing
from people.customers import customer_creation, customer_records
from people.errors import Conflict
from people.models import Customer, Staff
from people.staff import staff_approvals, staff_records, staff_status
from procedures import approval_registry
from tests import factories
from tests.approvals import approve_request
from tests.channels.support import all_rows, unit
from vault.audit import audit_log
from vault.models import AuditEntry

HEAD = "external_ref,phone,name\n"
ROWS = "C-1,07400 123456,Gwen Jones\nC-2,07400 123457,Ivo Ott\n"


@pytest.fixture
def run(app):
    def invoke(*words: str):
        return app.test_cli_runner().invoke(args=list(words))

    return invoke


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text(HEAD + ROWS)
    return path


@pytest.fixture
def approvers(app, clock):
    """Three who may approve; from now on the installation has been set up."""
    with unit(app) as session:
        made = []
        for role in ("supervisor", "investigator", "supervisor"):
            member = factories.an_agent(session, clock.now, role=role)
            member.totp_secret = b"x"
            session.add(member)
            made.append(member.id)
        session.flush()
        bootstrap.finish_bootstrap(session, clock.now)
    return made


def approve(app, clock, *by) -> None:
    """Approve whatever is open."""
    for item in by:
        with unit(app) as session, app.app_context():
            row = session.exec(
                select(ApprovalRequest).where(ApprovalRequest.state == "asked")
            ).one()
            kinds = approval_registry.collect_request_types(current_context().policy)
            approve_request(session, kinds, row.id, row.digest, item, clock.now)


def names(app) -> set[str]:
    with unit(app) as session:
        return {
            customer_records.open_customer_details(session, c).name
            for c in session.exec(select(Customer))
        }


def set_up_acts(app) -> list[str]:
    entries = sorted(all_rows(app, AuditEntry), key=lambda entry: entry.id)
    return [one_entry.purpose for one_entry in entries if one_entry.action == "approvals.set_up"]


def test_while_it_is_set_up_all_goes_at_once_and_is_written_down(app, run, file):
    added = run("staff", "add", "--email", "s@example.org", "--name", "Sue", "--role", "supervisor")
    assert added.exit_code == 0
    assert re.search(r"/staff/enrol/[\w-]+\n$", added.output)
    assert run("customers", "import", str(file)).exit_code == 0
    assert run("customers", "erase", "--reference", "C-1").exit_code == 0
    assert run("keys", "rotate").exit_code == 0
    assert run("customers", "retention", "--days", "1").exit_code == 0
    assert run("staff", "role", "--email", "s@example.org", "--role", "agent").exit_code == 0
    assert names(app) == {"", "Ivo Ott"}
    assert set_up_acts(app) == [
        "staff.add",
        "customers.import",
        "customers.erase",
        "keys.rotate",
        "customers.retention",
        "staff.role",
    ]
    assert "No two people can approve yet" in run("doctor").output


def test_people_of_the_demo_do_not_end_setting_up(app, run, file):
    assert run("demo").exit_code == 0
    assert run("customers", "import", str(file)).exit_code == 0


def test_an_import_waits_for_two_then_goes_on_and_the_approval_is_spent(
    app, run, file, clock, approvers
):
    first, second, _ = approvers
    for _ in range(2):  # run again too early, it asks for nothing new
        waits = run("customers", "import", str(file), "--why", "The new region")
        assert waits.exit_code == 3
        assert "/staff/approvals" in waits.output
        assert "supervisors or investigators" in waits.output
    assert len(all_rows(app, ApprovalRequest)) == 1
    approve(app, clock, first)
    assert run("customers", "import", str(file)).exit_code == 3
    assert names(app) == set()
    approve(app, clock, second)
    done = run("customers", "import", str(file))
    assert done.exit_code == 0, done.output
    assert names(app) == {"Gwen Jones", "Ivo Ott"}
    assert [row.state for row in all_rows(app, ApprovalRequest)] == ["done"]
    assert run("customers", "import", str(file)).exit_code == 3
    assert set_up_acts(app) == []
    assert "No two people" not in run("doctor").output


def test_a_dry_run_needs_nobody(app, run, file, approvers):
    assert run("customers", "import", str(file), "--dry-run").exit_code == 0
    assert all_rows(app, ApprovalRequest) == []


@pytest.mark.parametrize("change", ["content", "format", "option"])
def test_another_file_or_other_words_are_another_request(app, run, file, clock, approvers, change):
    first, second, _ = approvers
    run("customers", "import", str(file))
    approve(app, clock, first, second)
    words = []
    if change == "content":
        file.write_text(HEAD + ROWS + "C-3,07400 123458,Eve Black\n")
    else:
        words = ["--ignore-unknown"] if change == "option" else ["--format", "jsonl"]
    assert run("customers", "import", str(file), *words).exit_code == 3
    assert names(app) == set()


def test_a_file_that_is_changed_while_it_is_read_is_imported_as_approved(
    app, run, file, clock, approvers, monkeypatch
):
    first, second, _ = approvers
    run("customers", "import", str(file))
    approve(app, clock, first, second)
    begin = progress.create_import

    def swapped(session, now):
        file.write_text(HEAD + "C-9,07400 123459,Eve Black\n")
        return begin(session, now)

    monkeypatch.setattr("channels.cli.customer_import.create_import", swapped)
    assert run("customers", "import", str(file)).exit_code == 0
    assert names(app) == {"Gwen Jones", "Ivo Ott"}


def test_an_import_that_was_killed_goes_on_under_the_same_approval(
    app, run, file, clock, approvers, monkeypatch
):
    first, second, _ = approvers
    file.write_text(HEAD + "".join(f"C-{n},07400 {n:06d},Gwen\n" for n in range(1100)))
    run("customers", "import", str(file))
    approve(app, clock, first, second)
    keep, batches = upsert.upsert_rows, []

    def dies(*given, **more):
        batches.append(1)
        if len(batches) == 2:
            raise SystemExit(137)
        return keep(*given, **more)

    monkeypatch.setattr(importing, "upsert_rows", dies)
    assert run("customers", "import", str(file)).exit_code == 137
    clock.now += timedelta(days=6)
    goes_on = run("customers", "import", str(file))
    assert goes_on.exit_code == 0, goes_on.output
    assert "Continuing after line 501." in goes_on.output
    assert len(all_rows(app, Customer)) == 1100


def test_one_who_left_since_does_not_count_when_the_command_is_run(
    app, run, file, clock, approvers
):
    first, second, third = approvers
    run("customers", "import", str(file))
    approve(app, clock, first, second)
    with unit(app) as session:
        staff_status.deactivate_staff_member(session, session.get_one(Staff, first), clock.now)
    assert run("customers", "import", str(file)).exit_code == 3
    assert names(app) == set()
    approve(app, clock, third)
    assert run("customers", "import", str(file)).exit_code == 0


def test_switching_approvers_off_opens_nothing(app, run, file, clock, approvers):
    with unit(app) as session:
        for approver in approvers:
            staff_status.deactivate_staff_member(
                session, session.get_one(Staff, approver), clock.now
            )
    for words in (
        ("customers", "import", str(file)),
        ("keys", "rotate"),
        ("customers", "retention", "--days", "1"),
        ("staff", "add", "--email", "e@example.org", "--name", "Eve", "--role", "supervisor"),
    ):
        assert run(*words).exit_code == 3
    assert names(app) == set()
    assert len(all_rows(app, Staff)) == 3


def test_a_link_works_once_two_have_approved_it(app, run, clock, approvers):
    first, second, _ = approvers
    waits = run("staff", "add", "--email", "e@example.org", "--name", "Eve", "--role", "agent")
    assert waits.exit_code == 3
    link = re.search(r"/staff/enrol/[\w-]+", waits.output)[0]
    assert "begin to work" in waits.output
    assert "a PIN in person" in waits.output
    client = app.test_client()
    assert client.get(link).status_code == 410
    approve(app, clock, first)
    assert client.get(link).status_code == 410
    approve(app, clock, second)
    assert client.get(link).status_code == 200


def test_an_operator_cannot_take_over_a_colleague_by_a_new_link(app, run, clock, approvers):
    """Else two links of their own making would be two approvers."""
    with unit(app) as session:
        email = staff_records.open_staff_details(
            session, session.get_one(Staff, approvers[0])
        ).email
    waits = run("staff", "invite", "--email", email)
    assert waits.exit_code == 3
    link = re.search(r"/staff/enrol/[\w-]+", waits.output)[0]
    client = app.test_client()
    assert client.get(link).status_code == 410
    approve(app, clock, approvers[1], approvers[2])
    assert client.get(link).status_code == 200


def test_keys_are_rotated_once_approved(app, run, clock, approvers):
    assert run("keys", "rotate").exit_code == 3
    assert not [e for e in all_rows(app, AuditEntry) if e.action == "keys.rotate"]
    approve(app, clock, *approvers[:2])
    assert run("keys", "rotate").exit_code == 0
    assert run("keys", "rotate").exit_code == 3


def test_an_erasure_is_done_at_the_second_approval(app, run, clock, approvers):
    with unit(app) as session:
        new = customer_creation.NewCustomer("+447400123456", "Gwen", "en", external_ref="C-1")
        customer_creation.add_customer(
            session, new, audit_log.SYSTEM, clock.now, default_zone="Europe/London"
        )
    assert run("customers", "erase", "--reference", "C-9").exit_code == 1
    assert run("customers", "erase", "--phone", "07400 123456").exit_code == 3
    approve(app, clock, approvers[0])
    assert names(app) == {"Gwen"}
    approve(app, clock, approvers[1])
    assert names(app) == {""}


def test_what_waits_is_listed_and_can_be_withdrawn(app, run, clock, approvers):
    run("keys", "rotate")
    listed = run("approvals", "list").output
    request = listed.split()[0]
    assert "keys.rotate" in listed
    assert "0 of 2 approvals" in listed
    assert run("approvals", "withdraw", request).exit_code == 0
    assert "Nothing waits." in run("approvals", "list").output
    again = run("approvals", "withdraw", request)
    assert again.exit_code == 1
    assert "was withdrawn" in again.output


def test_a_request_of_the_command_line_shows_what_exactly(app, run, file, clock, approvers):
    run("customers", "import", str(file), "--why", "The new region")
    with unit(app) as session, app.app_context():
        row = session.exec(select(ApprovalRequest)).one()
        from people.approvals import sealed_requests

        act = sealed_requests.open_approval_request(session, row)
        facts = dict(
            approval_registry.collect_request_types(current_context().policy)[act.kind].facts(
                session, act
            )
        )
    assert facts["file"] == "new.csv"
    assert len(facts["sha256"]) == 64
    assert act.why == "The new region"


def test_every_kind_of_the_table_takes_two_and_never_an_agent(app):
    with app.app_context():
        kinds = approval_registry.collect_request_types(current_context().policy)
    assert {staff_approvals.ADD.name, "customer.number", "keys.rotate"} <= kinds.keys()
    for kind in kinds.values():
        assert kind.people >= 2
        assert "agent" not in kind.approves
        assert kind.approvals_required(None) >= 2


def test_the_last_of_a_role_that_others_need_stays(app, run, clock, approvers):
    with unit(app) as session:
        first, second, third = (
            staff_records.open_staff_details(session, session.get_one(Staff, approver)).email
            for approver in approvers
        )
    assert run("staff", "role", "--email", first, "--role", "investigator").exit_code == 3
    assert run("staff", "off", "--email", third).exit_code == 0
    for words, sentence in (
        (("role", "--email", first, "--role", "investigator"), "No supervisor would be left"),
        (("off", "--email", first), "No supervisor would be left"),
        (("role", "--email", second, "--role", "agent"), "No investigator would be left"),
        (("off", "--email", second), "No investigator would be left"),
    ):
        told = run("staff", *words)
        assert told.exit_code == 1
        assert sentence in told.output
    assert len([row for row in all_rows(app, Staff) if row.active]) == 2


def test_a_role_asked_for_while_there_was_another_is_not_given_once_there_is_none(
    app, run, clock, approvers
):
    with unit(app) as session:
        first = staff_records.open_staff_details(
            session, session.get_one(Staff, approvers[0])
        ).email
        third = staff_records.open_staff_details(
            session, session.get_one(Staff, approvers[2])
        ).email
        fourth = factories.an_agent(session, clock.now, role="investigator")
        fourth.totp_secret = b"x"
        session.add(fourth)
        session.flush()
        by = approvers[1], fourth.id
    assert run("staff", "role", "--email", first, "--role", "investigator").exit_code == 3
    assert run("staff", "off", "--email", third).exit_code == 0
    with pytest.raises(Conflict, match="last_supervisor"):
        approve(app, clock, *by)
    with unit(app) as session:
        assert session.get_one(Staff, approvers[0]).role == "supervisor"
