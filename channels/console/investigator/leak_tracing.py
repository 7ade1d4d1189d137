"""The ranking of who may have leaked the customers of a case, for investigators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.console.investigator import case_labels
from channels.console.staff_request import Desk, pages, staff_page
from incidents.cases import case_view
from incidents.leak_tracing import service
from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE
from incidents.leak_tracing.ranking import ENOUGH, FURTHER, LEADS, WORTH_A_WORD, Ranked, Ranking
from people.models import Role

#: Of the staff, so many are shown; in the picture's units a row is so high and so wide.
SHOWN = 8
ROW, WIDE = 34, 320


@dataclass(frozen=True)
class Line:
    """One source as it is shown."""

    row: Ranked
    name: str
    since: str
    until: str

    @property
    def is_person(self) -> bool:
        return self.row.source not in (OUTSIDE, EVERYTHING)

    @property
    def percent(self) -> str:
        return case_labels.percent(self.row.posterior)


@dataclass(frozen=True)
class Picture:
    """Bars of how many of the customers each had seen, with a mark at how many by chance."""

    lines: list[Line]
    most: float

    @property
    def height(self) -> int:
        return ROW * len(self.lines)

    def width(self, count: float) -> float:
        """How long a bar of so many customers is."""
        return round(WIDE * count / max(self.most, 1.0), 1)


@pages.get("/cases/<reference>/trace")
@staff_page(Role.INVESTIGATOR)
def trace(desk: Desk, reference: str) -> ResponseReturnValue:
    """The ranking by the reports of a case. Whoever it says something about is not shown it: the
    case goes on with another investigator (rule I5)."""
    ranking = service.of_case(desk.session, reference, desk.principal.id, desk.moment)
    if ranking is None:
        return render_template("console/trace_handed_on.html")
    return render_template("console/trace.html", reference=reference, **shown(desk, ranking))


def shown(desk: Desk, ranking: Ranking) -> dict[str, object]:
    """What ``console/_ranking.html`` needs."""
    people = [row for row in ranking.people if row.seen][:SHOWN]
    rows = [row for row in ranking.rows if row in people or row.source in (OUTSIDE, EVERYTHING)]
    pairs = [each for pair in ranking.together for each in pair[:2]]
    ids = [UUID(source) for source in {*(row.source for row in people), *pairs}]
    names = {str(each): name for each, name in case_view.names(desk.session, ids).items()}
    lines = [_line(desk, row, names) for row in rows]
    seen = [line for line in lines if line.is_person]
    most = max((max(line.row.seen, line.row.expected) for line in seen), default=0.0)
    return {
        "ranking": ranking,
        "lines": lines,
        "picture": Picture(seen, most),
        "names": names,
        "leads_at": round(100 * LEADS),
        "enough": ENOUGH,
        "further": FURTHER,
        "worth_a_word": WORTH_A_WORD,
    }


def _line(desk: Desk, row: Ranked, names: Mapping[str, str]) -> Line:
    ours = {
        OUTSIDE: gettext("Nobody with access"),
        EVERYTHING: gettext("A copy of the table, or of a part of it"),
    }
    name = ours.get(row.source) or names[row.source]
    return Line(row, name, _date(desk, row.since), _date(desk, row.until))


def _date(desk: Desk, day: float | None) -> str:
    """With its year: a look may be long ago."""
    if day is None:
        return ""
    on = datetime.fromtimestamp(day * 86400, desk.zone).date()
    return desk.clock.dated(on)
