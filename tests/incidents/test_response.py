"""From finding to action: two people suspend an access, and warn each exposed customer once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import col, select

from incidents.cases import case_view, workflow
from incidents.cases.creation import open_or_extend_case
from incidents.cases.models import Case, CaseKind, WarnedCustomer, WarningRun
from incidents.response import customer_warnings, exposure, response_requests, warning_runs
from incidents.response.customer_warnings import CustomerWarningJob
from messaging import line_types, report_texts, segments
from messaging.dispatch.worker import Worker
from messaging.models import OutboxMessage
from messaging.providers.simulator.sms import SimulatorSmsProvider
from messaging.sending_limits import SendingLimits
from people import models, phone_numbers
from people.approvals import bootstrap
from people.customers import customer_records
from people.errors import Conflict, InvalidInput, NotAllowed, NotFound
from people.models import Staff
from people.staff import (
    api_tokens,
    session_lifecycle,
    staff_sessions,
    staff_status,
    suspension,
)
from procedures import approval_registry
from scheduling.availability import team_overview
from scheduling.errors import WrongState
from tests import factories
from tests.approvals import approve_request
from tests.databases import Store
from tests.security_rules.support.crash_helpers import Fuse, until_killed
from vault.audit import audit_log
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=30)
POLICY = factories.a_policy()


class Scene:
    """Ines holds a case about the agent Ana; Ivo is another investigator."""

    def __init__(self, store: Store) -> None:
        self.store = store
        with store.unit() as session:
            self.ana = factories.an_agent(session, NOW).id
            self.ines = factories.an_agent(session, NOW, role="investigator").id
            self.ivo = factories.an_agent(session, NOW, role="investigator").id
            case = open_or_extend_case(session, CaseKind.CALLS, "x", [], NOW, subjects=[self.ana])
            self.reference = case.reference
            workflow.claim_case(session, self.reference, self.ines, NOW)

    def approve(self, request_id: UUID, by: UUID, now: datetime = NOW) -> None:
        with self.store.unit() as session:
            from people.approvals.models import ApprovalRequest

            digest = session.get_one(ApprovalRequest, request_id).digest
            table = approval_registry.collect_request_types(POLICY)
            approve_request(session, table, request_id, digest, by, now)

    def ask(self, act=response_requests.request_staff_suspension) -> UUID:
        with self.store.unit() as session:
            return act(session, self.reference, self.ines, self.ana, "why it is to be", NOW).id

    def warn(self) -> None:
        with self.store.unit() as session:
            asked = response_requests.request_customer_warning(
                session, self.reference, self.ines, self.ana, SINCE, NOW, "why it is to be", NOW
            ).id
        self.approve(asked, self.ivo)

    def exposed(self, count: int, **more) -> list[UUID]:
        """So many customers whose record Ana has read."""
        with self.store.unit() as session:
            made = [factories.a_customer(session, NOW, **more).id for _ in range(count)]
            about = [(item, None) for item in made * 2]
            at = NOW - timedelta(days=1)
            who = audit_log.staff_actor(self.ana)
            audit_log.record_act_per_customer(
                session, who, "customer.read", at, about=about, purpose="own day"
            )
            return made

    def steps(self) -> list[str]:
        with self.store.unit() as session:
            case = session.exec(select(Case).where(Case.reference == self.reference)).one()
            return [event.kind for event in case_view.list_case_events(session, case)]


@pytest.fixture
def scene(store) -> Scene:
    return Scene(store)


def test_a_suspension_ends_all_at_once_and_takes_two(scene):
    with scene.store.unit() as session:
        ana = session.get_one(Staff, scene.ana)
        cookie = session_lifecycle.open_staff_session(session, ana, NOW)
        bearer = api_tokens.create_api_token(session, ana, "t", NOW)
        callback = factories.a_callback(session, NOW, agent=ana)
    asked = scene.ask()
    with scene.store.unit() as session:
        assert session_lifecycle.find_session_principal(session, cookie, NOW) is not None
    with pytest.raises(NotAllowed):
        scene.approve(asked, scene.ines)
    with pytest.raises((NotAllowed, NotFound)):
        scene.approve(asked, scene.ana)
    scene.approve(asked, scene.ivo)
    with scene.store.unit() as session:
        assert session_lifecycle.find_session_principal(session, cookie, NOW) is None
        assert api_tokens.find_token_principal(session, bearer) is None
        assert staff_sessions.list_staff_sessions(session, scene.ana, NOW) == []
        assert team_overview.list_suspended_agents(session, NOW) == [(scene.ana, "Ana", 1)]
        assert (
            team_overview.lock_agent(session, scene.ana).id == scene.ana
        )  # so that callbacks are handed over
        assert session.get_one(type(callback), callback.id).state == "booked"
    assert scene.steps()[0] == "suspended"


def test_it_is_lifted_by_two_and_what_has_ended_stays_ended(scene):
    with scene.store.unit() as session:
        cookie = session_lifecycle.open_staff_session(
            session, session.get_one(Staff, scene.ana), NOW
        )
    scene.approve(scene.ask(), scene.ivo)
    with pytest.raises(InvalidInput):
        scene.ask()
    lifted = scene.ask(response_requests.request_suspension_lift)
    with scene.store.unit() as session:
        assert not session.get_one(Staff, scene.ana).active
    scene.approve(lifted, scene.ivo)
    with scene.store.unit() as session:
        member = session.get_one(Staff, scene.ana)
        assert member.active
        assert session_lifecycle.find_session_principal(session, cookie, NOW) is None
        assert team_overview.list_suspended_agents(session, NOW) == []


def test_it_is_lifted_after_its_case_is_closed_and_says_who_approved(scene):
    scene.approve(scene.ask(), scene.ivo)
    with scene.store.unit() as session:
        workflow.decide_case_outcome(
            session, scene.reference, scene.ines, "no_leak", "no leak after all", NOW
        )
        workflow.close_decided_case(session, scene.reference, scene.ines, "no leak after all", NOW)
    with scene.store.unit() as session:
        assert [
            one_suspension.id
            for one_suspension in response_requests.list_visible_suspensions(session, scene.ivo)
        ] == [scene.ana]
        assert response_requests.list_visible_suspensions(session, scene.ana) == []
        why = "nothing came of it"
        asked = response_requests.request_lift_outside_case(
            session, scene.ivo, scene.ana, why, NOW
        ).id
    scene.approve(asked, scene.ines)
    with scene.store.unit() as session:
        assert session.get_one(Staff, scene.ana).active
        assert response_requests.list_visible_suspensions(session, scene.ivo) == []
        case = session.exec(select(Case).where(Case.reference == scene.reference)).one()
        lifted, asking = case_view.list_case_events(session, case)[:2]
    assert (lifted.kind, lifted.words, lifted.approved_by) == ("lifted", "", (scene.ines,))
    assert asking.words == f"suspend.lift\n{why}"


def test_who_is_named_beside_them_cannot_ask_to_lift_it(scene):
    """Rule I5: two who worked together do not let each other in."""
    scene.approve(scene.ask(), scene.ivo)
    with scene.store.unit() as session:
        open_or_extend_case(session, CaseKind.CALLS, "y", [], NOW, subjects=[scene.ana, scene.ivo])
    with scene.store.unit() as session:
        assert response_requests.list_visible_suspensions(session, scene.ivo) == []
    with pytest.raises(NotFound), scene.store.unit() as session:
        response_requests.request_lift_outside_case(
            session, scene.ivo, scene.ana, "she is honest, I know", NOW
        )


def test_who_is_switched_off_is_not_let_in_by_lifting(scene):
    with scene.store.unit() as session:
        staff_status.deactivate_staff_member(session, session.get_one(Staff, scene.ana), NOW)
    with pytest.raises(InvalidInput):
        scene.ask(response_requests.request_suspension_lift)
    with pytest.raises(InvalidInput), scene.store.unit() as session:
        suspension.lift_staff_suspension(session, scene.ana, audit_log.SYSTEM, NOW)


def test_only_who_holds_the_case_asks_and_never_about_themself(scene):
    for who, person in ((scene.ivo, scene.ana), (scene.ines, scene.ines)):
        with pytest.raises(NotAllowed), scene.store.unit() as session:
            response_requests.request_staff_suspension(
                session, scene.reference, who, person, "why it is to be", NOW
            )


def test_exposure_is_each_customer_with_when_and_what_it_showed(scene):
    ids = scene.exposed(3)
    with scene.store.unit() as session:
        who = audit_log.staff_actor(scene.ana)
        ring = {"customer_id": ids[0], "purpose": "to ring them"}
        audit_log.record_act(session, who, "customer.read", NOW - timedelta(hours=1), **ring)
        audit_log.record_act(session, who, "case.read", NOW, customer_id=factories_id(session))
        case = session.exec(select(Case)).one()
        assert exposure.count_exposed_customers(session, scene.ana, SINCE, NOW) == 3
        rows = exposure.load_exposure_page(session, case, scene.ana, SINCE, NOW, scene.ines, NOW)
    found = {row.customer_id: row for row in rows}
    assert set(found) == set(ids)
    assert "phone" in found[ids[0]].fields
    assert "phone" not in found[ids[1]].fields
    assert (found[ids[0]].times, found[ids[1]].times) == (3, 2)
    read = scene.store.all(select(AuditEntry).where(col(AuditEntry.action) == "exposure.read"))
    assert {item.customer_id for item in read} == set(ids)
    assert {item.purpose for item in read} == {scene.reference}


def factories_id(session) -> UUID:
    return factories.a_customer(session, NOW).id


def work(store: Store, times: int, now: datetime = NOW) -> None:
    job = CustomerWarningJob(POLICY)
    for _ in range(times):
        with store.unit() as session:
            job(session, now)


def warned(store: Store) -> Counter[UUID]:
    return Counter(
        store.all(select(OutboxMessage.customer_id).where(col(OutboxMessage.kind) == "warning"))
    )


def test_each_exposed_customer_is_warned_once_and_nobody_else(scene, monkeypatch):
    monkeypatch.setattr(customer_warnings, "BATCH_SIZE", 3)
    ids = scene.exposed(7)
    with scene.store.unit() as session:
        factories.a_customer(session, NOW)
    scene.warn()
    work(scene.store, 4)
    assert warned(scene.store) == dict.fromkeys(ids, 1)
    (run,) = scene.store.all(select(WarningRun))
    assert (run.state, run.total, run.done) == ("done", 7, 7)
    assert scene.steps()[0] == "warned"
    scene.warn()  # again in the same case: nobody gets two texts
    work(scene.store, 4)
    assert warned(scene.store) == dict.fromkeys(ids, 1)


def test_a_wave_waits_for_the_one_before(scene, monkeypatch):
    monkeypatch.setattr(customer_warnings, "BATCH_SIZE", 2)
    monkeypatch.setattr(customer_warnings, "MAX_QUEUED", 2)
    scene.exposed(6)
    scene.warn()
    work(scene.store, 3)
    assert sum(warned(scene.store).values()) == 2
    Worker(
        scene.store.engine,
        scene.store.ring,
        [SimulatorSmsProvider(scene.store.engine, scene.store.ring)],
        lambda: NOW,
    ).run_once()
    work(scene.store, 3)
    assert sum(warned(scene.store).values()) == 4


def test_at_night_it_waits_for_the_morning_and_the_ceiling_holds_it(scene):
    scene.exposed(2)
    night = NOW.replace(hour=23)
    scene.warn()
    work(scene.store, 1, night)
    due = scene.store.all(select(OutboxMessage.due_at).where(OutboxMessage.kind == "warning"))
    assert {item.hour for item in due} == {8}
    poor = SendingLimits(segment_price=50_000, per_hour=60_000)
    store, morning = scene.store, due[0]
    Worker(
        store.engine,
        store.ring,
        [SimulatorSmsProvider(store.engine, store.ring)],
        lambda: morning,
        rules=poor,
    ).run_once()
    errors = store.all(select(OutboxMessage.error).where(OutboxMessage.kind == "warning"))
    assert "ceiling" in errors


def test_stopping_withdraws_what_has_not_left(scene, monkeypatch):
    monkeypatch.setattr(customer_warnings, "BATCH_SIZE", 2)
    scene.exposed(4)
    scene.warn()
    work(scene.store, 1)
    with scene.store.unit() as session:
        case = session.exec(select(Case)).one()
        warning_runs.stop_warning_run(session, case, scene.ines, "enough", NOW)
    work(scene.store, 3)
    states = scene.store.all(select(OutboxMessage.state).where(OutboxMessage.kind == "warning"))
    assert states == ["expired", "expired"]
    with pytest.raises(WrongState), scene.store.unit() as session:
        warning_runs.stop_warning_run(
            session, session.exec(select(Case)).one(), scene.ines, "why it is to be", NOW
        )


def test_landlines_and_the_erased_get_no_text(scene):
    first, second = scene.exposed(2)
    with scene.store.unit() as session:
        from procedures.erasure import erase_customers

        phone = customer_records.open_customer_details(
            session, session.get_one(models.Customer, first)
        ).phone
        line_types.record_line_type(session, phone, line_types.LANDLINE, NOW)
        erase_customers(session, [second], audit_log.SYSTEM, NOW, "x")
    scene.warn()
    work(scene.store, 2)
    assert warned(scene.store) == {}
    with scene.store.unit() as session:
        run = session.exec(select(WarningRun)).one()
        assert customer_warnings.load_warning_progress(session, run).landlines == 1


@pytest.mark.both
def test_killed_at_any_act_nobody_is_left_out_or_told_twice(scene, monkeypatch):
    monkeypatch.setattr(customer_warnings, "BATCH_SIZE", 2)
    ids = scene.exposed(5)
    scene.warn()

    def act(store: Store, fuse: Fuse) -> None:
        work(store, 5)

    deaths = 0
    for acts in range(3, 400, 17):
        killed = until_killed(scene.store.url, acts, act)
        deaths += killed
        if not killed:
            break
    work(scene.store, 5)
    assert deaths >= 3
    assert warned(scene.store) == dict.fromkeys(ids, 1)
    assert len(scene.store.all(select(WarnedCustomer))) == 5


def test_the_warning_is_one_segment_names_no_link_and_asks_for_nothing():
    body = report_texts.text_exposure_warning(POLICY.message_context_for())
    assert segments.count_segments(body) == 1
    assert phone_numbers.format_phone(factories.PHONE) not in body
    assert "http" not in body


def test_nobody_is_warned_where_nobody_was_exposed(scene):
    with pytest.raises(InvalidInput), scene.store.unit() as session:
        response_requests.request_customer_warning(
            session, scene.reference, scene.ines, scene.ana, SINCE, NOW, "why it is to be", NOW
        )


def test_the_last_supervisor_is_not_suspended(scene):
    with scene.store.unit() as session:
        for item in (scene.ana, scene.ines):
            session.get_one(Staff, item).totp_secret = b"x"
        session.get_one(Staff, scene.ana).role = "supervisor"
        session.flush()
        bootstrap.finish_bootstrap(session, NOW)
    with pytest.raises(Conflict, match="last_supervisor"):
        scene.ask()
    with scene.store.unit() as session:
        other = factories.an_agent(session, NOW, role="supervisor")
        other.totp_secret = b"x"
        session.add(other)
    scene.approve(scene.ask(), scene.ivo)
    assert scene.steps()[0] == "suspended"
