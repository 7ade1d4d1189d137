"""I2: the key of the blind index changes while all works on: everything stays found, nothing is
there twice, and no opt-out is ever lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import Session, SQLModel, col, select

from channels.cli import rotate_index_key
from incidents.reports import report_fields, signals, submission
from incidents.reports.models import Report, SignalRecord
from messaging import inbox, line_types, opt_outs
from messaging.providers.simulator import message_store, phone_modes
from people.customer_import.upsert import upsert_rows
from people.customer_import.validation import ImportRow, ImportRules
from people.customers import customer_records
from people.errors import InvalidInput
from people.models import Customer
from people.passkeys import credential_records
from people.staff import staff_records
from procedures import erasure
from scheduling import callback_fields, callback_rows
from scheduling.booking import cancellations, idempotency
from scheduling.errors import WrongState
from scheduling.models import Callback
from storage.session import core_transaction
from tests import databases, factories
from tests.channels.support import context
from tests.processes import at_once
from tests.security_rules.support import cost_counters, failed_check_cases, sealed_columns
from tests.security_rules.support.check_channels import SETTINGS
from tests.security_rules.support.crash_helpers import Fuse, until_killed
from vault.keys import index_key_cache, index_key_rotation, keyring
from vault.keys.blind_index import CURRENT, KNOWN, ONLY, form_generation
from vault.models import AuditEntry, PurposeKey
from verification import call_session, call_status, number_proof, page_number_check
from verification.code_check import check_code
from verification.models import Code
from verification.verdicts import Channel, Genuine, NotConfirmed

NOW = datetime(2026, 11, 24, 10, 0, 30, tzinfo=UTC)
PHONE, OTHER = factories.PHONE, factories.OTHER_PHONE


def forms(store: databases.Store, column: str) -> list[bytes]:
    """What of a column are forms: not decoys, nor placeholders of somebody erased."""
    with store.unit() as session:
        held = [value for _, value in sealed_columns.values(session, column)]
    return [item for item in held if form_generation(item) >= 0 and item[:8] != bytes(8)]


def all_forms(store: databases.Store) -> list[bytes]:
    return [form for column in sealed_columns.INDEXES for form in forms(store, column)]


def step(store: databases.Store, before: str | None, after: str) -> None:
    with store.unit() as session:
        if before is None:
            index_key_rotation.begin_index_rotation(session, store.master, NOW)
        else:
            name = index_key_rotation.lock_newest_index_key(session).purpose
            assert index_key_rotation.advance_index_rotation(session, name, before, after, NOW)
        keyring.lock_index_keys(session)


def move_all(store: databases.Store) -> int:
    moved = 0
    for column in index_key_rotation.list_index_columns(SQLModel.metadata):
        after, going = None, True
        while going:
            with store.unit() as session:
                count, after = index_key_rotation.move_next_rows(
                    session, column, after, rotate_index_key.INDEX_MOVERS
                )
            moved, going = moved + count, after is not None
    return moved


def stages(store: databases.Store) -> Iterator[str]:
    """A rotation from before its begin to after its end, halfway through included."""
    yield "before"
    step(store, None, KNOWN)
    yield "known"
    step(store, KNOWN, CURRENT)
    yield "current"
    for column in index_key_rotation.list_index_columns(SQLModel.metadata):
        with store.unit() as session:
            index_key_rotation.move_next_rows(session, column, None, rotate_index_key.INDEX_MOVERS)
        if str(column).startswith("opt_out"):
            yield "halfway"
    move_all(store)
    yield "moved"
    step(store, CURRENT, ONLY)
    yield "after"


def find_customer(session: Session, phone: str) -> Any:
    return customer_records.find_by_phone(session, phone)


def find_code(session: Session, phone: str) -> Any:
    return call_status.find_active_call(session, phone, NOW)


def find_key(session: Session, phone: str) -> Any:
    """Gives what was claimed, since another request under its key is refused."""
    owner = session.exec(select(Callback.agent_id).order_by(col(Callback.id))).first()
    return (
        idempotency.claim_idempotency_key(session, owner, f"k{phone}", b"x", NOW).callback_id
        is None
    )


#: How a row is found by each column, with the number that its owner has.
FINDERS: dict[str, Callable[[Session, str], Any]] = {
    "customer.phone_index": find_customer,
    "customer.external_ref_index": lambda s, p: customer_records.find_by_external_ref(
        s, f"crm-{p}"
    ),
    "staff.email_index": lambda s, p: staff_records.find_staff_by_email(s, f"a{p[1:]}@example.org"),
    "callback.ticket_index": lambda s, p: callback_fields.find_customer_by_ticket(s, "T-1001"),
    "code.phone_index": find_code,
    "inbound_text.sender_index": lambda s, p: inbox.was_helped_recently(s, p, "", NOW),
    "demo_text.phone_index": lambda s, p: message_store.list_simulated_texts(s, NOW, p),
    "opt_out.phone_index": opt_outs.is_opted_out,
    "line_kind.phone_index": lambda s, p: line_types.find_line_type(s, p, NOW),
    "demo_line.phone_index": phone_modes.find_simulator_mode,
    "report.phone_index": lambda s, p: s.exec(_REPORTS.where(_reported(s, p))).first(),
    "stream_item.phone_index": lambda s, p: signals._latest_failed_checks(
        s, keyring.current_keyring(s).compute_search_forms("phone", p), NOW
    ),
    "idempotency_key.key_hash": find_key,
    "idempotency_key.request_hash": find_key,
    "passkey.credential_index": lambda s, p: credential_records.lock_passkey(s, p.encode()),
    "number_proof.phone_index": lambda s, p: page_number_check._lock_open_proof(
        s, keyring.current_keyring(s).compute_search_forms("phone", p)
    ),
}
_REPORTS = select(Report.id)


def _reported(session: Session, phone: str) -> Any:
    return col(Report.phone_index).in_(
        keyring.current_keyring(session).compute_search_forms("phone", phone)
    )


def a_findable_life(store: databases.Store, phone: str) -> None:
    """Create a person of whose data each blind index column holds something."""
    with store.unit() as session:
        factories.a_customer(session, NOW, phone, external_ref=f"crm-{phone}")
        submission.submit_for_reference(session, report_fields.ReportSubmission(phone, "web"), NOW)
        factories.an_agent(session, NOW, email=f"a{phone[1:]}@example.org")
        number_proof.issue_page_number(session, phone, "text", factories.a_policy(), NOW)
    factories.a_call(store, NOW, phone)
    with store.unit() as session:
        phone_modes.set_simulator_mode(session, phone, phone_modes.SimulatorMode.LATE, 3, NOW)
        message_store.store_simulated_text(session, phone, "hello", NOW, outgoing=True)
        opt_outs.record_opt_out(session, phone, NOW)
        line_types.record_line_type(session, phone, "landline", NOW)
        session.add(unconfirmed(session, phone))
        member = staff_records.find_staff_by_email(session, f"a{phone[1:]}@example.org")
        credential_records.store_passkey(
            session, member.id, phone.encode(), b"key", 0, "phone", NOW
        )
        inbox.record_once(session, f"SM{phone}", phone, "other", NOW)
        first = session.exec(select(Callback.agent_id).order_by(col(Callback.id))).first()
        idempotency.claim_idempotency_key(session, first, f"k{phone}", b"x", NOW)


def unconfirmed(session: Session, phone: str) -> SignalRecord:
    return SignalRecord(
        kind=signals.UNCONFIRMED,
        at=NOW + timedelta(seconds=1),
        channel="web",
        proven=False,
        phone_index=keyring.current_keyring(session).compute_blind_index("phone", phone),
    )


def lost(store: databases.Store, phone: str) -> list[str]:
    with store.unit() as session:
        return [name for name, find in FINDERS.items() if not find(session, phone)]


def test_every_column_of_a_blind_index_is_moved_and_has_a_row_here():
    known = {
        f"{c.table.name}.{c.name}" for c in index_key_rotation.list_index_columns(SQLModel.metadata)
    }
    gone_in_seconds = {"code.unmet"}
    assert known == sealed_columns.INDEXES - gone_in_seconds == set(FINDERS)


def test_all_is_found_at_every_stage_whenever_it_was_written(store):
    written: list[str] = []
    for rotation in range(2):
        for stage in stages(store):
            if rotation == 0 or stage == "known":
                written.append(factories.a_phone())
                a_findable_life(store, written[-1])
            assert {item: lost(store, item) for item in written if lost(store, item)} == {}, stage
        assert {form_generation(form) for form in all_forms(store)} == {rotation + 1}
    nobody = {"callback.ticket_index", "idempotency_key.key_hash", "idempotency_key.request_hash"}
    assert set(lost(store, factories.a_phone())) == set(FINDERS) - nobody


def test_the_former_key_finds_nothing_that_is_left(store):
    """An attacker who has the former key and tries all numbers gets only noise."""
    a_findable_life(store, PHONE)
    before = set(all_forms(store))
    *_, _last = stages(store)
    assert before.isdisjoint(all_forms(store))
    tails = {form[-16:] for form in all_forms(store)}
    assert tails.isdisjoint(before)


def another_call(store: databases.Store) -> None:
    """Booked for right after the one in progress, and started while that still lasts."""
    with store.unit() as session:
        customer = customer_records.find_by_phone(session, PHONE)
        ahead = timedelta(minutes=15)
        callback = factories.a_callback(session, NOW, customer=customer, ahead=ahead)
    with store.unit() as session:
        held = callback_rows.get_held_callback(session, callback.id, callback.agent_id)
        call_session.start_call(session, held, factories.a_policy(), NOW + timedelta(minutes=11))


def checked(store: databases.Store, code: str) -> Any:
    with core_transaction(store.engine, keyring.keyring_session_info(store.ring)) as unit:
        return check_code(unit, PHONE, code, Channel.WEB, NOW, organisation="Example Bank")


def test_a_call_begun_under_the_former_key_is_confirmed_at_every_later_stage(store):
    passing = stages(store)
    next(passing)
    call = factories.a_call(store, NOW, PHONE)
    for _ in passing:
        with pytest.raises(WrongState, match="another_call_going_on"):
            another_call(store)
        cancel_all(store)
    assert isinstance(checked(store, factories.wrong(call.code)), NotConfirmed)
    assert isinstance(checked(store, call.code), Genuine)


def cancel_all(store: databases.Store) -> None:
    with store.unit() as session:
        for row in session.exec(select(Callback).where(col(Callback.state) == "booked")):
            cancellations.cancel_booked_callback(session, row, factories.a_policy(), NOW)


def test_nobody_is_added_twice_at_any_stage(store):
    with store.unit() as session:
        factories.a_customer(session, NOW, PHONE, external_ref="crm-1")
        factories.an_agent(session, NOW, email="ana@example.org")
    rules = ImportRules(("en",), "GB", (), "Europe/London")
    for _ in stages(store):
        for phone, ref in ((PHONE, "crm-2"), (OTHER, "crm-1")):
            with pytest.raises(InvalidInput), store.unit() as session:
                factories.a_customer(session, NOW, phone, external_ref=ref)
        with pytest.raises(InvalidInput), store.unit() as session:
            factories.an_agent(session, NOW, email="ana@example.org")
        row = ImportRow(2, "crm-9", PHONE, "Gwen Jones", "", "")
        with store.unit() as session:
            assert len(upsert_rows(session, [row], rules, NOW, dry_run=True).problems) == 1


def test_a_check_that_failed_is_one_of_its_number_at_every_stage(store):
    """Told first by a process that knows less of the rotation than the one that collects."""
    with store.unit() as session:
        owner = factories.a_customer(session, NOW, PHONE).id
    for number, _stage in enumerate(stages(store)):
        assert isinstance(checked(store, "000000"), NotConfirmed)
        with store.unit() as session:
            signals.record_failed_checks(session, NOW)
        (item,) = store.all(select(SignalRecord))
        assert (item.times, item.customer_id) == (number + 1, owner)


def test_an_erased_customer_leaves_nothing_behind_at_any_stage(store):
    for number, _stage in enumerate(stages(store)):
        phone = f"+4474001{number:05d}"
        with store.unit() as session:
            made = factories.a_customer(session, NOW, phone)
            line_types.record_line_type(session, phone, "landline", NOW)
            inbox.record_once(session, f"SM{phone}", phone, "other", NOW)
    passing = stages(store)
    for number in range(5):
        next(passing)
        with store.unit() as session:
            made = customer_records.find_by_phone(session, f"+4474001{number:05d}")
            erasure.erase_customers(session, [made.id], keyring_actor(), NOW, "asked")
        assert len(forms(store, "line_kind.phone_index")) == 5 - number
        assert len(forms(store, "inbound_text.sender_index")) == 5 - number


def keyring_actor() -> Any:
    from vault.audit import audit_log

    return audit_log.SYSTEM


@pytest.mark.parametrize("wanted", [True, False])
def test_an_opt_out_is_what_its_owner_said_last_at_every_stage(store, wanted):
    """Said before, and taken back or said again at a later stage."""
    phones = [f"+4474002{n:05d}" for n in range(6)]
    with store.unit() as session:
        for one_phone in phones:
            opt_outs.record_opt_out(session, one_phone, NOW)
    for phone, _ in zip(phones, stages(store), strict=True):
        with store.unit() as session:
            (opt_outs.record_opt_out if wanted else opt_outs.record_opt_in)(session, phone, NOW)
        with store.unit() as session:
            out = [one_phone for one_phone in phones if opt_outs.is_opted_out(session, one_phone)]
        assert out == (phones if wanted else phones[phones.index(phone) + 1 :])


@pytest.mark.both
def test_opt_outs_hold_while_they_are_moved_and_said_again_by_many(store, monkeypatch):
    """Processes that move, opt out again and look, all at once: at no look is one missing."""
    monkeypatch.setattr(index_key_rotation, "BATCH_SIZE", 5)
    phones = [f"+4474003{n:05d}" for n in range(60)]
    with store.unit() as session:
        for phone in phones:
            opt_outs.record_opt_out(session, phone, NOW)
    step(store, None, KNOWN)
    step(store, KNOWN, CURRENT)

    def act(n: int) -> int:
        other, missing = databases.opened(store.url, wait_seconds=60), 0
        if n < 2:
            index_move_all(other)
        for phone in phones:
            if n in (2, 3):
                with other.unit() as session:
                    opt_outs.record_opt_out(session, phone, NOW)
            with other.unit(read_only=True) as session:
                missing += not opt_outs.is_opted_out(session, phone)
        return missing

    acts = [partial(act, n) for n in range(6)]
    assert at_once(acts, lambda: store.engine.dispose(close=False)) == [0] * 6
    move_all(store)
    found = forms(store, "opt_out.phone_index")
    assert (len(found), {form_generation(item) for item in found}) == (60, {1})


def index_move_all(store: databases.Store) -> None:
    """As the command does, which tries again what met another's work."""
    from sqlalchemy.exc import DBAPIError

    for _ in range(50):
        try:
            move_all(store)
            return
        except DBAPIError:
            continue
    raise AssertionError("it never came through")


@pytest.mark.both
def test_many_who_add_the_same_numbers_while_the_key_changes_add_each_once(store):
    """Each process knows of a rotation only what it read, and none adds what another has."""
    numbers = [f"+4474004{n:05d}" for n in range(40)]

    def act(n: int) -> int:
        other, added = databases.opened(store.url, wait_seconds=60), 0
        other.ring.load_all_keys()
        if n == 0:
            step(other, KNOWN, CURRENT)
            return 0
        for number in numbers:
            try:
                with other.unit() as session:
                    factories.a_customer(session, NOW, number)
                added += 1
            except InvalidInput:
                continue
        return added

    step(store, None, KNOWN)
    acts = [partial(act, n) for n in range(6)]
    assert sum(at_once(acts, lambda: store.engine.dispose(close=False))) == len(numbers)
    move_all(store)
    with store.unit() as session:
        assert session.exec(select(func.count()).select_from(Customer)).one() == len(numbers)


def test_a_process_goes_by_what_it_knows_for_no_longer_than_it_may(store, clock):
    ticks = [0.0]
    ring = keyring.Keyring(store.master, store.engine, ticks=lambda: ticks[0])
    assert len(ring.compute_search_forms("phone", PHONE)) == 1
    step(store, None, KNOWN)
    ticks[0] = 14
    assert len(ring.compute_search_forms("phone", PHONE)) == 1
    ticks[0] = 31
    assert len(ring.compute_search_forms("phone", PHONE)) == 2
    assert timedelta(seconds=60) <= index_key_rotation.PROPAGATION_DELAY


def test_a_rotation_never_goes_back_in_what_a_process_knows(store):
    ring = store.ring
    with store.unit() as session:
        rows = session.connection().execute(index_key_cache.INDEX_ROWS).all()
    for earlier, later in pairwise(["before", "known", "current", "after"]):
        assert earlier != later
    step(store, None, KNOWN)
    step(store, KNOWN, CURRENT)
    ring._index.accept_key_rows(rows)  # of a thread that was slow
    assert len(ring.compute_search_forms("phone", PHONE)) == 2


@pytest.mark.settings(**SETTINGS)
@pytest.mark.parametrize("channel", failed_check_cases.CHANNELS)
def test_a_check_takes_the_same_work_whatever_the_answer_at_every_stage(
    app, database, clock, channel
):
    """Rule C5, and no statement more than without a rotation."""
    there = databases.opened(database)
    ring = context(app).ring
    cost_counters.stop_reloads(ring)
    shapes = set()
    for _ in stages(there):
        with there.unit() as session:
            ring.refresh_index_keys(session)
        ways = failed_check_cases.ways(there, clock.now)
        failed_check_cases.CHANNELS[channel](app, failed_check_cases.UNKNOWN, "000000")
        for asked in ways.values():
            with cost_counters.statements(context(app).engine) as made:
                failed_check_cases.CHANNELS[channel](app, *asked)
            shapes.add(tuple(made))
        forget_calls(there)
    assert len(shapes) == (2 if channel == "text" else 1)


def forget_calls(store: databases.Store) -> None:
    with store.unit() as session:
        for code in session.exec(select(Code).where(col(Code.closed_at).is_(None))):
            if code.callback_id is not None:
                code.closed_at, code.secret = NOW, None


@pytest.mark.both
def test_killed_anywhere_it_is_run_again_and_nothing_is_lost(store, monkeypatch):
    monkeypatch.setattr(index_key_rotation, "BATCH_SIZE", 3)
    phones = [f"+4474005{n:05d}" for n in range(9)]
    with store.unit() as session:
        for phone in phones:
            factories.a_customer(session, NOW, phone)
            opt_outs.record_opt_out(session, phone, NOW)
    call = factories.a_call(store, NOW, PHONE)

    def work_of(other: databases.Store, _fuse: Fuse) -> None:
        if other.ring.index_keys().state == ONLY and len(other.ring.index_keys().keys) == 1:
            step(other, None, KNOWN)
        if other.ring.index_keys().state == KNOWN:
            step(other, KNOWN, CURRENT)
        move_all(other)

    acts, killed = 3, True
    while killed:
        killed = until_killed(store.url, acts, work_of)
        with databases.opened(store.url).unit() as session:
            assert all(customer_records.find_by_phone(session, phone) for phone in phones)
            assert all(opt_outs.is_opted_out(session, phone) for phone in phones)
            assert call_status.find_active_call(session, PHONE, NOW) is not None
        acts += 11
    store.ring.__init__(store.master, store.engine)
    assert {form_generation(form) for form in all_forms(store)} == {1}
    assert isinstance(checked(store, call.code), Genuine)


def run(app: Any, clock: Any, monkeypatch: Any) -> Any:
    def pause(seconds: float) -> None:
        clock.now += timedelta(seconds=seconds)

    monkeypatch.setattr(rotate_index_key, "_pause", pause)
    return app.test_cli_runner().invoke(args=["keys", "rotate-index"])


def test_the_command_rotates_says_so_and_is_written_down(app, database, clock, monkeypatch):
    there = databases.opened(database)
    a_findable_life(there, PHONE)
    count, began = len(all_forms(there)), clock.now
    told = run(app, clock, monkeypatch)
    assert told.exit_code == 0, told.output
    assert f"{count} values are found by index-1." in told.output
    assert "The one before finds nothing any more by itself" in told.output
    assert "All get to know the new key: 60 seconds left." in told.output
    assert "All get to know the new key: 15 seconds left." in told.output
    assert clock.now - began >= 2 * index_key_rotation.PROPAGATION_DELAY
    assert {form_generation(form) for form in all_forms(there)} == {1}
    found = there.all(select(AuditEntry).where(col(AuditEntry.action).startswith("keys.")))
    assert [item.detail for item in found] == ["index-1", "index-1 current", "index-1 alone"]
    assert "index-2 is the key" in run(app, clock, monkeypatch).output


def test_the_command_goes_on_where_one_was_stopped(app, database, clock, monkeypatch):
    there = databases.opened(database)
    a_findable_life(there, PHONE)

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rotate_index_key, "_pause", stop)
    assert app.test_cli_runner().invoke(args=["keys", "rotate-index"]).exit_code != 0
    told = run(app, clock, monkeypatch)
    assert "The rotation to index-1 continues." in told.output
    assert "index-1 is the key" in told.output
    assert len(there.all(select(PurposeKey).where(col(PurposeKey.purpose) == "index-2"))) == 0


@pytest.mark.both
def test_two_commands_at_once_do_one_rotation(store, monkeypatch):
    """Not the waiting, which the command's own test has, but all that writes."""
    monkeypatch.setattr(index_key_rotation, "BATCH_SIZE", 4)
    phones = [f"+4474006{n:05d}" for n in range(30)]
    with store.unit() as session:
        for phone in phones:
            factories.a_customer(session, NOW, phone)
            opt_outs.record_opt_out(session, phone, NOW)

    def act() -> str:
        other = databases.opened(store.url, wait_seconds=60)
        with other.unit() as session:
            name = index_key_rotation.begin_index_rotation(session, other.master, NOW)[0].purpose
        with other.unit() as session:
            index_key_rotation.advance_index_rotation(session, name, KNOWN, CURRENT, NOW)
            keyring.lock_index_keys(session)
        index_move_all(other)
        return name

    prepare = partial(store.engine.dispose, close=False)
    assert at_once([act] * 4, prepare) == ["index-1"] * 4
    step(store, CURRENT, ONLY)
    with store.unit() as session:
        assert all(customer_records.find_by_phone(session, phone) for phone in phones)
        assert all(opt_outs.is_opted_out(session, phone) for phone in phones)
