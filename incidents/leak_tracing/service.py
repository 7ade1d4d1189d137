"""Traces over our own database: from reports and other signals to a ranking of our own staff."""

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

#: How far back signals are used outside a case.
LOOKBACK = timedelta(days=180)
#: Assumed age of a call that was reported without a time. It is a day, because what was looked up
#: after the call must not count as accessed before it.
UNDATED_CALL_AGE = timedelta(days=1)
#: Nobody calls a canary by chance. A refused callback is rarely a leak: usually the customer forgot
#: it, and its own agent accessed the customer to book it.
CANARY_DOUBT, REFUSED_DOUBT = 0.1, 4.0
MIN_WEIGHT = 0.05


class RankingNamesReader(Exception):
    """The ranking mentions the person who requested it (rule I5)."""


def trace_recent_signals(session: Session, investigator: UUID | None, now: datetime) -> Ranking:
    """Rank our staff by all signals of the last half year, and record that in the audit log.

    Raises :class:`RankingNamesReader` if the ranking mentions the investigator. An operator of the
    machine is no investigator.
    """
    after = now - LOOKBACK
    # The stream does not identify canaries, and so not which one was called.
    items = [
        signal
        for signal in signals.list_recent_signals(session, after)
        if signal.kind != signals.CANARY
    ]
    rung = [contact for contact in detections.list_canary_contacts(session) if contact.at > after]
    return _rank_and_record(session, [*items, *map(_signal_from_contact, rung)], investigator, now)


def _signal_from_contact(contact: CanaryContact) -> WeightedSignal:
    return WeightedSignal(
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
    """Rank staff by the reports and canary contacts of a case that the reader may see.

    Returns ``None`` if the ranking mentions the reader: from then on the case names them and
    another investigator has to continue. Raises ``NotFound``.
    """
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
    """Return whether an export includes the ranking: the case is about calls and has reports that
    the reader may see."""
    refs = select(CaseEvidence.ref).where(
        col(CaseEvidence.case_id) == case.id,
        col(CaseEvidence.kind) == "report",
        evidence_visible_to(reader),
    )
    return case.kind == CaseKind.CALLS and session.exec(refs.limit(1)).first() is not None


def _build_tracer(session: Session, items: Sequence[WeightedSignal], now: datetime) -> Tracer:
    signals_of_calls = [signal for signal in items if signal.kind != report_fields.OBJECTION]
    customers = {signal.customer_id for signal in signals_of_calls if signal.customer_id}
    with statement_timeout.extended_timeout(session):  # a trace may take long on a busy machine
        seen_by = access_data.load_first_accesses(session, customers)
        records = access_data.load_access_records(session)
    tracer = Tracer(_with_missing_timelines(records, seen_by), epoch_days(now))
    knew = _load_caller_knowledge(
        session, {signal.report_id for signal in signals_of_calls if signal.report_id}
    )
    for signal in sorted(signals_of_calls, key=lambda item: item.at):
        call = call_from_signal(signal, knew.get(signal.report_id) if signal.report_id else None)
        tracer.add_report(call, seen_by.get(signal.customer_id, {}) if signal.customer_id else {})
    return tracer


def _with_missing_timelines(
    records: AccessRecords, seen_by: dict[UUID, dict[str, FirstAccess]]
) -> AccessRecords:
    """Add an empty timeline for every source that accessed a customer and has none."""
    looked = {source for sights in seen_by.values() for source in sights}
    blank = {source: StepTimeline() for source in looked - records.sources.keys()}
    sources = {**records.sources, **blank}
    return AccessRecords(records.population, sources, records.together, records.groups)


def call_from_signal(item: WeightedSignal, knew: frozenset[str] | None) -> Call:
    """Convert a signal to a call. ``knew`` is what its caller knew, or ``None`` if that is
    unknown."""
    if item.called_at is not None:
        at = item.called_at
    else:  # a signal that is no report was noticed as it happened
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
    """Return what the callers knew, or ``None`` where nothing was ticked: the question may have
    been skipped."""
    rows = session.exec(select(Report).where(col(Report.id).in_(reports)))
    fields_by_report = {
        row.id: frozenset(
            report_fields.split_choices(report_fields.unseal_report_field(session, row, "knew"))
        )
        for row in rows
    }
    return {key: fields or None for key, fields in fields_by_report.items()}
