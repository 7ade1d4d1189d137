"""``python -m bench.case_grouping``: reports grouped into cases, on labelled simulated weeks.

Two campaigns run beside unrelated calls. A campaign's callers read one script, which reporters
repeat partly, in their own words, or not at all. They show a few numbers in rotation or none, know
the fields of one leak, and pose as us. Measures the result of the worker's grouping job.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import mean
from uuid import UUID

from sqlmodel import select

from incidents.cases.models import GroupedReport
from incidents.grouping.job import SETTLING_TIME, GroupingJob
from incidents.reports import report_fields, submission
from tests import databases

BEGIN = datetime(2026, 11, 1, 8, tzinfo=UTC)
CAMPAIGNS, REPORTS, UNRELATED, DAYS = 2, 30, 60, 14
SCRIPTS = (
    "router sends spam technician must connect computer today licence expired remote program",
    "account blocked transfer safe police fraud department card courier tonight urgent secret",
    "parcel customs fee payment link driver waiting address depot tracking refused delivery",
    "prize holiday winner lottery deposit claim ticket voucher hotel flight confirm survey",
    "energy tariff meter reading contract cheaper supplier switch refund council discount boiler",
    "grandson accident lawyer bail cash hospital phone broken help quickly nobody station",
    "invest crypto coins profit broker platform guaranteed adviser portfolio returns bonus",
    "tax refund arrest warrant office penalty officer letter court overdue settlement",
)
_FILLER = "they said that woman with accent called early again very friendly angry asked then about"
FILLER = _FILLER.split()
FIELDS = ("name", "phone", "ticket", "product")


@dataclass(frozen=True)
class Campaign:
    """The callers: their script, the numbers they show, the fields they know and ask for."""

    words: list[str]
    numbers: list[str]
    knows: tuple[str, ...]
    wants: tuple[str, ...]


def _number(dice: Random) -> str:
    return f"+4420{dice.randrange(10**8):08d}"


def _campaign(dice: Random, script: str) -> Campaign:
    numbers = [_number(dice) for _ in range(dice.choice([1, 3, 8]))]
    knows = tuple(dice.sample(FIELDS, 3))
    return Campaign(
        script.split(), numbers, knows, tuple(dice.sample(report_fields.REQUESTED_ITEMS, 2))
    )


def _maybe(dice: Random, chance: float, value: str) -> str:
    return value if dice.random() < chance else ""


def _told(
    dice: Random, phone: str, at: datetime, of: Campaign, ours: bool
) -> report_fields.ReportSubmission:
    words = dice.sample(of.words, dice.randint(3, 7)) + dice.sample(FILLER, dice.randint(2, 5))
    dice.shuffle(words)
    hidden = dice.random() < 0.2
    return report_fields.ReportSubmission(
        phone,
        "web",
        called_at=at,
        number_hidden=hidden,
        shown_number="" if hidden else _maybe(dice, 0.7, dice.choice(of.numbers)),
        said=_maybe(dice, 0.6, " ".join(words)),
        knew=[know for know in of.knows if dice.random() < 0.75],
        asked_for=[want for want in of.wants if dice.random() < 0.6],
        claimed_to_be=_maybe(dice, 0.6, "Example Support" if ours else dice.choice(of.words)),
    )


def _weeks(dice: Random) -> Iterator[tuple[datetime, str, Campaign, bool]]:
    """Yield instant, campaign name, campaign, and whether the callers pose as us.

    Unrelated calls are campaigns of one call.
    """
    scripts = dice.sample(SCRIPTS, len(SCRIPTS))
    for name in range(CAMPAIGNS):
        campaign, day = _campaign(dice, scripts[name]), dice.uniform(0, DAYS / 2)
        for _ in range(REPORTS):
            after = day + dice.expovariate(1 / 3)
            yield BEGIN + timedelta(days=after), str(name), campaign, True
    for _ in range(UNRELATED):
        script = dice.choice(scripts[CAMPAIGNS:])
        alone = _campaign(dice, script)
        knows = alone.knows[: dice.choice([0, 0, 1])]
        alone = Campaign(alone.words, [_number(dice)], knows, alone.wants)
        # One kind of scam occurs often; it does not matter if a case holds several of one kind.
        yield BEGIN + timedelta(days=dice.uniform(0, DAYS)), f"alone {script}", alone, False


def _cases(store: databases.Store, dice: Random) -> list[tuple[str, UUID | None]]:
    """Return the label and the case of each report."""
    label: dict[UUID, str] = {}
    job = GroupingJob()
    for number, (at, name, campaign, ours) in enumerate(sorted(_weeks(dice), key=lambda r: r[0])):
        report = _told(dice, f"+447400{number:06d}", at, campaign, ours)
        with store.unit() as session:
            label[submission.submit_report(session, report, at + timedelta(hours=1)).id] = name
        with store.unit() as session:
            job(session, at + timedelta(hours=1) + SETTLING_TIME)
    placed = store.all(select(GroupedReport))
    return [(label[row.report_id], row.case_id) for row in placed]


def _pairs(counts: Iterable[int]) -> float:
    return sum(n * (n - 1) / 2 for n in counts)


def _figures(found: list[tuple[str, UUID | None]]) -> dict[str, float]:
    """Return pairwise precision and recall, and figures on how campaigns are split and mixed."""
    cells = Counter((name, case) for name, case in found if case is not None)
    cases = Counter(case for _, case in found if case is not None)
    own = {cell: n for cell, n in cells.items() if cell[0].isdigit()}
    mixed = {case for _, case in own}
    largest = [
        max((n for (name, _), n in own.items() if name == str(number)), default=0) / REPORTS
        for number in range(CAMPAIGNS)
    ]
    strays = sum(n for cell, n in cells.items() if cell not in own and cell[1] in mixed)
    return {
        "of pairs in one case, belong together": _pairs(cells.values())
        / max(_pairs(cases.values()), 1),
        "of pairs of one campaign, are in one case": _pairs(own.values())
        / _pairs([REPORTS] * CAMPAIGNS),
        "of a campaign, in its largest case": mean(largest),
        "of unrelated reports, in a campaign's case": strays / UNRELATED,
        "cases that hold a campaign's reports": float(len(mixed)),
    }


def main() -> None:
    """Measure the chosen number of fortnights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fortnights", type=int, default=20)
    chosen = parser.parse_args()
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        template = databases.sqlite_template(Path(folder))
        for seed in range(chosen.fortnights):
            place = Path(folder) / str(seed)
            place.mkdir()
            store = databases.opened(databases.sqlite_copy(template, place))
            rows.append(_figures(_cases(store, Random(seed))))
            store.engine.dispose()
    for key in rows[0]:
        print(f"{key}: {mean(row[key] for row in rows):.3f}")


if __name__ == "__main__":
    main()
