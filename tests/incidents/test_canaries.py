"""Canaries are met, and a case is there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlmodel import col, select

from config.languages.registry import canary_names_for, list_language_folders
from incidents.canaries import creation, detections, models
from incidents.canaries import store as register
from incidents.canaries.detections import DetectionKind
from incidents.canaries.job import CanaryDetectionJob
from incidents.cases.models import Case, CaseEvidence, CaseKind, CaseState, CaseSubject
from incidents.reports import signals
from messaging import inbox
from people.customer_import.validation import ImportRules
from people.errors import InvalidInput, NotFound
from people.models import Customer
from procedures.erasure import erase_customers
from scheduling import callbacks
from tests import factories
from vault.audit import audit_log
from verification import number_proof

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PHONE = "+447400200001"
RULES = ImportRules(("en", "de", "es"), "GB", (), "Europe/London")


def planned(session, *numbers: str, **more: str) -> None:
    creation.plan_canaries(session, numbers, RULES, NOW, reference="K-######", **more)


@pytest.fixture
def canary(store) -> Customer:
    """One that has come in, with a watch that has looked once."""
    with store.unit() as session:
        planned(session, PHONE)
        made = factories.a_customer(session, NOW, PHONE, "Ruth Evans")
        register.link_imported_canaries(session, register.load_canaries(session))
    return made


def watch(store, now: datetime = NOW) -> None:
    with store.unit() as session:
        CanaryDetectionJob()(session, now)


def met(store) -> list[str]:
    rows = store.all(select(CaseEvidence).where(CaseEvidence.kind == "canary"))
    return sorted(json.loads(row.facts)["what"] for row in rows)


def test_nobody_has_touched_it_and_there_is_no_case(store, canary):
    watch(store)
    assert store.all(select(Case)) == []


def test_opened_out_of_turn_names_who_did_it_once_however_often_it_is_looked_at(store, canary):
    with store.unit() as session:
        ana = factories.an_agent(session, NOW)
        factories.looked_up(session, ana, PHONE, NOW)
    for _ in range(3):
        watch(store)
    case = store.all(select(Case))[0]
    assert (case.kind, case.fold) == (CaseKind.CANARY, f"canary:opened:{ana.id}")
    assert store.all(select(CaseSubject.staff_id)) == [ana.id]
    assert met(store) == ["opened"]


def test_a_closed_case_is_not_raised_again_of_the_same(store, canary):
    with store.unit() as session:
        ana = factories.an_agent(session, NOW)
        factories.looked_up(session, ana, PHONE, NOW)
    watch(store)
    with store.unit() as session:
        case = session.exec(select(Case)).one()
        case.state, case.fold = CaseState.CLOSED, None
        session.add(case)
    watch(store)
    assert len(store.all(select(Case))) == 1


def test_through_a_planted_callback_it_is_in_turn_and_another_is_not(store, canary):
    with store.unit() as session:
        ana = factories.an_agent(session, NOW)
        one = factories.a_callback(session, NOW, agent=ana, customer=session.merge(canary))
        creation.plant_canary_callback(session, one.id, NOW)
        callbacks.read_callback(session, one, NOW, "card")
    watch(store)
    assert met(store) == []
    with store.unit() as session:
        factories.a_callback(session, NOW, customer=session.merge(canary), ahead=timedelta(hours=3))
    watch(store)
    assert met(store) == ["opened"]


def test_only_a_callback_of_a_canary_can_be_planted(store, canary):
    with store.unit() as session:
        other = factories.a_callback(session, NOW)
        for none in (other.id, uuid4()):
            with pytest.raises(NotFound):
                creation.plant_canary_callback(session, none, NOW)


def a_report(session, policy) -> None:
    from incidents.reports import report_fields, submission

    submission.submit_for_reference(session, report_fields.ReportSubmission(PHONE, "web"), NOW)


def a_page(session, policy) -> None:
    number_proof.issue_page_number(session, PHONE, "text", policy, NOW)


def a_text(session, policy) -> None:
    inbox.record_once(session, "SM1", PHONE, "other", NOW)


def a_call(session, policy) -> None:
    inbox.record_once(session, "CA1-0", PHONE, "keypad", NOW)


def a_check(session, policy) -> None:
    who = session.exec(select(Customer)).one()
    signals.record_signal(
        session, signals.Signal(signals.UNCONFIRMED, NOW, "web", customer_id=who.id)
    )


def called(session, policy) -> None:
    assert detections.detect_canary_contact(session, PHONE, DetectionKind.CALL, "call:CA2", NOW)


@pytest.mark.parametrize(
    ("act", "what"),
    [
        (a_report, "report"),
        (a_page, "page"),
        (a_text, "text"),
        (a_call, "call"),
        (a_check, "check"),
        (called, "call"),
    ],
)
def test_every_contact_raises_a_case_that_names_who_had_opened_it(store, canary, act, what):
    with store.unit() as session:
        ana = factories.an_agent(session, NOW)
        factories.looked_up(session, ana, PHONE, NOW)
        act(session, factories.a_policy())
    watch(store)
    assert set(met(store)) == {"opened", what}
    case = store.all(select(Case).where(Case.fold == "canary:contact:1"))[0]
    named = select(CaseSubject.staff_id).where(CaseSubject.case_id == case.id)
    assert store.all(named) == [ana.id]
    with store.unit() as session:
        found = detections.list_canary_contacts(session)
        assert [(item.customer_id, item.what) for item in found] == [(canary.id, what)]


def test_what_happens_between_two_looks_is_not_missed(store, canary):
    with store.unit() as session:
        looking, ana = CanaryDetectionJob(), factories.an_agent(session, NOW)
        looking(session, NOW)
    for number in range(3):
        with store.unit() as session:
            at = NOW + number * MINUTE
            factories.looked_up(session, ana, PHONE, at)
            inbox.record_once(session, f"SM{number}", PHONE, "other", at)
        with store.unit() as session:
            looking(session, at + MINUTE)
    assert met(store) == ["opened"] * 3 + ["text"] * 3


def test_each_canary_singles_out_who_opened_it(store):
    """Of three agents each opened a canary of its own; the call to one names its agent."""
    numbers = [f"+44740020000{n}" for n in range(3)]
    with store.unit() as session:
        planned(session, *numbers)
        for each in numbers:
            factories.a_customer(session, NOW, each)
        found = register.link_imported_canaries(session, register.load_canaries(session))
        agents = [factories.an_agent(session, NOW) for _ in numbers]
        for agent, each in zip(agents, numbers, strict=True):
            factories.looked_up(session, agent, each, NOW)
        for agent, each in zip(agents, numbers, strict=True):
            exposed = detections.list_canary_accesses(session, found.by_phone[each])
            assert [(one.staff_id, one.first_at, one.times) for one in exposed] == [
                (agent.id, NOW, 1)
            ]
    assert len({one_canary.number for one_canary in found.canaries}) == 3


def test_an_investigator_at_work_is_no_alarm(store, canary):
    with store.unit() as session:
        ines = factories.an_agent(session, NOW, role="investigator")
        who = audit_log.staff_actor(ines.id)
        audit_log.record_act(
            session, who, "report.read", NOW, customer_id=canary.id, purpose="triage"
        )
    watch(store)
    assert met(store) == []


def test_it_is_erased_like_anybody_and_its_number_still_tells(store, canary):
    with store.unit() as session:
        erase_customers(session, [canary.id], audit_log.OPERATOR, NOW, "retention")
    watch(store)
    with store.unit() as session:
        assert detections.detect_canary_contact(session, PHONE, DetectionKind.TEXT, "text:SM9", NOW)
        assert not detections.detect_canary_contact(
            session, factories.PHONE, DetectionKind.TEXT, "text:SM9", NOW
        )
    assert met(store) == ["text"]


@pytest.mark.parametrize(
    ("numbers", "line", "code"),
    [
        (["07400200001"], 1, "canary_country_missing"),
        ([PHONE, "+44 999"], 2, "phone_invalid"),
        ([PHONE, "+44 7400 200001"], 2, "number_is_a_canarys"),
        ([PHONE, factories.PHONE], 2, "number_is_a_customers"),
    ],
)
def test_numbers_that_will_not_do_plan_nothing(store, numbers, line, code):
    with store.unit() as session:
        factories.a_customer(session, NOW, factories.PHONE)
        with pytest.raises(InvalidInput) as refused:
            planned(session, *numbers)
        assert refused.value.parameters["line"] == line
        assert refused.value.parameters["problem"].code == code
        assert register.load_canaries(session).canaries == ()


def test_a_reference_without_room_is_refused(store):
    with store.unit() as session, pytest.raises(InvalidInput, match="canary_references_used_up"):
        creation.plan_canaries(session, [PHONE, "+447400200002"], RULES, NOW, reference="K")


def test_language_zone_and_name_come_from_the_number(store):
    numbers = ("+4915112345678", "+34612345678", "+447400200001", "+33612345678")
    with store.unit() as session:
        planned(session, *numbers)
        made = register.load_canaries(session).canaries
    assert [(item.locale, item.timezone) for item in made] == [
        ("de", "Europe/Berlin"),
        ("es", "Europe/Madrid"),
        ("en", "Europe/London"),
        ("en", "Europe/Paris"),
    ]
    for each, spoken in zip(made, ("de", "es", "en", "fr"), strict=True):
        first, last = each.name.split(" ")
        assert first in canary_names_for(spoken).first
        assert last in canary_names_for(spoken).last
        assert each.external_ref[:2] == "K-"
        assert each.external_ref[2:].isdigit()


def test_every_language_has_as_many_names():
    names = [canary_names_for(code) for code in list_language_folders()]
    assert len(set(names)) == len(list_language_folders()) >= 8
    assert {len(words) for each in names for words in (each.first, each.last)} == {20}


def test_resealing_changes_what_is_written_and_not_what_it_says(store, canary):
    with store.unit() as session:
        before = session.exec(select(models.CanaryBatch.kept)).one()
        known = register.load_canaries(session)
        register.reseal_canary_batches(session)
        assert session.exec(select(models.CanaryBatch.kept)).one() != before
        assert register.load_canaries(session) == known
    assert store.all(select(Customer.id).where(col(Customer.id) == canary.id)) == [canary.id]
