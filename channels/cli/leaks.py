"""``flask leaks``: ranks the likely sources of a leak, from reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from channels.app_context import current_time, unit_of_work
from channels.cli.error_output import readable_errors
from channels.error_texts import describe_error_in_english
from incidents.leak_tracing import csv_trace, service
from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE
from incidents.leak_tracing.ranking import (
    LEADING_THRESHOLD,
    MENTION_THRESHOLD,
    MIN_CUSTOMERS_SEEN,
    RankedSource,
    Ranking,
    rank_sources,
)
from people.staff import staff_records

leaks_group = AppGroup("leaks", help="Leaks of customers' data.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MAX_RANKED_STAFF = 15


@leaks_group.command("trace")
@click.option("--access", type=_FILE, help="CSV: staff,customer,at (and team).")
@click.option("--reports", type=_FILE, help="CSV: customer,at (and knew, proven).")
@click.option("--population", type=click.IntRange(1), help="How many customers there are.")
@click.option("--json", "as_json", is_flag=True, help="The whole ranking as JSON.")
def trace_leak_command(
    access: Path | None, reports: Path | None, population: int | None, as_json: bool
) -> None:
    """Rank who may have leaked the customers who report scam calls, by who had seen them before.

    Without files, ranks this installation's staff by all signals of the last half year. With files,
    traces a leak from any helpdesk's access log, without a database. Times are ISO 8601, in UTC if
    they have no zone. A report without a customer comes from a number that belongs to no customer.
    """
    names: dict[str, str] = {}
    if access is None and reports is None and population is None:
        ranking, names = _rank_own_staff()
    elif access is None or reports is None or population is None:
        raise click.UsageError("Give --access, --reports and --population together.")
    else:
        ranking = _rank_from_files(access, reports, population)
    click.echo(_ranking_as_json(ranking) if as_json else _ranking_as_table(ranking, names))


def _rank_from_files(access: Path, reports: Path, population: int) -> Ranking:
    try:
        return rank_sources(
            csv_trace.trace_csv_files(access, reports, population, datetime.now(UTC))
        )
    except csv_trace.InvalidCsvFile as error:
        raise click.ClickException(describe_error_in_english(error)) from None


def _rank_own_staff() -> tuple[Ranking, dict[str, str]]:
    """Return the ranking of this installation's staff, with their names by id."""
    with readable_errors(), unit_of_work() as session:
        ranking = service.trace_recent_signals(session, None, current_time())
        known = staff_records.list_all_staff_names(session)
    return ranking, {str(staff_id): name for staff_id, name in known}


def _ranking_as_json(ranking: Ranking) -> str:
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


def _ranking_as_table(ranking: Ranking, names: Mapping[str, str]) -> str:
    people = [row for row in ranking.people if row.seen][:MAX_RANKED_STAFF]
    shown = [row for row in ranking.rows if row in people or row.source in (OUTSIDE, EVERYTHING)]
    named = {row.source: names.get(row.source, row.source) for row in ranking.rows}
    width = max([len("source"), *(len(named[row.source]) for row in shown)])
    lines = [
        f"{'source':<{width}}  likely  seen  by chance  seen from   to",
        *(_ranking_table_row(named[row.source], row, width) for row in shown),
        "",
        _summarise_reports(ranking),
        *_explain_ranking(ranking, named),
        "outside: nobody with access. everything: a copy of the table, or of a part of it that no"
        " one person has seen.",
        "This is evidence and not a verdict. It says whose access fits the calls, not who used it:"
        " look for what else could explain it before you act.",
    ]
    return "\n".join(lines)


def _ranking_table_row(name: str, row: RankedSource, width: int) -> str:
    figures = f"{row.posterior:>7.1%}  {row.seen:>4}  {row.expected:>9.2f}"
    days = f"{_format_ranking_day(row.since)}  {_format_ranking_day(row.until)}"
    return f"{name:<{width}} {figures}  {days}".rstrip()


def _format_ranking_day(day: float | None) -> str:
    return "" if day is None else f"{datetime.fromtimestamp(day * 86400, UTC):%Y-%m-%d}"


def _summarise_reports(ranking: Ranking) -> str:
    summary = f"{ranking.customers} customer{'' if ranking.customers == 1 else 's'} who report"
    return (
        f"{summary}, {ranking.strays} reports from other numbers."
        if ranking.strays
        else f"{summary}."
    )


_NO_LEADER_SENTENCES = {
    EVERYTHING: "A copy of the table fits best; nobody with access leads.",
    OUTSIDE: "Callers who have nothing from us fit best; nobody with access leads.",
}


def _explain_ranking(ranking: Ranking, named: Mapping[str, str]) -> list[str]:
    """Return sentences on which source leads, and what would change it."""
    sentences = [
        f"{named[a]} and {named[b]} together: {value:.1%}, shared out between them above."
        for a, b, value in ranking.together
    ]
    if ranking.leading is None and ranking.unled:
        sentences.append(_NO_LEADER_SENTENCES[ranking.unled])
    elif ranking.leading is None:
        sentences.append(
            f"Nobody leads: that takes {LEADING_THRESHOLD:.0%} and {MIN_CUSTOMERS_SEEN} customers"
            " seen before."
        )
    else:
        sentences.append(f"{named[ranking.leading.source]} leads.")
    if ranking.halved_by and ranking.likeliest and ranking.likeliest.involved >= MENTION_THRESHOLD:
        more = f"{ranking.halved_by} more report{'' if ranking.halved_by == 1 else 's'}"
        who = named[ranking.likeliest.source]
        sentences.append(
            f"{more} from customers that {who} has never seen would halve what speaks for them."
        )
    return sentences
