"""The ranking of the likely sources of a leak, for investigators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.console.investigator import case_labels
from channels.console.staff_request import StaffRequest, bp, staff_page
from incidents.cases import case_view
from incidents.leak_tracing import service
from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE
from incidents.leak_tracing.ranking import (
    LEADING_THRESHOLD,
    MAX_FURTHER_REPORTS,
    MENTION_THRESHOLD,
    MIN_CUSTOMERS_SEEN,
    RankedSource,
    Ranking,
)
from people.models import Role

#: Maximum number of staff shown; the height of a row and its maximum width, in chart units.
MAX_STAFF_SHOWN = 8
ROW_HEIGHT, MAX_BAR_WIDTH = 34, 320


@dataclass(frozen=True)
class RankingRow:
    """One source as it is displayed."""

    row: RankedSource
    name: str
    since: str
    until: str

    @property
    def is_person(self) -> bool:
        return self.row.source not in (OUTSIDE, EVERYTHING)

    @property
    def percent(self) -> str:
        return case_labels.format_percent(self.row.posterior)


@dataclass(frozen=True)
class RankingChart:
    """Bars of how many of the customers each person had seen, marked with the number expected by
    chance."""

    lines: list[RankingRow]
    most: float

    @property
    def height(self) -> int:
        return ROW_HEIGHT * len(self.lines)

    def width_for_count(self, count: float) -> float:
        """Return the width of a bar for ``count`` customers."""
        return round(MAX_BAR_WIDTH * count / max(self.most, 1.0), 1)


@bp.get("/cases/<reference>/trace")
@staff_page(Role.INVESTIGATOR)
def show_leak_ranking(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Show the ranking for the reports of a case. An investigator who appears in it is not shown
    it: the case passes to another investigator (rule I5)."""
    ranking = service.trace_case_signals(desk.session, reference, desk.principal.id, desk.moment)
    if ranking is None:
        return render_template("console/trace_reassigned.html")
    return render_template(
        "console/trace.html", reference=reference, **build_ranking_context(desk, ranking)
    )


def build_ranking_context(desk: StaffRequest, ranking: Ranking) -> dict[str, object]:
    """Return the context of ``console/_ranking.html``."""
    people = [row for row in ranking.people if row.seen][:MAX_STAFF_SHOWN]
    rows = [row for row in ranking.rows if row in people or row.source in (OUTSIDE, EVERYTHING)]
    pairs = [source for pair in ranking.together for source in pair[:2]]
    ids = [UUID(source) for source in {*(row.source for row in people), *pairs}]
    names = {
        str(staff_id): name
        for staff_id, name in case_view.list_staff_names(desk.session, ids).items()
    }
    lines = [_build_ranking_row(desk, row, names) for row in rows]
    seen = [line for line in lines if line.is_person]
    most = max((max(line.row.seen, line.row.expected) for line in seen), default=0.0)
    return {
        "ranking": ranking,
        "lines": lines,
        "picture": RankingChart(seen, most),
        "names": names,
        "leads_at": round(100 * LEADING_THRESHOLD),
        "enough": MIN_CUSTOMERS_SEEN,
        "further": MAX_FURTHER_REPORTS,
        "worth_a_word": MENTION_THRESHOLD,
    }


def _build_ranking_row(
    desk: StaffRequest, row: RankedSource, names: Mapping[str, str]
) -> RankingRow:
    ours = {
        OUTSIDE: gettext("Nobody with access"),
        EVERYTHING: gettext("A copy of the table, or of a part of it"),
    }
    name = ours.get(row.source) or names[row.source]
    return RankingRow(
        row, name, _format_day_number(desk, row.since), _format_day_number(desk, row.until)
    )


def _format_day_number(desk: StaffRequest, day: float | None) -> str:
    """Format a day (days since 1970) with its year, since an access may be long ago."""
    if day is None:
        return ""
    on = datetime.fromtimestamp(day * 86400, desk.zone).date()
    return desk.clock.format_full_date(on)
