"""I1: a staff member who opens a record for nothing is asked about it the same evening, once,
whatever stops the workers; what they say is sealed, and read by investigators within a case that
names them."""

from __future__ import annotations

import os
import signal
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import Case, CaseEvidence, CaseKind, CaseState
from incidents.evening_notes import (
    case_evidence,
    due_evenings,
    explanations,
    note_creation,
    note_mail,
)
from incidents.evening_notes.job import EveningNotesJob
from incidents.evening_notes.models import EveningNote, NotedAccess
from messaging.mail_templates import MailContext
from people.errors import InvalidInput, NotFound
from people.models import Staff
from scheduling.calendars import working_hours
from tests import databases, factories
from tests.processes import at_once
from vault.audit import audit_log
from vault.destinations import DestinationUnreachable
from vault.keys import keyring
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)  # a Tuesday; clocks in London show UTC
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVENING = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
PATIENCE = timedelta(days=3)


class Post:
    """A mail server; ``down`` takes nothing."""

    def __init__(self, *, down: bool = False) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.down = down

    def send_mail(self, to: str, subject: str, text: str) -> None:
        if self.down:
            raise DestinationUnreachable("down")
        self.sent.append((to, subject, text))


def job(store, now: datetime, post: Post | None = None) -> None:
    info = keyring.keyring_session_info(store.ring)
    made = EveningNotesJob(
        PATIENCE, post, MailContext("Example Bank", "en"), store.engine, info, lambda: now
    )  # type: ignore[arg-type]
    made.run_safely()


@pytest.fixture
def ana(store) -> Staff:
    """She looked up a customer at ten, and did nothing with it."""
    with store.unit() as session:
        ana = factories.an_agent(session, NOW - 9 * DAY)
        opened(session, ana, NOW)
    return ana


def opened(session: Session, who: Staff, at: datetime) -> None:
    customer = factories.a_customer(session, at)
    audit_log.record_act(
        session,
        audit_log.staff_actor(who.id),
        "customer.look_up",
        at,
        customer_id=customer.id,
        purpose="asked_us",
    )


def noted(store) -> list[EveningNote]:
    return store.all(select(EveningNote).order_by(col(EveningNote.id)))


def test_the_note_comes_that_evening_and_once(store, ana):
    job(store, EVENING - timedelta(seconds=1))
    assert noted(store) == []
    for later in range(5):
        job(store, EVENING + later * HOUR)
    assert [item.on for item in noted(store)] == [date(2026, 11, 24)]
    assert len(store.all(select(NotedAccess))) == 1


def test_who_has_a_call_behind_every_access_gets_none(store):
    with store.unit() as session:
        ana = factories.an_agent(session, NOW - DAY)
        callback = factories.a_callback(session, NOW, agent=ana, ahead=DAY)
        audit_log.record_act(
            session,
            audit_log.staff_actor(ana.id),
            "customer.read",
            NOW,
            customer_id=callback.customer_id,
            callback_id=callback.id,
        )
    job(store, EVENING)
    assert noted(store) == []


@pytest.mark.both
def test_many_workers_at_once_write_one_note(database, ana):
    store = databases.opened(database)

    def work() -> None:
        mine = databases.opened(database)
        job(mine, EVENING)
        mine.engine.dispose()

    store.engine.dispose()
    at_once([work] * 6, lambda: None)
    assert len(noted(store)) == 1


def test_a_worker_killed_at_any_point_leaves_one_note_or_none_and_the_next_writes_it(database, ana):
    for stage in ("create_evening_note", "_noted_access_row"):
        _die_at(database, stage)
    store = databases.opened(database)
    assert noted(store) == []
    job(store, EVENING)
    job(store, EVENING + HOUR)
    assert len(noted(store)) == 1
    store.engine.dispose()


def _die_at(database: str, stage: str) -> None:
    child = os.fork()
    if not child:
        real = getattr(note_creation, stage)

        def dies(*args: object) -> None:
            real(*args)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(note_creation, stage, dies)
        job(databases.opened(database), EVENING)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def test_days_without_a_worker_are_caught_up_in_one_note_and_one_mail(store, ana):
    post = Post()
    job(store, EVENING, post)
    with store.unit() as session:
        for day in (1, 2, 3):
            opened(session, ana, NOW + day * DAY)
    job(store, EVENING + 3 * DAY, post)
    job(store, EVENING + 3 * DAY + HOUR, post)
    assert [item.on.day for item in noted(store)] == [24, 27]
    assert len(store.all(select(NotedAccess))) == 4
    assert len(post.sent) == 2


def test_the_evening_is_after_ones_own_hours_on_ones_own_clock(store):
    with store.unit() as session:
        tokyo = factories.an_agent(session, NOW, timezone="Asia/Tokyo")
        early = factories.an_agent(session, NOW)
        away = factories.an_agent(session, NOW)
        working_hours.replace_working_hours(
            session, early.id, {1: [(360, 840)]}, audit_log.SYSTEM, NOW
        )  # Tuesday to 14:00
        working_hours.replace_working_hours(
            session, away.id, {0: [(540, 1020)]}, audit_log.SYSTEM, NOW
        )  # Mondays alone

        def come(at: datetime) -> set:
            return {
                (e.staff_id, e.on)
                for e in due_evenings.find_due_evenings(session, at)
                if e.on == at.date()
            }

        assert come(datetime(2026, 11, 24, 9, 29, tzinfo=UTC)) == set()
        assert come(datetime(2026, 11, 24, 9, 30, tzinfo=UTC)) == {(tokyo.id, date(2026, 11, 24))}
        assert (early.id, date(2026, 11, 24)) not in come(NOW.replace(hour=14, minute=29))
        assert (early.id, date(2026, 11, 24)) in come(NOW.replace(hour=14, minute=30))
        assert (away.id, date(2026, 11, 24)) in come(EVENING)


def test_the_mail_holds_nobodys_data_and_no_link(store, ana):
    post = Post()
    job(store, EVENING, post)
    (to, subject, text) = post.sent[0]
    with store.unit() as session:
        from people.staff import staff_records

        assert to == staff_records.open_staff_details(session, session.get_one(Staff, ana.id)).email
    assert "10:00" in text
    assert "The customer asks for a call" in text
    for secret in ("Gwen", "Jones", "+44", "7400", "http", "://", "token"):
        assert secret not in text + subject


def test_a_mail_server_that_is_down_is_tried_again_and_gets_one_mail(store, ana):
    job(store, EVENING, Post(down=True))
    post = Post()
    for later in range(3):
        job(store, EVENING + later * HOUR, post)
    assert len(post.sent) == 1


def test_a_mail_that_may_have_gone_is_not_sent_twice(store, ana):
    job(store, EVENING)
    with store.unit() as session:
        assert note_mail.claim_note(
            session, noted(store)[0].id, EVENING
        )  # and then the process died
    post = Post()
    job(store, EVENING + HOUR, post)
    assert post.sent == []


def test_an_explanation_is_kept_sealed_and_cannot_be_changed(store, ana):
    job(store, EVENING)
    note = noted(store)[0]
    with store.unit() as session:
        explanations.save_explanations(
            session, ana.id, note.id, {}, "the customer stood at my desk", EVENING
        )
    held = store.all(select(NotedAccess.explanation))[0]
    assert b"desk" not in held
    with store.unit() as session:
        explanations.save_explanations(
            session, ana.id, note.id, {}, "something else", EVENING + HOUR
        )
        assert (
            explanations.list_staff_notes(session, ana.id)[0].asked[0].words
            == "the customer stood at my desk"
        )
        assert explanations.count_unexplained_notes(session, ana.id) == 0


@pytest.mark.parametrize("words", ["", "   ", "x" * 501, "a\x00b"])
def test_what_explains_nothing_is_refused_and_nothing_kept(store, ana, words):
    job(store, EVENING)
    note = noted(store)[0]
    with store.unit() as session, pytest.raises(InvalidInput):
        explanations.save_explanations(session, ana.id, note.id, {}, words, EVENING)
    assert store.all(select(NotedAccess.explanation)) == [None]


def test_nobody_explains_or_sees_the_note_of_another(store, ana):
    job(store, EVENING)
    note = noted(store)[0]
    with store.unit() as session:
        ben = factories.an_agent(session, NOW)
        assert explanations.list_staff_notes(session, ben.id) == []
        with pytest.raises(NotFound):
            explanations.save_explanations(session, ben.id, note.id, {}, "I did it", EVENING)


def a_case(session: Session, who: Staff, kind: CaseKind = CaseKind.ACCESS) -> Case:
    about = [NewEvidence("audit", "1", NOW)]
    return open_or_extend_case(session, kind, f"{kind}:{who.id}", about, NOW, subjects=[who.id])


def test_a_note_opens_no_case_and_waits_before_it_is_evidence(store, ana):
    job(store, EVENING)
    job(store, EVENING + 9 * DAY)
    assert store.all(select(Case)) == []


def test_unexplained_for_days_or_explained_it_is_evidence_in_the_case_that_there_is(store, ana):
    job(store, EVENING)
    with store.unit() as session:
        case, other = a_case(session, ana), a_case(session, ana, CaseKind.BUDGET)
        assert case_evidence.attach_notes_to_cases(session, PATIENCE, EVENING + HOUR) == 0
        assert case_evidence.attach_notes_to_cases(session, PATIENCE, EVENING + PATIENCE) == 1
        assert case_evidence.attach_notes_to_cases(session, PATIENCE, EVENING + PATIENCE) == 0
        kept = session.exec(select(CaseEvidence).where(CaseEvidence.kind == "note")).one()
        assert kept.case_id == case.id != other.id
        assert '"explained": 0' in kept.facts


def test_only_investigators_the_case_does_not_name_read_it_and_it_is_written_down(store, ana):
    job(store, EVENING)
    note = noted(store)[0]
    with store.unit() as session:
        ines = factories.an_agent(session, NOW, role="investigator")
        case = a_case(session, ana)
        explanations.save_explanations(session, ana.id, note.id, {}, "at my desk", EVENING)
        assert case_evidence.attach_notes_to_cases(session, PATIENCE, EVENING) == 1
        found = case_evidence.read_case_notes(session, case, ines.id, EVENING)
        assert [item.words for one in found for item in one.asked] == ["at my desk"]
        assert case_evidence.read_case_notes(session, case, ana.id, EVENING) == []
    read = store.all(select(AuditEntry).where(AuditEntry.action == "note.read"))
    assert [(item.staff_id, item.purpose) for item in read] == [(ines.id, case.reference)]


def test_a_closed_case_takes_no_note(store, ana):
    job(store, EVENING)
    with store.unit() as session:
        case = a_case(session, ana)
        case.state, case.fold = CaseState.CLOSED, None
        session.add(case)
        session.flush()
        assert case_evidence.attach_notes_to_cases(session, PATIENCE, EVENING + PATIENCE) == 0
