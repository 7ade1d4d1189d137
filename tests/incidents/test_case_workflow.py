"""A case is taken by one, worked on by who holds it, and every step is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from incidents.cases import board, case_view, customer_access, states, workflow
from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import Case, CaseEvidence, CaseKind, CaseState
from incidents.cases.visibility import get_visible_case
from incidents.reports import report_fields, submission
from incidents.reports.models import Report
from people.errors import InvalidInput, NotAllowed, NotFound
from scheduling.errors import WrongState
from tests import factories
from tests.databases import Store, opened
from tests.processes import at_once
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def an_investigator(store: Store) -> UUID:
    with store.unit() as session:
        return factories.an_agent(session, NOW, name="Ines Moreau", role="investigator").id


def a_case(
    store: Store, kind: CaseKind = CaseKind.CALLS, *evidence: NewEvidence, fold: str = "x"
) -> str:
    with store.unit() as session:
        return open_or_extend_case(session, kind, fold, evidence, NOW).reference


def actions(store: Store, reference: str) -> list[str]:
    found = store.all(
        select(AuditEntry).where(col(AuditEntry.purpose) == reference).order_by(col(AuditEntry.id))
    )
    return [item.action for item in found]


def test_a_case_goes_from_open_to_closed_and_back_with_every_step_written_down(store):
    ines, reference = an_investigator(store), a_case(store)
    with store.unit() as session:
        workflow.claim_case(session, reference, ines, NOW)
        workflow.write_case_note(session, reference, ines, "rang the bank\r\nthey knew", NOW)
        workflow.decide_case_outcome(session, reference, ines, "no_leak", "all from one list", NOW)
        case = workflow.close_decided_case(session, reference, ines, "nothing left to do", NOW)
        assert (case.state, case.outcome, case.fold) == (CaseState.CLOSED, "no_leak", None)
        case = workflow.reopen_closed_case(session, reference, ines, "there is a new report", NOW)
        assert (case.state, case.outcome, case.taken_by) == (CaseState.OPEN, None, None)
        steps = case_view.list_case_events(session, case)
    kinds = ["reopened", "closed", "decided", "noted", "taken", "opened"]
    assert [step.kind for step in steps] == kinds
    assert steps[3].words == "rang the bank\nthey knew"
    assert actions(store, reference) == [f"case.{kind}" for kind in reversed(kinds)]


@pytest.mark.parametrize(
    "act",
    [
        lambda s, r, who: workflow.write_case_note(s, r, who, "x", NOW),
        lambda s, r, who: workflow.decide_case_outcome(s, r, who, "leak", "one list for all", NOW),
        lambda s, r, who: workflow.close_decided_case(s, r, who, "nothing left to do", NOW),
        lambda s, r, who: workflow.hand_back_case(s, r, who, "x", NOW),
        lambda s, r, who: customer_access.open_case_customer(
            s, r, who, UUID(int=1), "to ring her back", NOW
        ),
    ],
)
def test_only_who_holds_a_case_works_on_it(store, act):
    ines, other, reference = an_investigator(store), an_investigator(store), a_case(store)
    with store.unit() as session, pytest.raises(NotAllowed):
        act(session, reference, ines)  # nobody has taken it
    with store.unit() as session:
        workflow.claim_case(session, reference, other, NOW)
    with store.unit() as session, pytest.raises(NotAllowed):
        act(session, reference, ines)
    with store.unit() as session, pytest.raises(WrongState):
        workflow.claim_case(session, reference, ines, NOW)


@pytest.mark.both
def test_of_many_who_take_it_at_once_one_gets_it(store):
    reference = a_case(store)
    people = [an_investigator(store) for _ in range(8)]

    def act(who: UUID) -> bool:
        mine = opened(store.url)
        try:
            with mine.unit() as session:
                workflow.claim_case(session, reference, who, NOW)
            return True
        except WrongState:
            return False

    acts = [lambda who=who: act(who) for who in people]
    assert sorted(at_once(acts, lambda: store.engine.dispose(close=False))) == [False] * 7 + [True]
    assert actions(store, reference).count("case.taken") == 1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("", "case_text_missing|reason_too_short"),
        (" \n", "case_text_missing|reason_too_short"),
        ("x" * 4001, "text_too_long"),
        ("\0", "text_has_invisible_character"),
    ],
)
def test_what_cannot_be_kept_is_said_and_changes_nothing(store, words, problem):
    ines, reference = an_investigator(store), a_case(store)
    with store.unit() as session:
        workflow.claim_case(session, reference, ines, NOW)
    for act in (
        lambda s: workflow.write_case_note(s, reference, ines, words, NOW),
        lambda s: workflow.decide_case_outcome(s, reference, ines, "leak", words, NOW),
    ):
        with pytest.raises(InvalidInput, match=problem), store.unit() as session:
            act(session)
    with pytest.raises(InvalidInput), store.unit() as session:
        workflow.decide_case_outcome(session, reference, ines, "joined", "one list for all", NOW)
    assert actions(store, reference) == ["case.opened", "case.taken"]


def test_a_case_is_not_closed_before_it_is_decided(store):
    ines, reference = an_investigator(store), a_case(store)
    with store.unit() as session:
        workflow.claim_case(session, reference, ines, NOW)
    with pytest.raises(WrongState, match="case_undecided"), store.unit() as session:
        workflow.close_decided_case(session, reference, ines, "tired of all this", NOW)


@given(st.sampled_from(list(CaseState)), st.sampled_from(list(CaseState)))
@settings(max_examples=30, deadline=None)
def test_no_move_but_those_of_the_table(now_in, wanted):
    class Kept:
        def add(self, _: object) -> None: ...
        def flush(self) -> None: ...

    case = Case(reference="C", kind="calls", state=now_in, opened_at=NOW, changed_at=NOW)
    if wanted in states.ALLOWED_TRANSITIONS[now_in]:
        states.transition_case(Kept(), case, wanted, NOW)
        assert case.state == wanted
    else:
        with pytest.raises(WrongState):
            states.transition_case(Kept(), case, wanted, NOW)
        assert case.state == now_in


def test_the_board_counts_and_pages_by_views(store):
    ines = an_investigator(store)
    made = [a_case(store, CaseKind.ACCESS, fold=f"f{n}") for n in range(board.PAGE_SIZE + 3)]
    with store.unit() as session:
        workflow.claim_case(session, made[0], ines, NOW)
        first = board.load_case_board(session, ines, "open", NOW)
        rest = board.load_case_board(session, ines, "open", NOW, first.following)
        mine = board.load_case_board(session, ines, "mine", NOW)
    assert [row.reference for row in first.rows + rest.rows] == made
    assert rest.following is None
    assert [row.reference for row in mine.rows] == made[:1]
    assert first.counts == {"open": len(made), "mine": 1, "closed": 0}


def a_report(store: Store, phone: str, said: str = "gift cards") -> tuple[str, NewEvidence]:
    with store.unit() as session:
        reference = submission.submit_for_reference(
            session, report_fields.ReportSubmission(phone, "web", said=said), NOW
        )
        row = session.exec(select(Report).where(col(Report.reference) == reference)).one()
        return reference, NewEvidence("report", str(row.id), NOW, row.customer_id)


def test_evidence_is_read_in_plain_and_each_reading_is_written_down(store):
    ines = an_investigator(store)
    with store.unit() as session:
        gwen = factories.a_customer(session, NOW, factories.PHONE).id
    told, evidence = a_report(store, factories.PHONE)
    reference = a_case(store, CaseKind.CALLS, evidence)
    with store.unit() as session:
        items, count = case_view.load_evidence_page(
            session, get_visible_case(session, reference, ines), ines, NOW
        )
    assert count == 1
    assert (items[0].told.reference, items[0].told.said) == (told, "gift cards")
    read = store.all(select(AuditEntry).where(col(AuditEntry.action) == "report.read"))
    assert [(item.customer_id, item.purpose) for item in read] == [(gwen, reference)]


def test_a_customer_is_opened_only_by_its_case_with_a_reason_and_written_down_first(store):
    ines = an_investigator(store)
    with store.unit() as session:
        gwen = factories.a_customer(session, NOW, factories.PHONE).id
        other = factories.a_customer(session, NOW).id
    _, evidence = a_report(store, factories.PHONE)
    reference = a_case(store, CaseKind.CALLS, evidence)
    with store.unit() as session:
        workflow.claim_case(session, reference, ines, NOW)
    short = ("x", "to ring", "becausebecause", "1234 567890", "? ! ? ! ? ! ? ! ? !")
    for why in short:
        with store.unit() as session, pytest.raises(InvalidInput, match="reason_too_short"):
            customer_access.open_case_customer(session, reference, ines, gwen, why, NOW)
    for who, why, error in ((other, "to ring her back", NotFound), (gwen, " ", InvalidInput)):
        with pytest.raises(error), store.unit() as session:
            customer_access.open_case_customer(session, reference, ines, who, why, NOW)
    assert "customer.read" not in actions(store, reference)
    with store.unit() as session:
        found = customer_access.open_case_customer(
            session, reference, ines, gwen, "to ring her back", NOW
        )
    assert (found.person.name, found.person.phone) == ("Gwen Jones", factories.PHONE)
    assert actions(store, reference)[-2:] == ["case.customer", "customer.read"]


def test_a_case_that_is_taken_still_takes_new_evidence(store):
    ines, reference = an_investigator(store), a_case(store, fold="budget:1")
    with store.unit() as session:
        workflow.claim_case(session, reference, ines, NOW)
        later = NOW + timedelta(hours=1)
        again = open_or_extend_case(
            session, CaseKind.CALLS, "budget:1", [NewEvidence("x", "1", later)], later
        )
    assert (again.reference, again.taken_by) == (reference, ines)
    assert len(store.all(select(CaseEvidence))) == 1


def test_a_case_that_another_holds_is_not_said_to_be_free(store):
    ines, ivo, reference = an_investigator(store), an_investigator(store), a_case(store)
    with store.unit() as session:
        workflow.claim_case(session, reference, ines, NOW)
    with store.unit() as session, pytest.raises(NotAllowed, match="case_with_colleague"):
        workflow.write_case_note(session, reference, ivo, "a note of mine", NOW)
