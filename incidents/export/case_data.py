"""What of a case goes into its file: facts, evidence, steps, and the audit entries they rest on,
each with its proof. Personal data only where it was chosen, field by field."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from incidents.audit_search import entry_search
from incidents.cases import case_view
from incidents.cases.case_view import Item
from incidents.cases.creation import step
from incidents.cases.models import Case
from incidents.cases.visibility import entries_for, held
from incidents.cases.workflow import because
from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE
from incidents.leak_tracing.ranking import Ranking
from incidents.reports import report_fields
from incidents.reports.models import Report
from people.customers import customer_records
from people.errors import InvalidInput
from people.models import Customer, Staff
from vault.audit import audit_log, checkpoints, proofs, sequencer
from vault.audit.acts import AuditAct
from vault.models import AuditEntry

#: What can be left out: names and numbers of customers, what reporters said, numbers that callers
#: showed, names of colleagues, what investigators wrote.
FIELDS = ("names", "numbers", "said", "shown", "staff", "notes")
MOST_EVIDENCE, MOST_ENTRIES, MOST_RANKED = 2000, 5000, 20


@dataclass(frozen=True)
class Collected:
    """What goes into the file, and the signed checkpoint that its proofs lead to."""

    case: Case
    data: dict[str, Any]
    proofs: list[dict[str, Any]]
    checkpoint: str


def collect(
    session: Session,
    reference: str,
    who: UUID,
    fields: Collection[str],
    reason: str,
    origin: str,
    now: datetime,
    ranking: Ranking | None = None,
) -> Collected:
    """All of it, with who may have leaked the customers where that was asked, once the reason is
    kept and each reading written down. Raises ``NotFound``,
    ``NotAllowed``, ``InvalidInput``."""
    case = held(session, reference, who)
    chosen = [each for each in FIELDS if each in fields]
    plain = because(reason, "exporting")
    step(
        session,
        case,
        AuditAct.CASE_EXPORTED,
        f"{plain}\n({', '.join(chosen)})",
        audit_log.staff(who),
        now,
    )
    items = _items(session, case, who, now)
    people = _people(session, case, who, items, chosen, now)
    numbers = _reported(session, items) if "numbers" in chosen else {}
    entries = _entries(session, case, who, items)
    found = _proven(session, entries, origin, now)
    involved = _involved(session, case, who, entries, ranking)
    data = {
        "case": _facts(case, now),
        "evidence": [_evidence(each, chosen, numbers) for each in items],
        "steps": _steps(session, case, who, chosen),
        "named": [str(each) for each in case_view.subjects(session, case)],
        "ranking": _ranking(ranking),
        "colleagues": _names(session, involved) if "staff" in chosen else {},
        "roles": _roles(session, involved),
        "customers": people,
        "fields": chosen,
    }
    newest = checkpoints.latest(session)
    return Collected(case, data, found, newest.note if newest else "")


def _items(session: Session, case: Case, who: UUID, now: datetime) -> list[Item]:
    items: list[Item] = []
    page = 1
    while True:
        found, count = case_view.evidence(session, case, who, now, page)
        if count > MOST_EVIDENCE:
            raise InvalidInput("exporting", f"This is more than {MOST_EVIDENCE} pieces: split it.")
        items += found
        if len(items) >= count or not found:
            return items
        page += 1


def _people(
    session: Session,
    case: Case,
    who: UUID,
    items: Sequence[Item],
    chosen: Sequence[str],
    now: datetime,
) -> dict[str, dict[str, str]]:
    ids = {each.customer_id for each in items if each.customer_id}
    if not ids or not {"names", "numbers"}.intersection(chosen):
        return {}
    about = [(each, None) for each in sorted(ids)]
    actor = audit_log.staff(who)
    audit_log.record_many(
        session, actor, AuditAct.CUSTOMER_READ, now, about=about, purpose=case.reference
    )
    rows = session.exec(select(Customer).where(col(Customer.id).in_(ids)))
    found = {}
    for row in rows:
        person = customer_records.opened(session, row)
        plain = {"names": ("name", person.name), "numbers": ("phone", person.phone)}
        found[str(row.id)] = dict(plain[each] for each in ("names", "numbers") if each in chosen)
    return found


def _reported(session: Session, items: Sequence[Item]) -> dict[str, str]:
    """The number that each report was about, by its reference: the customer may have another."""
    wanted = {each.told.reference for each in items if each.told}
    rows = session.exec(select(Report).where(col(Report.reference).in_(wanted)))
    return {row.reference: report_fields.opened(session, row, "phone") for row in rows}


def _ranking(ranking: Ranking | None) -> list[dict[str, Any]]:
    rows = ranking.rows if ranking else []
    kept = [row for row in rows if row.seen or row.source in (OUTSIDE, EVERYTHING)]
    return [
        {
            "source": row.source,
            "posterior": row.posterior,
            "seen": row.seen,
            "expected": round(row.expected, 3),
        }
        for row in kept[:MOST_RANKED]
    ]


def _entries(session: Session, case: Case, who: UUID, items: Sequence[Item]) -> list[AuditEntry]:
    """All that was done under the case's reference, and all entries that are evidence, but for what
    its exporter may not see."""
    cited = [each.entry.id for each in items if each.entry]
    rows = session.exec(
        select(AuditEntry)
        .where(
            or_(and_(*entry_search.under(session, case.reference)), col(AuditEntry.id).in_(cited))
        )
        .where(entries_for(session, who))
        .order_by(col(AuditEntry.id))
        .limit(MOST_ENTRIES + 1)
    ).all()
    if len(rows) > MOST_ENTRIES:
        raise InvalidInput("exporting", f"This is more than {MOST_ENTRIES} entries: split it.")
    return list(rows)


def _proven(
    session: Session, entries: Sequence[AuditEntry], origin: str, now: datetime
) -> list[dict[str, Any]]:
    """A proof of each entry, under a checkpoint that holds what was written down just now too."""
    session.flush()
    while sequencer.take_in(session, now) == sequencer.AT_A_TIME:
        pass
    checkpoints.make(session, origin, now)
    found = [proofs.of_entry(session, each.id or 0) for each in entries]
    if None in found:
        raise InvalidInput("exporting", "An entry is not in the log yet. Try again in a minute.")
    return [each for each in found if each is not None]


def _facts(case: Case, now: datetime) -> dict[str, Any]:
    at = {"opened_at": case.opened_at, "closed_at": case.closed_at, "exported_at": now}
    return {
        "reference": case.reference,
        "kind": case.kind,
        "state": case.state,
        "outcome": case.outcome,
        **{name: each.isoformat() if each else None for name, each in at.items()},
    }


def _evidence(item: Item, chosen: Sequence[str], numbers: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": item.kind,
        "at": item.at.isoformat(),
        "customer": str(item.customer_id) if item.customer_id else None,
        "facts": dict(item.facts),
    }
    if item.entry is not None:
        found["entry"] = item.entry.id
        found["done"] = {
            "action": item.entry.action,
            "purpose": item.entry.purpose,
            "actor": item.entry.actor,
            "by": str(item.entry.staff_id) if item.entry.staff_id else None,
        }
    if item.told is not None:
        told = item.told
        found["report"] = {
            "reference": told.reference,
            "kind": told.kind,
            "channel": told.channel,
            "proven": told.proven,
            "called_at": told.called_at.isoformat() if told.called_at else None,
            "knew": list(told.knew),
            "asked_for": list(told.asked_for),
            "gave": list(told.gave),
            **({"said": told.said, "claimed": told.claimed_to_be} if "said" in chosen else {}),
            **({"phone": numbers[told.reference]} if told.reference in numbers else {}),
            **({"shown_number": told.shown_number} if "shown" in chosen else {}),
        }
    return found


def _steps(session: Session, case: Case, who: UUID, chosen: Sequence[str]) -> list[dict[str, Any]]:
    steps = reversed(case_view.steps(session, case, who))
    return [
        {
            "at": each.at.isoformat(),
            "by": str(each.staff_id) if each.staff_id else None,
            "kind": each.kind,
            **({"approved_by": list(map(str, each.approved_by))} if each.approved_by else {}),
            **({"words": each.words} if "notes" in chosen else {}),
        }
        for each in steps
    ]


def _names(session: Session, ids: Sequence[UUID]) -> dict[str, str]:
    return {str(one): name for one, name in case_view.names(session, ids).items()}


def _roles(session: Session, ids: Collection[UUID]) -> dict[str, str]:
    """Today's roles, which tell of colleagues where their names are left out."""
    found = session.exec(select(Staff.id, Staff.role).where(col(Staff.id).in_(ids)))
    return {str(one): role for one, role in found}


def _involved(
    session: Session,
    case: Case,
    who: UUID,
    entries: Sequence[AuditEntry],
    ranking: Ranking | None,
) -> list[UUID]:
    ids = [*case_view.subjects(session, case), *(each.staff_id for each in entries)]
    for done in case_view.steps(session, case, who):
        ids += [done.staff_id, *done.approved_by]
    ids += [UUID(row.source) for row in (ranking.people if ranking else ()) if row.seen]
    return sorted({each for each in ids if each is not None})
