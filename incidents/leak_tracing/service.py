"""A trace over our own store: from reports and other signs to a ranking of our own staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.canaries import detections
from incidents.canaries.detections import CanaryContact
from incidents.cases.creation import add_case_event, add_case_subjects
from incidents.cases.models import Case, CaseEvidence, CaseKind
from incidents.cases.visibility import evidence_visible_to, get_visible_case
from incidents.leak_tracing import access_data
from incidents.leak_tracing.model_types import (
    AccessRecords,
    Call,
    FirstAccess,
    StepTimeline,
    epoch_days,
)
from incidents.leak_tracing.ranking import Ranking, rank_sources
from incidents.leak_tracing.tracer import Tracer
from incidents.reports import report_fields, signals
from incidents.reports.models import Report
from incidents.reports.signals import WeightedSignal
from storage import statement_timeout
from vault.audit import audit_log
from vault.audit.acts import AuditAct

#: How far back signs are taken where no case says which.
LOOKBACK = timedelta(days=180)
#: Who gives no time tells of a call that was a while ago: a day, since what was looked up after it
#: must not count as seen before.
UNDATED_CALL_AGE = timedelta(days=1)
#: A canary is rung by nobody at random. A booked call that was refused is seldom a leak: mostly
#: somebody forgot it, and its own agent has seen the customer by booking it.
CANARY_DOUBT, REFUSED_DOUBT = 0.1, 4.0
MIN_WEIGHT = 0.05


class RankingNamesReader(Exception):
    """The ranking says something about whoever asks for it (rule I5)."""


def trace_recent_signals(session: Session, investigator: UUID | None, now: datetime) -> Ranking:
    """The ranking of our staff by all signs of the last half year.

    Writes down that it was made. Raises :class:`RankingNamesReader` where it says more than a word
    about the investigator; an operator of the machine is none.
    """
    after = now - LOOKBACK
    # The stream does not say who is a canary, and so not which was rung.
    items = [
        signal
        for signal in signals.list_recent_signals(session, after)
        if signal.kind != signals.CANARY
    ]
    rung = [contact for contact in detections.list_canary_contacts(session) if contact.at > after]
    return _rank_and_record(session, [*items, *map(_signal_from_contact, rung)], investigator, now)


def _signal_from_contact(contact: CanaryContact) -> WeightedSignal:
    return WeightedSignal(
        position=0,
        kind=signals.CANARY,
        at=contact.at,
        called_at=None,
        channel=contact.what,
        customer_id=contact.customer_id,
        phone_index=None,
        proven=True,
        weight=1.0,
        times=1,
        report_id=None,
        callback_id=None,
    )


def _rank_and_record(
    session: Session,
    items: Sequence[WeightedSignal],
    investigator: UUID | None,
    now: datetime,
    purpose: str = "",
) -> Ranking:
    ranking = rank_sources(_build_tracer(session, items, now))
    actor = audit_log.staff_actor(investigator) if investigator else audit_log.OPERATOR
    detail = f"{len(items)} signs"
    audit_log.record_act(session, actor, AuditAct.LEAK_TRACE, now, purpose=purpose, detail=detail)
    if investigator is not None and str(investigator) in ranking.suspected:
        raise RankingNamesReader
    return ranking


def trace_case_signals(
    session: Session, reference: str, reader: UUID, now: datetime
) -> Ranking | None:
    """The ranking by the reports of a case and its canaries, of those that the reader may see.
    Returns ``None`` if the ranking says something about the reader: from then on the case names
    them and goes on with another investigator. Raises ``NotFound``."""
    case = get_visible_case(session, reference, reader, lock=True)
    refs = session.exec(
        select(CaseEvidence.ref).where(
            col(CaseEvidence.case_id) == case.id,
            col(CaseEvidence.kind) == "report",
            evidence_visible_to(reader),
        )
    )
    items = signals.list_signals_for_reports(session, [UUID(ref) for ref in refs])
    items += map(
        _signal_from_contact,
        detections.list_canary_contacts(session, case.id, evidence_visible_to(reader)),
    )
    try:
        return _rank_and_record(session, items, reader, now, case.reference)
    except RankingNamesReader:
        add_case_subjects(session, case, [reader], now)
        add_case_event(session, case, AuditAct.CASE_NAMED, "", audit_log.SYSTEM, now)
        return None


def should_export_ranking(session: Session, case: Case, reader: UUID) -> bool:
    """Whether the ranking is part of an export: the case is of calls and has reports that the
    reader may see."""
    refs = select(CaseEvidence.ref).where(
        col(CaseEvidence.case_id) == case.id,
        col(CaseEvidence.kind) == "report",
        evidence_visible_to(reader),
    )
    return case.kind == CaseKind.CALLS and session.exec(refs.limit(1)).first() is not None


def _build_tracer(session: Session, items: Sequence[WeightedSignal], now: datetime) -> Tracer:
    told = [one_item for one_item in items if one_item.kind != report_fields.OBJECTION]
    customers = {one_item.customer_id for one_item in told if one_item.customer_id}
    with statement_timeout.extended_timeout(
        session
    ):  # who asks for a trace waits for it on a busy machine too
        seen_by = access_data.load_first_accesses(session, customers)
        records = access_data.load_access_records(session)
    tracer = Tracer(_with_missing_timelines(records, seen_by), epoch_days(now))
    knew = _load_caller_knowledge(
        session, {one_item.report_id for one_item in told if one_item.report_id}
    )
    for one_item in sorted(told, key=lambda item: item.at):
        call = call_from_signal(
            one_item, knew.get(one_item.report_id) if one_item.report_id else None
        )
        tracer.add_report(
            call, seen_by.get(one_item.customer_id, {}) if one_item.customer_id else {}
        )
    return tracer


def _with_missing_timelines(
    records: AccessRecords, seen_by: dict[UUID, dict[str, FirstAccess]]
) -> AccessRecords:
    """Whoever looked at somebody has a timeline, if only an empty one."""
    looked = {source for sights in seen_by.values() for source in sights}
    blank = {source: StepTimeline() for source in looked - records.sources.keys()}
    sources = {**records.sources, **blank}
    return AccessRecords(records.population, sources, records.together, records.groups)


def call_from_signal(item: WeightedSignal, knew: frozenset[str] | None) -> Call:
    """A sign as a call; ``knew`` is what its caller knew, none where that was not told."""
    if item.called_at is not None:
        at = item.called_at
    else:  # what is no report was noticed as it happened
        at = item.at - UNDATED_CALL_AGE if item.report_id else item.at
    return Call(item.customer_id, epoch_days(at), knew, _doubt_of_signal(item))


def _doubt_of_signal(item: WeightedSignal) -> float:
    if item.kind == signals.CANARY:
        return CANARY_DOUBT
    doubt = 1 / max(item.weight, MIN_WEIGHT)
    return doubt * REFUSED_DOUBT if item.kind == signals.REFUSED else doubt


def _load_caller_knowledge(
    session: Session, reports: set[UUID]
) -> dict[UUID, frozenset[str] | None]:
    """What the callers knew, where anything was ticked: who ticks nothing may have skipped it."""
    rows = session.exec(select(Report).where(col(Report.id).in_(reports)))
    found = {
        row.id: frozenset(
            report_fields.split_choices(report_fields.unseal_report_field(session, row, "knew"))
        )
        for row in rows
    }
    return {key: fields or None for key, fields in found.items()}
