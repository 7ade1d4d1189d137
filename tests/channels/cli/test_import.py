"""``flask customers import``: from a file into the directory, and again, and after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from people.customer_import import runner, upsert
from people.customers import customer_creation, customer_records
from people.models import Customer, CustomerImport
from tests import factories
from tests.browser import site
from tests.channels.support import all_rows, unit
from vault.audit import audit_log
from vault.models import AuditEntry, DataKey

HEAD = "external_ref,phone,name,locale,timezone\n"
GWEN = "C-1,07400 123456,Gwen Jones,en,Europe/London\n"
IVO = "C-2,+49 1512 3456789,Ivo Öztürk,de-AT,\n"


@pytest.fixture
def take(app, tmp_path):
    """Imports a text; gives the result of the command."""

    def run(text: str | bytes, *words: str, name: str = "new.csv"):
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return app.test_cli_runner().invoke(args=["customers", "import", str(file), *words])

    return run


def people(app) -> dict[str, tuple[str, str, str, str]]:
    with unit(app) as session:
        rows = session.exec(select(Customer).order_by(col(Customer.id))).all()
        found = [customer_records.open_customer_details(session, row) for row in rows]
        return {item.phone: (item.name, item.locale, item.timezone) for item in found}


def actions(app) -> list[str]:
    return [row.action for row in all_rows(app, AuditEntry) if row.purpose == "import"]


def test_customers_come_in_by_csv_and_a_second_time_changes_nothing(app, take):
    first = take(HEAD + GWEN + IVO)
    assert first.exit_code == 0, first.output
    assert "2 added, 0 changed, 0 the same, 0 refused." in first.output
    assert people(app) == {
        "+447400123456": ("Gwen Jones", "en", "Europe/London"),
        "+4915123456789": ("Ivo Öztürk", "de", "Europe/Berlin"),
    }
    assert actions(app) == ["customer.add", "customer.add"]
    assert "0 added, 0 changed, 2 the same" in take(HEAD + GWEN + IVO).output
    assert len(actions(app)) == 2


def test_json_lines_do_as_well_and_so_do_semicolons_and_a_byte_order_mark(app, take):
    line = {"external_ref": "C-1", "phone": "07400123456", "name": "Gwen", "locale": None}
    assert take(json.dumps(line) + "\n\n", name="new.jsonl").exit_code == 0
    text = "\ufeffExternal_Ref;Phone;Name\r\nC-1;07400123456;Gwen\r\nC-3;07400123457;Uta\r\n"
    assert "1 added, 0 changed, 1 the same" in take(text).output


def test_a_changed_name_or_zone_is_kept_and_written_down(app, take):
    take(HEAD + GWEN)
    assert "1 changed" in take(HEAD + "C-1,07400123456,Gwen Bevan,,America/New_York\n").output
    assert people(app) == {"+447400123456": ("Gwen Bevan", "en", "America/New_York")}
    assert actions(app) == ["customer.add", "customer.change"]


def test_a_customer_an_agent_added_gets_the_reference(app, take, clock):
    with unit(app) as session:
        new = customer_creation.NewCustomer("+447400123456", "Gwen", "en")
        customer_creation.add_customer(
            session, new, audit_log.SYSTEM, clock.now, default_zone="Europe/London"
        )
    assert "1 changed" in take(HEAD + GWEN).output
    assert "1 the same" in take(HEAD + GWEN).output


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("C-1,07400 999999,Gwen Jones,,\n", "cannot change a number"),
        ("C-9,07400 123456,Gwen Jones,,\n", "Another customer has this number."),
        (",07400 123457,Uta,,\n", "Fill this in."),
        ("C-5,12,Uta,,\n", "phone:"),
        ("C-5,07400 123457,,,\n", "Fill this in."),
        ("C-5,07400 123457,Uta www.evil.example,,\n", "Leave out links"),
        ("C-5,07400 123457,Uta,,Mars/Olympus\n", "timezone:"),
        ("C-5,07400 123457\n", "There are 2 values for 5 columns."),
        ('C-5,"07400 123457,Uta,,\n', "quotation marks"),
        ("C-5,07400 123457," + "x" * 70_000 + ",,\n", "too long"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_line_that_is_wrong_is_refused_by_its_number_and_nothing_of_it_said(
    app, take, line, told
):
    take(HEAD + GWEN)
    before = people(app)
    done = take(HEAD + line + "C-7,07400 123458,Ada,,\n")
    assert done.exit_code == 1
    assert "1 added" in done.output
    assert "Line 2, " in done.output
    assert told in done.output
    for personal in ("Uta", "Gwen", "999999", "123457"):
        assert personal not in done.output
    after = people(app)
    assert after.pop("+447400123458")
    assert after == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "The file is empty."),
        ("a,b\n", "The first line must name the columns"),
        ("external_ref,phone,name,salary\n", "Column 4 in the first line is unknown"),
        ("phone,phone,external_ref,name\n", "twice"),
        (b"\xff\xfe", "UTF-8"),
    ],
    ids=str,
)
def test_a_file_that_is_none_is_said(app, take, text, told):
    done = take(text)
    assert done.exit_code == 1
    assert told in done.output
    assert people(app) == {}


def test_a_line_in_another_encoding_is_refused_alone(app, take):
    done = take(HEAD.encode() + "C-2,07400 123457,Müller,,\n".encode("latin-1") + GWEN.encode())
    assert "1 added" in done.output
    assert "Line 2, line: The line is not UTF-8." in done.output


def test_unknown_columns_are_left_out_only_on_demand(app, take):
    text = "external_ref,phone,name,salary\nC-1,07400123456,Gwen,12\n"
    assert take(text).exit_code == 1
    assert take(text, "--ignore-unknown").exit_code == 0


def test_a_dry_run_says_the_same_and_keeps_nothing(app, take):
    done = take(HEAD + GWEN + IVO + "C-5,12,Uta,,\n", "--dry-run")
    assert "2 would be added, 0 would be changed, 0 the same, 1 would be refused." in done.output
    assert people(app) == {}
    assert all_rows(app, CustomerImport) == all_rows(app, DataKey) == actions(app) == []


def test_one_reference_twice_in_a_file_is_first_added_and_then_changed(app, take):
    done = take(HEAD + GWEN + "C-1,07400123456,Gwen Bevan,,\n" + "C-1,07400123499,Gwen,,\n")
    assert "1 added, 1 changed, 0 the same, 1 refused." in done.output


def test_all_refused_lines_go_to_a_file(app, take, tmp_path):
    told = tmp_path / "refused.csv"
    lines = "".join(f"C-{n},12,Uta,,\n" for n in range(1200))
    done = take(HEAD + lines, "--problems", str(told))
    assert "1,200 refused" in done.output
    assert len(told.read_text().splitlines()) == 1200
    few = take(HEAD + lines)
    assert few.output.count("Line ") == 50


def test_an_import_that_broke_goes_on_where_it_stopped(app, take, monkeypatch):
    text = HEAD + "".join(f"C-{n},07400{100000 + n},Uta,,\n" for n in range(1200))
    kept, count = upsert.upsert_rows, []

    def breaks(*args, **more):
        count.append(1)
        if len(count) == 2:
            raise KeyboardInterrupt
        return kept(*args, **more)

    monkeypatch.setattr(runner, "upsert_rows", breaks)
    take(text)
    assert len(people(app)) == 500
    monkeypatch.setattr(runner, "upsert_rows", kept)
    done = take(text)
    assert "Continuing after line 501." in done.output
    assert "1,200 added, 0 changed, 0 the same" in done.output
    assert len(people(app)) == 1200
    (row,) = all_rows(app, CustomerImport)
    assert (row.added, row.line, row.finished_at is None) == (1200, 1201, False)


def test_another_file_does_not_go_on_where_this_one_stopped(app, take, monkeypatch):
    text = HEAD + "".join(f"C-{n},07400{100000 + n},Uta,,\n" for n in range(600))

    with monkeypatch.context() as patch:
        kept = upsert.upsert_rows
        patch.setattr(
            runner, "upsert_rows", lambda *a, **m: kept(*a, **m) if len(a[1]) == 500 else 1 / 0
        )
        take(text)
    done = take(text.replace("Uta", "Ute"))
    assert "Going on" not in done.output
    assert "100 added, 500 changed" in done.output


def test_somebody_added_at_the_same_moment_is_no_error(app, take, monkeypatch, clock):
    kept, first = upsert.upsert_rows, []

    def beaten(session, rows, *args, **more):
        if not first:
            first.append(1)
            with unit(app) as other:
                new = customer_creation.NewCustomer("+447400123456", "Gwen", "en")
                customer_creation.add_customer(
                    other, new, audit_log.SYSTEM, clock.now, default_zone="Europe/London"
                )
            raise IntegrityError("x", {}, Exception("unique"))
        return kept(session, rows, *args, **more)

    monkeypatch.setattr(runner, "upsert_rows", beaten)
    done = take(HEAD + GWEN + IVO)
    assert "1 added, 1 changed" in done.output, done.output


@pytest.mark.campaign
@pytest.mark.long
def test_an_import_killed_over_and_over_loses_and_doubles_nobody(tmp_path):
    """Real processes on SQLite, kill -9 at any moment."""
    file = tmp_path / "many.csv"
    total = 60_000
    lines = (f"C-{n},07400{100000 + n},Uta {n % 7},,\n" for n in range(total))
    file.write_text(HEAD + "".join(lines))
    instance = tmp_path / "instance"
    instance.mkdir()
    site.command(instance, "db", "upgrade")
    words = [*site.FLASK, "customers", "import", str(file)]
    env = site.environment(instance)
    for wait in (1.2, 1.7, 2.2, 1.4, 2.6, 1.9):
        process = subprocess.Popen(
            words, cwd=site.ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(wait)  # the moment of the kill is what is tried here
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    told = site.command(instance, "customers", "import", str(file))
    assert told == f"{total:,} added, 0 changed, 0 the same, 0 refused."
    again = site.command(instance, "customers", "import", str(file))
    assert again == f"0 added, 0 changed, {total:,} the same, 0 refused."


def test_retention_by_command_says_how_many_and_then_erases(app, take, clock):
    run = app.test_cli_runner().invoke
    assert run(args=["customers", "retention"]).exit_code == 2
    take(HEAD + GWEN + IVO)
    with unit(app) as session:
        gwen = customer_records.find_by_phone(session, "+447400123456")
        factories.a_callback(session, clock.now, customer=gwen)
    clock.now += timedelta(days=31)
    dry = run(args=["customers", "retention", "--days", "30", "--dry-run"])
    assert "1 customers would be erased." in dry.output
    assert len(people(app)) == 2
    assert "1 customers erased." in run(args=["customers", "retention", "--days", "30"]).output
    assert "0 customers erased." in run(args=["customers", "retention", "--days", "30"]).output
    with unit(app) as session:
        assert customer_records.find_by_phone(session, "+447400123456") is None
    assert "1 added, 0 changed, 1 the same" in take(HEAD + GWEN + IVO).output


def test_a_dry_run_sees_what_comes_twice_in_a_file_as_the_import_does(app, take):
    many = "".join(f"M-{n},07400 2{n:05d},Uta,,\n" for n in range(600))
    text = HEAD + GWEN + many + "C-1,07400123456,Gwen Bevan,,\nC-1,07400123499,Gwen,,\n"
    text += "C-9,07400123456,Eve,,\n" + GWEN.replace("Gwen Jones", "Gwen Bevan")
    dry = take(text, "--dry-run")
    assert "601 would be added" in dry.output
    assert "2 would be refused" in dry.output
    assert "601 added" in take(text).output
    refused = [line for line in dry.output.splitlines() if line.startswith("Line")]
    assert refused == [line for line in take(text).output.splitlines() if line.startswith("Line")]


def test_a_dry_run_remembers_only_so_many():
    from people.customer_import.dry_run import DryRunMemory
    from people.customer_import.upsert import BatchOutcome
    from people.customer_import.validation import ImportRow

    seen = DryRunMemory(most=1)
    rows = [ImportRow(n, f"C-{n}", f"+4474001234{n:02d}", "Gwen", "", "") for n in range(2)]
    assert not seen.full
    assert len(seen.reconcile_batch(BatchOutcome(added=rows)).added) == 2
    assert seen.full
    assert seen.reconcile_batch(BatchOutcome(added=rows[:1])).same == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--reference", "C-2", "--phone", "07400 123456"),
        ("--reference", "C-7", "--phone", "07400 123456"),
        ("--reference", "C-1", "--phone", "07400 999999"),
    ],
)
def test_an_erasure_that_contradicts_itself_erases_nobody(app, take, words):
    take(HEAD + GWEN + IVO)
    run = app.test_cli_runner().invoke
    told = run(args=["customers", "erase", *words])
    assert told.exit_code == 1
    assert "both this reference and this number" in told.output
    assert len([name for name, _, _ in people(app).values() if name]) == 2
    both = ["--reference", "C-1", "--phone", "07400 123456"]
    assert "1 customer erased." in run(args=["customers", "erase", *both]).output
