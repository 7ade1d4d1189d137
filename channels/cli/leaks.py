"""``flask leaks``: from reports to the likeliest source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from channels.app_context import now, unit
from channels.cli.error_output import plainly
from incidents.leak_tracing import csv_trace, service
from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE
from incidents.leak_tracing.ranking import ENOUGH, LEADS, WORTH_A_WORD, Ranked, Ranking, rank
from people.staff import staff_records

leaks = AppGroup("leaks", help="Leaks of customers' data.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SHOWN = 15


@leaks.command("trace")
@click.option("--access", type=_FILE, help="CSV: staff,customer,at (and team).")
@click.option("--reports", type=_FILE, help="CSV: customer,at (and knew, proven).")
@click.option("--population", type=click.IntRange(1), help="How many customers there are.")
@click.option("--json", "as_json", is_flag=True, help="The whole ranking as JSON.")
def trace(access: Path | None, reports: Path | None, population: int | None, as_json: bool) -> None:
    """Rank who may have leaked the customers who report scam calls, by who had seen them before.

    Our own staff by all signs of the last half year; or, with files, a leak from any helpdesk's
    access log, which needs no store of ours. Times are ISO 8601, UTC where they name no zone; a
    report without a customer comes from a number that is no customer's.
    """
    names: dict[str, str] = {}
    if access is None and reports is None and population is None:
        ranking, names = _own()
    elif access is None or reports is None or population is None:
        raise click.UsageError("Give --access, --reports and --population together.")
    else:
        ranking = _of_files(access, reports, population)
    click.echo(_json(ranking) if as_json else _table(ranking, names))


def _of_files(access: Path, reports: Path, population: int) -> Ranking:
    try:
        return rank(csv_trace.trace(access, reports, population, datetime.now(UTC)))
    except csv_trace.NotReadable as error:
        raise click.ClickException(str(error)) from None


def _own() -> tuple[Ranking, dict[str, str]]:
    """The ranking of our staff, with their names by id."""
    with plainly(), unit() as session:
        ranking = service.trace(session, None, now())
        known = staff_records.everybody(session)
    return ranking, {str(staff_id): name for staff_id, name in known}


def _json(ranking: Ranking) -> str:
    rows = [
        {
            "source": row.source,
            "posterior": row.posterior,
            "seen": row.seen,
            "expected": round(row.expected, 3),
            "involved": row.involved,
        }
        for row in ranking.rows
    ]
    pairs = [{"sources": [a, b], "posterior": value} for a, b, value in ranking.together]
    leading = ranking.leading.source if ranking.leading else None
    return json.dumps({"ranking": rows, "pairs": pairs, "leading": leading}, indent=1)


def _table(ranking: Ranking, names: Mapping[str, str]) -> str:
    people = [row for row in ranking.people if row.seen][:SHOWN]
    shown = [row for row in ranking.rows if row in people or row.source in (OUTSIDE, EVERYTHING)]
    named = {row.source: names.get(row.source, row.source) for row in ranking.rows}
    width = max([len("source"), *(len(named[row.source]) for row in shown)])
    lines = [
        f"{'source':<{width}}  likely  seen  by chance  seen from   to",
        *(_line(named[row.source], row, width) for row in shown),
        "",
        _counted(ranking),
        *_told(ranking, named),
        "outside: nobody with access. everything: a copy of the table, or of a part of it that no"
        " one person has seen.",
        "This is evidence and not a verdict. It says whose access fits the calls, not who used it:"
        " look for what else could explain it before you act.",
    ]
    return "\n".join(lines)


def _line(name: str, row: Ranked, width: int) -> str:
    figures = f"{row.posterior:>7.1%}  {row.seen:>4}  {row.expected:>9.2f}"
    days = f"{_date(row.since)}  {_date(row.until)}"
    return f"{name:<{width}} {figures}  {days}".rstrip()


def _date(day: float | None) -> str:
    return "" if day is None else f"{datetime.fromtimestamp(day * 86400, UTC):%Y-%m-%d}"


def _counted(ranking: Ranking) -> str:
    told = f"{ranking.customers} customer{'' if ranking.customers == 1 else 's'} who report"
    return f"{told}, {ranking.strays} reports from other numbers." if ranking.strays else f"{told}."


_UNLED = {
    EVERYTHING: "A copy of the table fits best; nobody with access leads.",
    OUTSIDE: "Callers who have nothing from us fit best; nobody with access leads.",
}


def _told(ranking: Ranking, named: Mapping[str, str]) -> list[str]:
    """What leads, and what would change it, in words."""
    said = [
        f"{named[a]} and {named[b]} together: {value:.1%}, shared out between them above."
        for a, b, value in ranking.together
    ]
    if ranking.leading is None and ranking.unled:
        said.append(_UNLED[ranking.unled])
    elif ranking.leading is None:
        said.append(f"Nobody leads: that takes {LEADS:.0%} and {ENOUGH} customers seen before.")
    else:
        said.append(f"{named[ranking.leading.source]} leads.")
    if ranking.halved_by and ranking.likeliest and ranking.likeliest.involved >= WORTH_A_WORD:
        more = f"{ranking.halved_by} more report{'' if ranking.halved_by == 1 else 's'}"
        who = named[ranking.likeliest.source]
        said.append(
            f"{more} from customers whom {who} has never seen would halve what speaks for them."
        )
    return said
