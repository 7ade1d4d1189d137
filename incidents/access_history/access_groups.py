"""Accesses to a customer's record, grouped by day, person and call, so that forty accesses during
one call do not hide the one without a justification."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.access_history import objections, visible_entries
from incidents.access_history.objections import ObjectionStatus
from people.models import Role, Staff
from people.staff import staff_records
from people.text_input import first_name
from scheduling.models import Callback
from vault.audit.acts import AuditAct
from vault.models import AuditEntry

OPERATOR = "operator"
VISIT_LENGTH = timedelta(minutes=30)
_CALLBACK_ACT_PREFIX = "callback."
_INVESTIGATOR_ACTS = frozenset({AuditAct.REPORT_READ})


@dataclass(frozen=True)
class AccessGroup:
    """What one person did with a record on one day (in the customer's zone) for one call.

    ``entry`` is the id of the latest audit entry. ``name`` is a first name, empty for an
    investigator or an operator. ``in_call`` says that all of it was around a call that was made.
    ``reasons`` are distinct pairs of action and purpose. ``count`` leaves out acts that did not
    open the record, and ``visits`` counts accesses within half an hour for a call as one. ``odd``
    says that nothing justifies the access; ``received`` is the status of an objection.
    """

    entry: int
    on: date
    name: str
    role: str
    call_at: datetime | None
    in_call: bool
    reasons: tuple[tuple[str, str], ...]
    count: int
    visits: int
    first_at: datetime
    last_at: datetime
    odd: bool
    received: ObjectionStatus | None


@dataclass(frozen=True)
class _CallTimes:
    """When a call was booked for, started and ended."""

    starts_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    def covers_interval(self, first: datetime, last: datetime) -> bool:
        """Return whether an interval lies within the call, or shortly before or after it."""
        if self.started_at is None:
            return False
        ended = self.ended_at or last
        return self.started_at - VISIT_LENGTH <= first and last <= ended + VISIT_LENGTH


@dataclass(frozen=True)
class AccessPage:
    """A page of access groups, newest first: ``odd`` ones and others. ``software`` is how often our
    own software opened the record in that time; ``following`` is the audit entry id below which the
    next page begins, or ``None``."""

    odd: list[AccessGroup]
    others: list[AccessGroup]
    software: int
    following: int | None


def load_access_page(
    session: Session, customer_id: UUID, zone: tzinfo, now: datetime, before: int | None = None
) -> AccessPage:
    """Return a page for a customer whose clock is ``zone``, below an audit entry id if one is
    given.

    The view is recorded in the audit log.
    """
    rows, following = visible_entries.load_entry_page(session, customer_id, zone, before)
    groups = _group_accesses(session, rows, zone, now)
    software = visible_entries.count_software_accesses(session, customer_id, before, following)
    visible_entries.record_history_view(session, customer_id, now)
    odd = [group for group in groups if group.odd]
    return AccessPage(odd, [group for group in groups if not group.odd], software, following)


GroupKey = tuple[date, UUID | None, UUID | None, bool, UUID | None]


def _group_accesses(
    session: Session, rows: Sequence[AuditEntry], zone: tzinfo, now: datetime
) -> list[AccessGroup]:
    bare = visible_entries.find_unjustified_entries(session, rows, now)
    objected = objections.find_objections(session, [row.id or 0 for row in rows])
    groups: dict[GroupKey, list[AuditEntry]] = {}
    for row in rows:
        received = objected.get(row.id or 0)
        key = (
            row.at.astimezone(zone).date(),
            row.staff_id,
            row.callback_id,
            row.id in bare,
            received.objection_id if received else None,
        )
        groups.setdefault(key, []).append(row)
    named = _names_by_entry(session, rows)
    calls = _call_times_by_id(session, (row.callback_id for row in rows))
    return [
        _access_group(key, group, named, calls, objected.get(group[0].id or 0))
        for key, group in groups.items()
    ]


def _access_group(
    key: GroupKey,
    group: Sequence[AuditEntry],
    named: dict[int, tuple[str, str]],
    calls: dict[UUID, _CallTimes],
    received: ObjectionStatus | None,
) -> AccessGroup:
    newest, oldest = group[0], group[-1]
    name, role = named[newest.id or 0]
    call = calls.get(newest.callback_id) if newest.callback_id else None
    looks = [row.at for row in reversed(group) if not row.action.startswith(_CALLBACK_ACT_PREFIX)]
    return AccessGroup(
        entry=newest.id or 0,
        on=key[0],
        name=name,
        role=role,
        call_at=call.starts_at if call else None,
        in_call=call is not None and call.covers_interval(oldest.at, newest.at),
        reasons=tuple(dict.fromkeys((row.action, row.purpose) for row in reversed(group))),
        count=len(looks),
        visits=_count_visits(looks) if call and not key[3] else len(looks),
        first_at=oldest.at,
        last_at=newest.at,
        odd=key[3],
        received=received,
    )


def _count_visits(looks: Sequence[datetime]) -> int:
    """Count the visits among accesses in chronological order: a page that stays open reloads
    repeatedly."""
    count, begun = 0, None
    for at in looks:
        if begun is None or at - begun > VISIT_LENGTH:
            count, begun = count + 1, at
    return count


def _names_by_entry(session: Session, rows: Sequence[AuditEntry]) -> dict[int, tuple[str, str]]:
    """Return first name and role by audit entry."""
    wanted = {row.staff_id for row in rows if row.staff_id}
    members = {
        staff_row.id: staff_row
        for staff_row in session.exec(select(Staff).where(col(Staff.id).in_(wanted)))
    }
    names = {
        staff_member.id: first_name(
            staff_records.open_staff_name(session, staff_member.id, staff_member.name)
        )
        for staff_member in members.values()
    }
    for_cases = visible_entries.find_case_entries(session, rows)
    names_and_roles: dict[int, tuple[str, str]] = {}
    for row in rows:
        member = members.get(row.staff_id) if row.staff_id else None
        if member is None:
            names_and_roles[row.id or 0] = "", OPERATOR
        elif (
            row.id in for_cases
            or row.action in _INVESTIGATOR_ACTS
            or member.role == Role.INVESTIGATOR
        ):
            names_and_roles[row.id or 0] = "", Role.INVESTIGATOR
        else:
            names_and_roles[row.id or 0] = names[member.id], member.role
    return names_and_roles


def _call_times_by_id(session: Session, ids: Iterable[UUID | None]) -> dict[UUID, _CallTimes]:
    wanted = {id_ for id_ in ids if id_}
    rows = session.exec(
        select(Callback.id, Callback.starts_at, Callback.started_at, col(Callback.ended_at)).where(
            col(Callback.id).in_(wanted)
        )
    )
    return {
        callback_id: _CallTimes(starts, started, ended)
        for callback_id, starts, started, ended in rows
    }
