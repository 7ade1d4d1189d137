"""I1: nobody opens a record without its customer seeing it, nor hides one look among many, nor
undoes an objection; and a customer sees of nobody else's record anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, col, select

from channels.web.portal import purpose_labels
from incidents.access_history import access_groups, objections
from incidents.access_history.models import Objection
from incidents.cases import report_list
from incidents.cases.creation import open_or_extend_case
from incidents.cases.models import Case, CaseEvidence, CaseKind, CaseState, CaseSubject
from incidents.reports import report_fields, submission
from incidents.reports.models import Report
from people.customers.lookup_purposes import LookupPurpose
from people.errors import NotFound
from people.models import Customer, Staff
from scheduling import callbacks, models
from tests import databases, factories
from tests.processes import at_once
from vault.audit import audit_log
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LATER = NOW + HOUR
ZONE = ZoneInfo("Europe/London")
ROOT = Path(__file__).resolve().parents[3]
ROOMS = (
    "channels",
    "incidents",
    "procedures",
    "verification",
    "scheduling",
    "people",
    "messaging",
    "vault",
)


def shown(session: Session, customer: Customer, now: datetime = LATER) -> access_groups.AccessPage:
    return access_groups.load_access_page(session, customer.id, ZONE, now)


@pytest.fixture
def people(store) -> tuple[Customer, Staff, Staff]:
    """Gwen, who has a call with Ana; and Ben, who has none with her."""
    with store.unit() as session:
        ana = factories.an_agent(session, NOW)
        ben = factories.an_agent(session, NOW, name="Ben Okafor")
        gwen = factories.a_customer(session, NOW, factories.PHONE)
        callback = factories.a_callback(session, NOW, agent=ana, customer=gwen, ahead=2 * HOUR)
        for number in range(40):
            callbacks.read_callback(session, callback, NOW + number * MINUTE, "card")
        return gwen, ana, ben


def test_one_odd_look_stands_before_forty_of_a_call(store, people):
    gwen, _, ben = people
    with store.unit() as session:
        factories.looked_up(session, ben, factories.PHONE, NOW + 20 * MINUTE)
    with store.unit() as session:
        page = shown(session, gwen)
    assert [(item.name, item.count, item.odd) for item in page.odd] == [("Ben", 1, True)]
    card = next(other for other in page.others if ("customer.read", "card") in other.reasons)
    assert (card.name, card.count, card.call_at) == ("Ana", 40, NOW + 2 * HOUR)


def test_an_odd_look_through_ones_own_old_call_is_not_hidden_in_its_group(store, people):
    gwen, _, _ = people
    with store.unit() as session:
        callback = session.exec(select(models.Callback)).one()
        callback.state = "missed"
        session.add(callback)
    with store.unit() as session:
        odd = shown(session, gwen, LATER + HOUR).odd
    assert [(item.name, item.count) for item in odd] == [("Ana", 40)]


def test_looks_of_one_visit_for_a_call_are_told_as_one_and_each_look_for_nothing_as_one(
    store, people
):
    """An access for a call must not hide an access without a justification."""
    gwen, _, ben = people
    with store.unit() as session:
        for minute in range(3):
            factories.looked_up(session, ben, factories.PHONE, NOW + minute * MINUTE)
        page = shown(session, gwen)
    assert [(item.name, item.count, item.visits) for item in page.odd] == [("Ben", 3, 3)]
    card = next(other for other in page.others if ("customer.read", "card") in other.reasons)
    assert (card.count, card.visits, card.in_call) == (40, 2, False)


def test_what_is_looked_at_around_a_call_that_was_made_is_told_as_during_it(store, people):
    gwen, _, _ = people
    with store.unit() as session:
        call = session.exec(select(models.Callback)).one()
        call.started_at, call.ended_at = NOW + 20 * MINUTE, NOW + 25 * MINUTE
        session.add(call)
    with store.unit() as session:
        assert {other.in_call for other in shown(session, gwen).others} == {True}
        call = session.exec(select(models.Callback)).one()
        call.started_at = call.ended_at = NOW + HOUR
        session.add(call)
    with store.unit() as session:
        assert {other.in_call for other in shown(session, gwen).others} == {False}


def test_a_look_up_is_not_called_odd_while_a_booking_may_still_follow(store, people):
    gwen, _, ben = people
    with store.unit() as session:
        factories.looked_up(session, ben, factories.PHONE, NOW)
        assert shown(session, gwen, NOW + 29 * MINUTE).odd == []
        assert len(shown(session, gwen, NOW + 30 * MINUTE).odd) == 1


def test_nothing_of_another_customer_is_shown_and_nothing_of_it_can_be_objected_to(store, people):
    gwen, _, ben = people
    with store.unit() as session:
        heinz = factories.a_customer(session, NOW, factories.OTHER_PHONE)
        factories.looked_up(session, ben, factories.OTHER_PHONE, NOW)
        theirs = shown(session, heinz).odd[0].entry
        assert shown(session, gwen).odd == []
        for entry in (theirs, 10**9):
            with pytest.raises(NotFound):
                objections.file_objection(session, gwen, entry, LATER)
    assert store.all(select(Objection)) == []


def test_every_reading_by_staff_is_shown_to_its_customer_and_each_is_counted(store, people):
    gwen, _, ben = people
    with store.unit() as session:
        factories.looked_up(session, ben, factories.PHONE, NOW)
        page = shown(session, gwen)
        entries = session.exec(
            select(AuditEntry).where(
                col(AuditEntry.customer_id) == gwen.id,
                col(AuditEntry.actor) == "staff",
                col(AuditEntry.action).not_like("callback.%"),
            )
        ).all()
    assert sum(item.count for item in [*page.odd, *page.others]) == len(entries)


def test_paging_leaves_none_out_and_shows_none_twice(store, people, monkeypatch):
    gwen, _, ben = people
    monkeypatch.setattr(access_groups.visible_entries, "PAGE_SIZE", 7)
    with store.unit() as session:
        for day in range(1, 12):
            for number in range(day % 4 + 1):
                factories.looked_up(
                    session, ben, factories.PHONE, NOW + timedelta(days=day, minutes=number)
                )
        wanted = session.exec(
            select(AuditEntry.id).where(
                col(AuditEntry.customer_id) == gwen.id,
                col(AuditEntry.actor) == "staff",
                col(AuditEntry.action).not_like("callback.%"),
            )
        ).all()
        counted, before = 0, None
        for _ in range(40):
            page = access_groups.load_access_page(
                session, gwen.id, ZONE, NOW + timedelta(days=20), before
            )
            counted += sum(item.count for item in [*page.odd, *page.others])
            before = page.following
            if before is None:
                break
    assert counted == len(wanted)


def objected(session: Session, gwen: Customer, ben: Staff) -> str:
    factories.looked_up(session, ben, factories.PHONE, NOW)
    odd = shown(session, gwen).odd[0]
    objections.file_objection(session, gwen, odd.entry, LATER)
    received = shown(session, gwen).odd[0].received
    assert received is not None
    return received.reference


def test_an_objection_is_a_proven_report_and_a_case_that_names_who_did_it(store, people):
    gwen, ana, ben = people
    with store.unit() as session:
        reference = objected(session, gwen, ben)
    report = store.all(select(Report))[0]
    assert (report.reference, report.kind, report.proven) == (reference, "objection", True)
    case = store.all(select(Case))[0]
    assert case.kind == CaseKind.OBJECTION
    assert store.all(select(CaseSubject.staff_id)) == [ben.id]
    kinds = [row.kind for row in store.all(select(CaseEvidence))]
    assert sorted(kinds) == ["audit", "report"]
    assert ana.id != ben.id


def test_the_same_reading_cannot_be_objected_to_twice(store, people):
    gwen, _, ben = people
    with store.unit() as session:
        objected(session, gwen, ben)
        entry = shown(session, gwen).odd[0].entry
        objections.file_objection(session, gwen, entry, LATER)
    assert len(store.all(select(Report))) == 1
    with store.unit() as session:  # a new look is a new reading
        factories.looked_up(session, ben, factories.PHONE, NOW + MINUTE)
        page = shown(session, gwen, LATER + HOUR)
        assert [item.received is None for item in page.odd] == [True, False]


@pytest.mark.both
def test_many_presses_at_once_are_one_objection(database, people):
    store = databases.opened(database)
    gwen, _, ben = people
    with store.unit() as session:
        factories.looked_up(session, ben, factories.PHONE, NOW)
        entry = shown(session, gwen).odd[0].entry
    store.engine.dispose()

    def press() -> None:
        mine = databases.opened(database)
        with mine.unit() as session:
            objections.file_objection(session, session.get_one(Customer, gwen.id), entry, LATER)
        mine.engine.dispose()

    at_once([press] * 6, lambda: None)
    assert len(store.all(select(Objection))) == len(store.all(select(Report))) == 1


def test_the_customer_learns_when_it_has_been_looked_into(store, people):
    gwen, _, ben = people
    with store.unit() as session:
        objected(session, gwen, ben)
        assert not shown(session, gwen).odd[0].received.closed
        case = session.exec(select(Case)).one()
        case.state, case.fold = CaseState.CLOSED, None
        session.add(case)
        session.flush()
        assert shown(session, gwen).odd[0].received.closed


def test_an_investigator_is_shown_by_role_alone_and_only_once_the_case_is_closed(store, people):
    gwen, _, ben = people
    with store.unit() as session:
        ines = factories.an_agent(session, NOW, name="Ines Moreau", role="investigator")
        case = open_or_extend_case(session, CaseKind.ACCESS, "x", [], NOW, subjects=[ben.id])
        audit_log.record_act(
            session,
            audit_log.staff_actor(ines.id),
            "customer.read",
            NOW,
            customer_id=gwen.id,
            purpose=case.reference,
        )
        hidden = session.exec(
            select(AuditEntry.id)
            .where(col(AuditEntry.purpose) == case.reference)
            .order_by(col(AuditEntry.id).desc())
        ).first()
        assert all(other.role != "investigator" for other in shown(session, gwen).others)
        with pytest.raises(NotFound):
            objections.file_objection(session, gwen, hidden, LATER)
        case.state, case.fold, case.closed_at = CaseState.CLOSED, None, LATER
        session.add(case)
        session.flush()
        page = shown(session, gwen)
        found = [other for other in page.others if other.role == "investigator"]
        assert [item.name for item in found] == [""]
        assert page.odd == []


def test_reading_ones_report_is_shown_as_an_investigator_without_a_name(store, people):
    gwen, _, _ = people
    with store.unit() as session:
        ines = factories.an_agent(session, NOW, name="Ines Moreau", role="investigator")
        submission.submit_for_reference(
            session, report_fields.ReportSubmission(factories.PHONE, "web"), NOW
        )
        report_list.list_latest_reports(session, audit_log.staff_actor(ines.id), NOW)
        page = shown(session, gwen)
    assert [e.name for e in page.others if ("report.read", "triage") in e.reasons] == [""]
    assert page.odd == []


def test_that_the_customer_reads_it_is_written_down(store, people):
    gwen, _, _ = people
    with store.unit() as session:
        shown(session, gwen)
    entry = store.all(select(AuditEntry).where(AuditEntry.action == "openings.read"))[0]
    assert (entry.actor, entry.customer_id) == ("customer", gwen.id)


def recorded() -> Iterator[tuple[str, str]]:
    """Every fixed purpose that the code hands to the audit log or to a function that does."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(path.read_text())
            constants = {
                target.id: node.value.value
                for node in tree.body
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Call):
                    yield from ((p, str(path)) for p in _given(node, constants))


def _given(call: ast.Call, constants: dict[str, object]) -> Iterator[str]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    values = [keyword.value for keyword in call.keywords if keyword.arg == "purpose"]
    place = {"read_callback": 3, "read_safe_phrase": 3, "erase_customers": 4}.get(name)
    if place is not None and len(call.args) > place:
        values.append(call.args[place])
    for value in values:
        found = constants.get(value.id) if isinstance(value, ast.Name) else None
        found = value.value if isinstance(value, ast.Constant) else found
        if isinstance(found, str) and found:
            yield found


def test_every_purpose_that_the_code_records_has_a_sentence(app):
    found = dict(recorded())
    assert {"card", "own day", "triage", "import", "retention"} <= found.keys()
    with app.test_request_context():
        unsaid = {
            each: where
            for each, where in found.items()
            if each not in purpose_labels.list_known_purposes()
        }
        assert set(LookupPurpose) <= purpose_labels.list_known_purposes()
    assert unsaid == {}
