"""A trace over a store of ours, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from incidents.leak_tracing import access_counts, access_data, service
from incidents.leak_tracing.model_types import EVERYTHING, OUTSIDE
from incidents.leak_tracing.models import AccessTally, AccessTallyCursor
from incidents.reports import report_fields, submission
from people.models import Membership, Team
from tests import factories
from tests.incidents.leak_tracing.stores import LOOKED, NOW, a_scene, report
from vault.audit.models import AuditState
from vault.models import AuditEntry


@pytest.fixture
def scene(store):
    return a_scene(store)


def trace(scene, by=None):
    with scene.store.unit() as session:
        return service.trace_recent_signals(session, by, NOW)


def settled(scene, entry_id: int) -> None:
    """As the audit log's tree says once an hour has gone by."""
    with scene.store.unit() as session:
        state = session.get(AuditState, 1) or AuditState(next_at=NOW)
        state.settled_id = entry_id
        session.add(state)


def keep_up(scene) -> None:
    with scene.store.unit() as session:
        access_counts.update_access_tally(session, NOW)


def test_the_insider_leads_by_the_audit_log_and_the_reports(scene):
    insider = scene.staff[2]
    report(scene, insider)
    found = trace(scene, scene.staff[-1])
    assert found.rows[0].source == str(insider)
    assert found.leading is not None
    assert found.leading.seen == 12
    assert found.customers == 14
    assert sum(row.posterior for row in found.rows) == pytest.approx(1)
    assert {row.source for row in found.rows} == {OUTSIDE, EVERYTHING, *map(str, scene.staff)}
    told = scene.store.all(select(AuditEntry).where(AuditEntry.action == "leak.trace"))
    assert [entry.staff_id for entry in told] == [scene.staff[-1]]


def test_a_look_after_the_call_is_no_look_before_it(scene):
    insider, desk = scene.staff[2], scene.staff[3]
    report(scene, insider)
    for customer in scene.seen[insider]:
        scene.look(desk, customer, NOW - timedelta(days=3))
    row = next(row for row in trace(scene).people if row.source == str(desk))
    assert row.seen < 6
    assert row.involved < 0.1


def test_a_report_without_a_time_is_of_a_while_before_it(scene):
    """So that the agent who takes the complaint has not seen its customer before the call."""
    desk = scene.staff[3]
    fresh = [
        one_customer for one_customer in scene.customers if one_customer[0] not in scene.seen[desk]
    ][:4]
    with scene.store.unit() as session:
        for _, phone in fresh:
            submission.submit_for_reference(
                session, report_fields.ReportSubmission(phone, "web"), NOW
            )
    for customer, _ in fresh:
        scene.look(desk, customer, NOW - timedelta(minutes=5))
    row = next(row for row in trace(scene).people if row.source == str(desk))
    assert (row.seen, row.late) == (0, 4)


def test_the_tally_counts_each_customer_of_each_reader_once(scene):
    ana = scene.staff[0]
    first = scene.store.all(select(AuditEntry.id).order_by(AuditEntry.id.desc()))[0]
    with scene.store.unit() as session:
        before = access_data.load_access_records(session).sources
    settled(scene, first)
    keep_up(scene)
    again = next(iter(scene.seen[ana]))
    scene.look(ana, again, NOW)  # seen before
    other = next(c for c, _ in scene.customers if c not in scene.seen[ana])
    scene.look(ana, other, NOW)
    scene.look(ana, other, NOW)
    with scene.store.unit() as session:
        after = access_data.load_access_records(session).sources
    end = NOW.timestamp() / 86400
    for who in scene.staff:
        expected = before[str(who)].count_until(end) + (who == ana)
        assert after[str(who)].count_until(end) == expected
    assert after[str(ana)].count_until(LOOKED.timestamp() / 86400) == 12


def test_counting_on_does_not_change_what_was_found(scene):
    insider = scene.staff[1]
    report(scene, insider)
    first = trace(scene)
    for upto in (10, 25, 60, 61, 200):
        settled(scene, upto)
        keep_up(scene)
        assert [row.source for row in trace(scene).rows] == [row.source for row in first.rows]
        for one, other in zip(trace(scene).rows, first.rows, strict=True):
            assert one.posterior == pytest.approx(other.posterior)
    mark = scene.store.all(select(AccessTallyCursor))[0]
    assert (mark.entry_id, mark.customers) == (200, 60)
    assert scene.store.all(select(AccessTally))


def test_customers_who_came_since_the_days_count_are_counted(scene):
    keep_up(scene)
    assert scene.store.all(select(AccessTallyCursor.customers)) == [60]
    with scene.store.unit() as session:
        for _ in range(40):
            factories.a_customer(session, NOW)
        assert access_data.load_access_records(session).population == 100


def test_an_entry_that_may_still_turn_up_is_not_passed_by(scene):
    settled(scene, 5)
    keep_up(scene)
    assert scene.store.all(select(AccessTallyCursor.entry_id)) == [5]


def test_of_two_who_keep_up_at_once_each_entry_counts_once(scene):
    from concurrent.futures import ThreadPoolExecutor

    settled(scene, 10_000)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: keep_up(scene), range(8)))
    with scene.store.unit() as session:
        settled_days = access_counts.load_daily_first_accesses(session).fresh.values()
    assert sum(map(sum, settled_days)) == 6 * 12
    assert scene.store.all(select(AccessTally))


def test_teams_are_sources_of_their_own(scene):
    with scene.store.unit() as session:
        team = Team(name="North", created_at=NOW)
        session.add(team)
        session.flush()
        session.add_all(Membership(staff_id=who, team_id=team.id) for who in scene.staff[:3])
        session.flush()
        groups = access_data.load_access_records(session).groups
    assert [len(group.members) for group in groups.values()] == [3]


def test_a_number_that_is_no_customers_is_counted_as_such(scene):
    with scene.store.unit() as session:
        submission.submit_for_reference(
            session, report_fields.ReportSubmission("+447400999999", "web"), NOW
        )
    found = trace(scene)
    assert (found.customers, found.strays) == (0, 1)
    assert found.leading is None


def test_an_access_shows_what_it_shows(scene):
    ringing, reading = scene.staff[4], scene.staff[0]
    seen_by_both = scene.seen[ringing] | scene.seen[reading]
    customer = next(c for c, _ in scene.customers if c not in seen_by_both)
    scene.look(ringing, customer, LOOKED, "to ring them")
    scene.look(reading, customer, LOOKED, "own day")
    with scene.store.unit() as session:
        sights = access_data.load_first_accesses(session, [customer])[customer]
    assert sights[str(ringing)].shown == {"phone"}
    assert {"name", "ticket"} <= (sights[str(reading)].shown or set())
