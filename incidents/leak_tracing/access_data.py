"""Loads what a trace knows of staff access: the tally, and who had accessed the reporting
customers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from incidents.leak_tracing import access_counts
from incidents.leak_tracing.access_counts import DailyCounts
from incidents.leak_tracing.model_types import (
    AccessRecords,
    FirstAccess,
    SourceGroup,
    StepTimeline,
    epoch_days,
)
from incidents.leak_tracing.models import AccessTallyCursor
from people.models import Membership
from vault.audit.acts import CUSTOMER_ACCESS_ACTS, AuditAct
from vault.models import AuditEntry

#: Fields that an access shows, by its action; for some purposes fewer. No access shows an address,
#: nor the number where calls are bridged. Every caller knows the number anyway.
FIELDS_BY_ACTION = {
    AuditAct.CUSTOMER_READ: frozenset({"name", "phone", "ticket", "product"}),
    AuditAct.CUSTOMER_LOOK_UP: frozenset({"name"}),
}
FIELDS_BY_PURPOSE = {"to ring them": frozenset({"phone"})}

#: Up to this many customers are counted exactly for each trace, which is fast. A count made once a
#: day would be wrong by orders of magnitude on the day of the first import.
EXACT_COUNT_LIMIT = 1_000_000


def load_access_records(session: Session) -> AccessRecords:
    """Load all access, from the tally and the entries after it."""
    mark = session.get(AccessTallyCursor, 1)
    days = access_counts.load_daily_first_accesses(session)
    return AccessRecords(
        population=_population(session, mark),
        sources={str(who): StepTimeline(days.span, fresh) for who, fresh in days.fresh.items()},
        together=_sum_access_timelines(days, days.fresh),
        groups=_load_team_groups(session, days),
    )


def _population(session: Session, mark: AccessTallyCursor | None) -> int:
    """Return the number of customers, at least 1."""
    lately = mark.customers if mark else 0
    return (
        lately
        if lately > EXACT_COUNT_LIMIT
        else max(access_counts.count_unerased_customers(session), 1)
    )


def _sum_access_timelines(days: DailyCounts, staff: Iterable[UUID]) -> StepTimeline:
    return StepTimeline(days.span, map(sum, zip(*(days.fresh[who] for who in staff), strict=True)))


def _load_team_groups(session: Session, days: DailyCounts) -> dict[str, SourceGroup]:
    teams: dict[str, set[UUID]] = {}
    for staff_id, team_id in session.exec(select(Membership.staff_id, Membership.team_id)):
        if staff_id in days.fresh:
            teams.setdefault(str(team_id), set()).add(staff_id)
    return {
        name: SourceGroup(frozenset(map(str, members)), _sum_access_timelines(days, members))
        for name, members in teams.items()
        if len(members) > 1
    }


def load_first_accesses(
    session: Session, customers: Collection[UUID]
) -> dict[UUID, dict[str, FirstAccess]]:
    """Return, for each of these customers, every staff member's first access and the fields that
    their accesses showed."""
    entry = AuditEntry.__table__  # type: ignore[attr-defined]
    columns = (entry.c.customer_id, entry.c.staff_id, entry.c.action, entry.c.purpose)
    statement = (
        select_columns(*columns, func.min(entry.c.at))
        .where(
            entry.c.customer_id.in_(customers),
            entry.c.action.in_(CUSTOMER_ACCESS_ACTS),
            col(AuditEntry.staff_id).is_not(None),
        )
        .group_by(*columns)
    )
    accesses: dict[UUID, dict[str, FirstAccess]] = {}
    for customer, staff_id, action, purpose, at in session.connection().execute(statement):
        by_source = accesses.setdefault(customer, {})
        shown = FIELDS_BY_PURPOSE.get(purpose, FIELDS_BY_ACTION[action])
        known = by_source.get(str(staff_id))
        day = epoch_days(at)
        if known is not None and known.shown is not None:
            day, shown = min(day, known.day), shown | known.shown
        by_source[str(staff_id)] = FirstAccess(day, shown)
    return accesses
