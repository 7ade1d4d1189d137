"""I1: nobody opens more customers than their role may, however many tabs they race in; a stop shows
nothing and is a case before it is answered; and an agent on the phone is never stopped."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import col, func, select

from channels import access_budget_response as answered
from incidents.cases.models import Case, CaseEvidence, CaseKind, CaseSubject
from people.customers import access_budgets
from people.customers.access_budgets import BudgetExemption
from people.errors import BudgetExceeded
from people.models import RecordAccess
from storage.column_types import new_id
from tests import databases, factories
from tests.channels.conftest import make_console
from tests.channels.support import a_token
from tests.processes import at_once
from vault.audit import audit_log
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def an_agent(store: databases.Store, role: str = "agent") -> UUID:
    with store.unit() as session:
        return factories.an_agent(session, NOW, role=role).id


def opens(
    store: databases.Store,
    who: UUID,
    count: int,
    now: datetime = NOW,
    spared: BudgetExemption = BudgetExemption.NOTHING,
) -> int:
    """How many of so many new customers somebody gets to open."""
    done = 0
    for _ in range(count):
        try:
            with store.unit() as session:
                access_budgets.count_customer_access(session, who, new_id(), now, spared)
            done += 1
        except BudgetExceeded:
            pass
    return done


def looks_up(
    store: databases.Store, who: UUID, asked: str, found: UUID | None, now: datetime = NOW
) -> bool:
    try:
        with store.unit() as session:
            access_budgets.count_customer_lookup(session, who, found, asked, now)
    except BudgetExceeded:
        return False
    return True


def test_the_one_too_many_is_stopped_and_the_budget_comes_back_with_the_hour(store):
    ana = an_agent(store)
    assert opens(store, ana, 35) == 30
    assert opens(store, ana, 1, NOW + HOUR - MINUTE) == 0
    assert opens(store, ana, 35, NOW + HOUR) == 30


def test_the_day_has_a_budget_of_its_own(store):
    ana = an_agent(store)
    assert [opens(store, ana, 35, NOW + n * HOUR) for n in range(6)] == [30, 30, 30, 30, 0, 0]
    assert opens(store, ana, 1, NOW + timedelta(days=1)) == 1


def test_each_role_has_its_own_and_nobody_has_anothers(store):
    assert opens(store, an_agent(store, "investigator"), 25) == 20
    assert opens(store, an_agent(store), 25) == 25


def test_a_customer_who_is_open_already_can_be_opened_again(store):
    ana, gwen = an_agent(store), new_id()
    for _ in range(50):
        with store.unit() as session:
            access_budgets.count_customer_access(session, ana, gwen, NOW)
    assert opens(store, ana, 30) == 29
    with store.unit() as session:
        access_budgets.count_customer_access(session, ana, gwen, NOW)


@pytest.mark.parametrize(
    ("spared", "hours", "left"),
    [(BudgetExemption.HOUR, 1, 5), (BudgetExemption.HOUR, 4, 0), (BudgetExemption.ALL, 4, 5)],
)
def test_todays_own_calls_pass_a_busy_hour_and_the_call_at_hand_passes_all(
    store, spared, hours, left
):
    ana = an_agent(store)
    for n in range(hours):
        opens(store, ana, 30, NOW + n * HOUR)
    assert opens(store, ana, 5, NOW + (hours - 1) * HOUR, spared) == left


def test_a_refusal_does_not_tell_who_is_a_customer(store):
    """With either budget used up, a new look-up is refused alike whether it would find somebody."""
    ana, ben = an_agent(store), an_agent(store)
    for n in range(10):
        assert looks_up(store, ana, f"+4474001{n:05d}", None)
    opens(store, ben, 30)
    for who in (ana, ben):
        assert not looks_up(store, who, "+447400199999", new_id())
        assert not looks_up(store, who, "+447400188888", None)
    assert looks_up(store, ana, "+447400100003", None)  # the same form, sent again


def test_the_same_miss_counts_once_and_its_number_is_not_kept(store):
    ana = an_agent(store)
    for _ in range(15):
        assert looks_up(store, ana, "+447400199999", None)
    assert len({row.subject for row in store.all(select(RecordAccess))}) == 1
    assert looks_up(store, ana, "+447400199998", None)


def _race(url: str, who: UUID) -> int:
    mine = databases.opened(url)
    return opens(mine, who, 5)


@pytest.mark.both
def test_tabs_that_race_cannot_have_more(store):
    ana = an_agent(store)
    acts = [partial(_race, store.url, ana) for _ in range(10)]
    assert sum(at_once(acts, lambda: store.engine.dispose(close=False))) == 30
    held = store.all(select(func.count(func.distinct(RecordAccess.subject))))
    assert held == [30]


def test_who_is_unlocked_starts_again_and_it_is_written_down(store):
    ana = an_agent(store)
    opens(store, ana, 30)
    for _ in range(2):
        with store.unit() as session:
            access_budgets.reset_staff_budget(session, ana, audit_log.SYSTEM, NOW + MINUTE)
        assert opens(store, ana, 35, NOW + 2 * MINUTE) == 30 or _ == 1
    entries = store.all(select(AuditEntry).where(col(AuditEntry.action) == "budget.unlock"))
    assert [entry.detail for entry in entries] == [str(ana)] * 2


def test_what_counts_no_more_is_removed(store):
    ana = an_agent(store)
    opens(store, ana, 3)
    opens(store, ana, 2, NOW + HOUR)
    with store.unit() as session:
        access_budgets.prune_record_accesses(session, NOW + timedelta(days=1))
    assert len(store.all(select(RecordAccess))) == 2


# At the edge.

TIGHT = {"budget_agent": "2/hour;5/day", "budget_misses": "2/hour;5/day"}


@pytest.fixture
def tight(database, tmp_path):
    made = make_console(database, tmp_path, **TIGHT)
    yield made
    made.context.engine.dispose()


def asks(tab, asked: str):
    return tab.post("/staff/book/find", {"find": asked, "purpose": "answer"})


def customers(tight) -> list[str]:
    numbers = [f"+4474001234{n:02d}" for n in range(60, 66)]
    for number in numbers:
        tight.customer(number)
    return numbers


def cases(store_or_console) -> list[Case]:
    with store_or_console.unit() as session:
        return list(session.exec(select(Case)))


def test_a_stop_shows_nothing_says_who_to_ask_and_is_a_case(tight):
    ana, tab = tight.agent()
    numbers = customers(tight)
    assert [asks(tab, one_number).status_code for one_number in numbers[:2]] == [200, 200]
    stopped = asks(tab, numbers[2])
    assert stopped.status_code == 429
    assert int(stopped.headers["Retry-After"]) in range(3500, 3602)
    assert "ask your supervisor" in stopped.text
    assert "••" not in stopped.text
    assert "Gwen" not in stopped.text
    (case,) = cases(tight)
    assert case.kind == CaseKind.BUDGET
    with tight.unit() as session:
        assert session.exec(select(CaseSubject.staff_id)).all() == [ana]
        (evidence,) = session.exec(select(CaseEvidence)).all()
    facts = json.loads(evidence.facts)
    assert (facts["what"], facts["seen"], facts["allowed"], facts["hours"]) == ("opened", 2, 2, 1)
    assert len(tight.trail("customer.look_up")) == 2
    assert [item.staff_id for item in tight.trail("budget.stop")] == [ana]
    for number in numbers[3:]:
        assert asks(tab, number).status_code == 429
    assert len(cases(tight)) == 1


def test_probing_numbers_is_stopped_too(tight):
    _, tab = tight.agent()
    answers = [asks(tab, f"+4474009876{n:02d}").status_code for n in range(4)]
    assert answers == [200, 200, 429, 429]
    assert asks(tab, "T-404").status_code == 429


def test_over_the_api_it_is_a_problem_document(tight):
    headers = a_token(tight.app)
    tight.agent("ben@example.org")
    client = tight.app.test_client()
    answers = []
    for number in customers(tight)[:3]:
        body = {"customer": {"phone": number}, "topic": "x", "starts_at": "2020-01-01T10:00:00Z"}
        answers.append(client.post("/api/v1/callbacks", json=body, headers=headers))
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert answers[-1].mimetype == "application/problem+json"
    assert "ask your supervisor" in answers[-1].json["detail"]
    assert len(cases(tight)) == 1


def test_an_agent_whose_budget_is_spent_still_makes_the_calls_of_now(tight):
    ana, tab = tight.agent()
    at_hand, later = tight.callback(ana, 20), tight.callback(ana, 3 * 24 * 60, "+447400555000")
    for number in customers(tight)[:3]:
        asks(tab, number)
    assert "Gwen" in tab.get("/staff/day").text
    assert tab.get(f"/staff/callback/{at_hand}").status_code == 200
    assert tab.get(f"/staff/callback/{later}").status_code == 429
    move = tab.post(f"/staff/callback/{later}/move", {"slot": "x"})  # shows the card, when it can
    assert move.status_code == 429


def test_without_its_case_a_stop_is_not_answered(tight, monkeypatch):
    """The store goes away between the stop and its case: no data, no answer, and the next try is a
    case as well."""
    _, tab = tight.agent()
    numbers = customers(tight)
    for number in numbers[:2]:
        asks(tab, number)

    def gone(*_: object) -> None:
        raise OperationalError("x", {}, Exception("gone"))

    with monkeypatch.context() as patch:
        patch.setattr(answered.budget_cases, "open_budget_case", gone)
        answer = asks(tab, numbers[2])
    assert answer.status_code == 503
    assert "Gwen" not in answer.text
    assert cases(tight) == []
    assert asks(tab, numbers[2]).status_code == 429
    assert len(cases(tight)) == 1


@pytest.mark.parametrize("value", ["", "x", "0/hour", "10", "10/minute", "10/hour;", "-1/day"])
def test_a_budget_that_is_none_stops_the_start(tmp_path, value):
    with pytest.raises(ValueError, match="write the budget like"):
        databases.settings("sqlite://", tmp_path, budget_agent=value)
