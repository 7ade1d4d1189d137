"""What a trace knows of the staff's access: the tally, and who had looked at those who report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import func, literal_column
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from incidents.access_reasons import READINGS
from incidents.tracing import tally
from incidents.tracing.models import AccessMark, AccessTally
from incidents.tracing.values import Group, Records, Sight, Steps, as_day, merged
from people.models import Membership
from vault.models import AuditEntry

#: Which fields an access shows, by its action, and for some purposes fewer. An address, or a number
#: where calls are bridged, is shown by none; the number is known to whoever rings it anyway.
SHOWN = {
    "customer.read": frozenset({"name", "phone", "ticket", "product"}),
    "customer.look_up": frozenset({"name"}),
}
SHOWN_FOR = {"to ring them": frozenset({"phone"})}

#: The tally is read by so many days that there are fewer rows than this, if any are that many.
ROWS, UNITS = 150_000, (1, 7, 28)
#: So few customers are counted for each trace, in a moment; what the tally counted once a day would
#: be wrong by orders on the day of a store's first import.
FEW = 1_000_000


def records(session: Session) -> Records:
    """All access, by the tally and the entries after it."""
    mark = session.get(AccessMark, 1)
    unit, fresh = _tallied(session)
    for (staff_id, day), count in tally.fresh(session, mark.entry_id if mark else 0).items():
        fresh.setdefault(str(staff_id), Counter())[day // unit] += count
    return Records(
        population=_population(session, mark),
        sources={source: Steps(counts, 1 / unit) for source, counts in fresh.items()},
        together=merged(fresh.values(), 1 / unit),
        groups=_teams(session, fresh, 1 / unit),
    )


def _population(session: Session, mark: AccessMark | None) -> int:
    """How many customers there are, 1 at least."""
    lately = mark.customers if mark else 0
    return lately if lately > FEW else max(tally.counted(session), 1)


def _tallied(session: Session) -> tuple[int, dict[str, Counter[int]]]:
    """The tally, and by how many days it is read."""
    table = AccessTally.__table__  # type: ignore[attr-defined]
    count = session.exec(select(func.count()).select_from(AccessTally)).one()
    unit = next((unit for unit in UNITS if count <= ROWS * unit), UNITS[-1])
    part = table.c.day.op("/")(literal_column(str(unit)))
    rows = session.connection().execute(
        select_columns(table.c.staff_id, part, func.sum(table.c.fresh)).group_by(
            table.c.staff_id, part
        )
    )
    found: dict[UUID, Counter[int]] = {}
    for staff_id, place, fresh in rows:
        found.setdefault(staff_id, Counter())[place] = fresh
    return unit, {str(staff_id): counts for staff_id, counts in found.items()}


def _teams(
    session: Session, fresh: Mapping[str, Mapping[int, int]], per_day: float
) -> dict[str, Group]:
    teams: dict[str, set[str]] = {}
    for staff_id, team_id in session.exec(select(Membership.staff_id, Membership.team_id)):
        if str(staff_id) in fresh:
            teams.setdefault(str(team_id), set()).add(str(staff_id))
    return {
        name: Group(frozenset(members), merged((fresh[each] for each in members), per_day))
        for name, members in teams.items()
        if len(members) > 1
    }


def sights(session: Session, customers: Collection[UUID]) -> dict[UUID, dict[str, Sight]]:
    """Who has looked at each of these customers, when first, and what their looks have shown."""
    entry = AuditEntry.__table__  # type: ignore[attr-defined]
    columns = (entry.c.customer_id, entry.c.staff_id, entry.c.action, entry.c.purpose)
    statement = (
        select_columns(*columns, func.min(entry.c.at))
        .where(
            entry.c.customer_id.in_(customers),
            entry.c.action.in_(READINGS),
            col(AuditEntry.staff_id).is_not(None),
        )
        .group_by(*columns)
    )
    found: dict[UUID, dict[str, Sight]] = {}
    for customer, staff_id, action, purpose, at in session.connection().execute(statement):
        by_source = found.setdefault(customer, {})
        shown = SHOWN_FOR.get(purpose, SHOWN[action])
        known = by_source.get(str(staff_id))
        day = as_day(at)
        if known is not None and known.shown is not None:
            day, shown = min(day, known.day), shown | known.shown
        by_source[str(staff_id)] = Sight(day, shown)
    return found
