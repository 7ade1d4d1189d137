"""``flask leaks trace`` on files: any helpdesk's own access log."""

from __future__ import annotations

import json

import pytest

from channels.cli.leaks import leaks_group
from tests.forked_flask import run_flask

LOG = ["staff,customer,at"]
LOG += [f"ana,a{n},2026-03-{1 + n % 28:02d}T09:00:00Z" for n in range(60)]
LOG += [f"ben,b{n},2026-03-{1 + n % 28:02d}T09:00:00" for n in range(60)]
LOG += [f"eva,{'ab'[n % 2]}{n},2026-03-{1 + n % 28:02d}T10:00:00+01:00" for n in range(60)]
CALLS = ["customer,at"]
CALLS += [f"a{n},2026-04-{1 + n:02d}T12:00:00Z" for n in range(1, 19, 2)]
CALLS += ["x1,2026-04-20", "x2,2026-04-21", "x3,2026-04-22"]


@pytest.fixture
def run(tmp_path):
    """Run the command on these files; gives what it ends with and says."""
    from click.testing import CliRunner

    def run_it(log=LOG, calls=CALLS, *more: str, population: str = "1000"):
        access, reports = tmp_path / "access.csv", tmp_path / "reports.csv"
        for path, lines in ((access, log), (reports, calls)):
            data = lines if isinstance(lines, bytes) else ("\n".join(lines) + "\n").encode()
            path.write_bytes(data)
        given = ["--access", str(access), "--reports", str(reports), "--population", population]
        return CliRunner().invoke(leaks_group, ["trace", *given, *more])

    return run_it


def ranking(answer):
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.output)["ranking"]


def test_the_insider_comes_first(run):
    rows = ranking(run(LOG, CALLS, "--json"))
    assert rows[0]["source"] == "ana"
    assert rows[0]["posterior"] > 0.9
    assert rows[0]["seen"] == 9
    assert rows[0]["expected"] == pytest.approx(12 * 60 / 1000)
    assert {row["source"] for row in rows} == {"ana", "ben", "eva", "outside", "everything"}
    assert sum(row["posterior"] for row in rows) == pytest.approx(1)
    order = [row["posterior"] for row in rows]
    assert order == sorted(order, reverse=True)


def test_people_read_a_table_with_a_warning(run):
    said = run().output
    assert "ana leads." in said
    assert "not a verdict" in said
    assert "would halve" in said


def test_no_reports_leave_the_prior(run):
    rows = ranking(run(LOG, ["customer,at"], "--json"))
    assert rows[0]["source"] == "outside"
    assert rows[0]["seen"] == 0


def test_a_single_report_accuses_nobody(run):
    rows = ranking(run(LOG, CALLS[:2], "--json"))
    assert max(row["posterior"] for row in rows if row["source"] in ("ana", "ben", "eva")) < 0.6


def test_reports_dated_before_the_access_do_not_come_from_it(run):
    early = [line.replace("2026-04", "2026-01") for line in CALLS]
    rows = {row["source"]: row for row in ranking(run(LOG, early, "--json"))}
    assert rows["ana"]["seen"] == 0
    assert rows["ana"]["posterior"] < 0.05


def test_lines_twice_count_once(run):
    once = ranking(run(LOG, CALLS, "--json"))
    twice = ranking(run(LOG + LOG[1:], CALLS + CALLS[1:], "--json"))
    assert [row["source"] for row in once] == [row["source"] for row in twice]
    assert [row["seen"] for row in once] == [row["seen"] for row in twice]
    for one, other in zip(once, twice, strict=True):
        assert one["posterior"] == pytest.approx(other["posterior"])


def test_two_with_the_same_access_share_it(run):
    same = [line.replace("ana", "twin") for line in LOG if line.startswith("ana")]
    rows = {row["source"]: row for row in ranking(run(LOG + same, CALLS, "--json"))}
    assert rows["ana"]["posterior"] == pytest.approx(rows["twin"]["posterior"])
    assert rows["ana"]["posterior"] <= 0.5


def test_a_report_without_a_customer_is_of_a_strange_number(run):
    strays = [f",2026-04-{n + 1:02d}T10:00:00Z" for n in range(20)]
    few = {row["source"]: row for row in ranking(run(LOG, CALLS[:4], "--json"))}
    many = {row["source"]: row for row in ranking(run(LOG, CALLS[:4] + strays, "--json"))}
    assert many["outside"]["posterior"] > few["outside"]["posterior"]


def test_what_the_caller_knew_may_be_given(run):
    """Callers who know tickets, but ring customers nobody has seen, have the whole table."""
    calls = ["customer,at,knew"] + [f"x{n},2026-04-01T10:00:00Z,name ticket" for n in range(12)]
    assert ranking(run(LOG, calls, "--json"))[0]["source"] == "everything"
    said = run(LOG, calls).output
    assert "A copy of the table fits best; nobody with access leads." in said
    assert "Nobody leads" not in said


def test_a_file_as_spreadsheets_write_it(run):
    data = "\ufeff" + "\r\n".join(f'"{a}","{b}","{c}"' for a, b, c in (x.split(",") for x in LOG))
    assert ranking(run(data.encode(), CALLS, "--json"))[0]["source"] == "ana"


@pytest.mark.parametrize(
    ("log", "calls", "said"),
    [
        (["who,customer,at", "a,b,2026-01-01"], CALLS, "access.csv, line 1:"),
        (LOG, ["customer"], "reports.csv, line 1:"),
        (b"", CALLS, "access.csv, line 1:"),
        ([*LOG, "ana,c1,yesterday"], CALLS, "access.csv, line 182:"),
        (LOG, [*CALLS, "c1,2026-13-01"], "reports.csv, line 14:"),
        ([*LOG, "ana,c1"], CALLS, "access.csv, line 182:"),
        ([*LOG, ",c1,2026-01-01"], CALLS, "access.csv, line 182:"),
        ([*LOG, "outside,c1,2026-01-01"], CALLS, "access.csv, line 182:"),
        ([*LOG, "ana,c1,9999-12-31T23:59:59-23:59"], CALLS, ""),
        (LOG, ["customer,at,knew", "a1,2026-04-01,shoe size"], "reports.csv, line 2:"),
        (LOG, ["customer,at,proven", "a1,2026-04-01,perhaps"], "reports.csv, line 2:"),
        (b"staff,customer,at\n\xff\xfe,a,2026-01-01\n", CALLS, "access.csv"),
        ([*LOG, 'ana,"c1,2026-01-01'], CALLS, "access.csv, line 182:"),
    ],
)
def test_bad_files_are_answered_with_a_sentence(run, log, calls, said):
    answer = run(log, calls)
    assert "Traceback" not in answer.output
    assert answer.exception is None or isinstance(answer.exception, SystemExit)
    if said:
        assert answer.exit_code == 1
        assert said in answer.output


def test_more_customers_than_there_are_is_said(run):
    answer = run(population="10")
    assert answer.exit_code == 1
    assert "--population" in answer.output


@pytest.mark.parametrize("more", [["--population", "0"], ["--access", "/nowhere.csv"], []])
def test_what_is_asked_for_wrongly_ends_with_2(more):
    from click.testing import CliRunner

    assert CliRunner().invoke(leaks_group, ["trace", "--population", "5", *more]).exit_code == 2


def test_it_needs_no_store_of_ours(tmp_path):
    """As a stranger calls it, where no database can be reached."""
    (tmp_path / "a.csv").write_text("\n".join(LOG))
    (tmp_path / "r.csv").write_text("\n".join(CALLS))
    files = (str(tmp_path / "a.csv"), str(tmp_path / "r.csv"))
    done = run_flask(
        *("leaks", "trace", "--json", "--access", files[0], "--reports", files[1]),
        *("--population", "1000"),
        env={
            "PATH": "/usr/bin:/bin",
            "VOUCHLINE_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/none",
            "VOUCHLINE_INSTANCE": str(tmp_path / "instance"),
        },
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ranking"][0]["source"] == "ana"


def test_without_files_it_ranks_our_own_staff(app):
    """An empty store: nobody has looked at anybody, so there is nobody to rank."""
    answer = app.test_cli_runner().invoke(args=["leaks", "trace", "--json"])
    assert [row["source"] for row in ranking(answer)] == ["outside", "everything"]
    said = app.test_cli_runner().invoke(args=["leaks", "trace"]).output
    assert "0 customers who report." in said


@pytest.mark.parametrize(
    ("at", "told"),
    [("0001-01-01T00:00:00Z", "before 1990"), ("9999-12-31", "in the future")],
)
def test_times_that_nobody_meant_are_refused_with_file_and_line(run, at, told):
    for log, calls in (
        (LOG, ["customer,at", f"a1,{at}"]),
        (["staff,customer,at", f"ana,a1,{at}"], CALLS),
    ):
        answer = run(log, calls)
        assert answer.exit_code == 1
        assert f".csv, line 2: '{at}' is {told}" in answer.output
