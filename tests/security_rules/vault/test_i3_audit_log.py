"""I3: a holder of an old checkpoint finds every edit, removal, swap, cut and rewrite of the log,
though the liar has the whole database and the log's own key."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlmodel import Session, col

from storage.column_types import new_id
from storage.session import transaction
from tests import databases
from tests.processes import at_once
from vault.audit import (
    audit_log,
    checkpoints,
    log_state,
    log_verification,
    merkle,
    proofs,
    sequencer,
)
from vault.audit.models import AuditCheckpoint, AuditRun, AuditState, AuditTile
from vault.audit.signed_notes import Checkpoint, InvalidNote, open_checkpoint
from vault.audit.tiles import Tiles
from vault.keys import keyring
from vault.models import AuditEntry

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ORIGIN = "bank.example/vouchline"
ENTRY = AuditEntry.__table__
STAFF, CUSTOMERS = [new_id() for _ in range(5)], [new_id() for _ in range(9)]


def write(store, count: int, start: int = 0) -> None:
    with store.unit() as session:
        for n in range(start, start + count):
            actor, moment = audit_log.staff_actor(STAFF[n % 5]), NOW + timedelta(seconds=n)
            customer = CUSTOMERS[n % 9]
            audit_log.record_act(
                session, actor, "customer.read", moment, customer_id=customer, purpose="x"
            )


def take_in(store, now: datetime = NOW, limit: int = sequencer.BATCH_SIZE) -> int:
    with store.unit() as session:
        return sequencer.sequence_entries(session, now, limit)


def point(store) -> Checkpoint:
    with store.unit() as session:
        made = checkpoints.create_checkpoint(session, ORIGIN, NOW)
        return open_checkpoint(made.note, checkpoints.log_signer(session, ORIGIN).verifier)


def verify(store, *known: Checkpoint) -> log_verification.VerificationResult:
    with store.unit() as session:
        return log_verification.verify_log(session, known)


def log_of(store, *sizes: int) -> list[Checkpoint]:
    """A log that grew to these sizes, with a checkpoint of each."""
    found, size = [], 0
    for one_size in sizes:
        write(store, one_size - size, size)
        take_in(store)
        found.append(point(store))
        size = one_size
    return found


def ids(store) -> list[int]:
    with store.unit() as session:
        return list(session.exec(select(AuditEntry.id).order_by(AuditEntry.id)).scalars())


def test_an_untouched_log_is_good_however_it_was_taken_in(store):
    write(store, 700)
    while take_in(store, limit=97):
        pass
    first = point(store)
    write(store, 20, 700)
    take_in(store)
    second = point(store)
    assert (first.size, second.size) == (700, 720)
    found = verify(store, first, second)
    assert (found.size, found.covered, found.bad) == (720, 720, "")
    write(store, 3, 720)
    take_in(store)
    assert verify(store, first).covered == 700


def test_an_empty_log_and_one_without_checkpoints_are_good(store):
    assert verify(store).bad == ""
    write(store, 3)
    take_in(store)
    assert verify(store).bad == ""


def test_entries_that_commit_out_of_order_all_get_their_place(store):
    """On PostgreSQL an id is given out before its transaction commits."""
    write(store, 10)
    held = ids(store)[4]
    with store.unit() as session:
        row = session.connection().execute(select(ENTRY).where(ENTRY.c.id == held)).mappings().one()
        late = dict(row)
        session.connection().execute(delete(ENTRY).where(ENTRY.c.id == held))
    assert take_in(store) == 9
    early = point(store)
    with store.unit() as session:
        session.connection().execute(insert(ENTRY).values(**late))
    assert take_in(store) == 1
    assert verify(store, early, point(store)) == log_verification.VerificationResult(10, 10)
    with store.unit() as session:
        assert proofs.find_entry_place(session, held) == 9


def test_what_turns_up_long_after_is_no_entry_of_ours(store):
    write(store, 10)
    gone = ids(store)[4]
    with store.unit() as session:
        late = dict(
            session.connection().execute(select(ENTRY).where(ENTRY.c.id == gone)).mappings().one()
        )
        session.connection().execute(delete(ENTRY).where(ENTRY.c.id == gone))
    for hours in range(4):
        take_in(store, NOW + timedelta(hours=hours))
    known = point(store)
    with store.unit() as session:
        session.connection().execute(insert(ENTRY).values(**late))
    assert take_in(store, NOW + timedelta(hours=5)) == 0
    assert "1 entries stand in the table" in verify(store, known).bad


@pytest.mark.both
def test_many_who_take_in_at_once_make_one_log(store):
    write(store, 3000)

    def work() -> None:
        other = databases.opened(store.url, wait_seconds=60)
        for n in range(20):
            with other.unit() as session:
                sequencer.sequence_entries(session, NOW, 50 + n)
            with other.unit() as session:
                audit_log.record_act(session, audit_log.SYSTEM, "x.y", NOW)

    at_once([work] * 8, lambda: store.engine.dispose(close=False))
    while take_in(store):
        pass
    found = verify(store, point(store))
    assert (found.size, found.bad) == (3160, "")


COLUMNS = {
    "at": NOW - timedelta(days=1),
    "actor": "system",
    "staff_id": new_id(),
    "action": "customer.look_up",
    "customer_id": None,
    "callback_id": new_id(),
    "purpose": "ordinary",
    "detail": "nothing",
}


@pytest.mark.parametrize("column", COLUMNS)
def test_an_edit_of_any_column_is_found_and_the_entry_named(store, column):
    (known,) = log_of(store, 300)
    bad = ids(store)[123]
    with store.unit() as session:
        values = {column: COLUMNS[column]}
        session.connection().execute(update(ENTRY).where(ENTRY.c.id == bad).values(**values))
    assert f"The first bad entry: entry {bad} (place 123)" in verify(store, known).bad


def test_a_removed_entry_is_named(store):
    (known,) = log_of(store, 300)
    gone = ids(store)[200]
    with store.unit() as session:
        session.connection().execute(delete(ENTRY).where(ENTRY.c.id == gone))
    assert verify(store, known).bad == f"Entry {gone} (place 200) is gone."


def rebuilt(store) -> None:
    """Rebuild the whole tree from the existing entries: the liar's last resort."""
    with store.unit() as session:
        for table in (AuditRun, AuditTile, AuditState, AuditCheckpoint):
            session.exec(delete(table))
    while take_in(store):
        pass
    point(store)


def test_a_rewritten_log_with_a_new_tree_and_good_signatures_is_found(store):
    known = log_of(store, 100, 200, 300)
    bad = ids(store)[150]
    with store.unit() as session:
        session.connection().execute(
            update(ENTRY).where(ENTRY.c.id == bad).values(purpose="ordinary")
        )
    rebuilt(store)
    own = point(store)
    with transaction(store.engine) as session:  # by its own word it is good, but for the marks
        assert log_verification.verify_log(session, [own]).bad == ""
    assert f"Entry {bad} is not as it was written" in verify(store, own).bad
    said = verify(store, *known).bad
    assert "The first 200 entries are not those of the checkpoint." in said
    assert "at place 100 or after, and before 200" in said


def test_a_log_that_was_cut_is_found(store):
    known = log_of(store, 100, 200)
    with store.unit() as session:
        last = ids(store)[150]
        session.connection().execute(delete(ENTRY).where(ENTRY.c.id >= last))
    rebuilt(store)
    assert "The log was cut: a checkpoint tells of 200 entries" in verify(store, *known).bad


def test_a_tree_that_was_changed_is_no_way_out(store):
    (known,) = log_of(store, 300)
    with store.unit() as session:
        tile = session.get(AuditTile, (0, 0))
        tile.hashes = tile.hashes[32:64] + tile.hashes[:32] + tile.hashes[64:]
        session.add(tile)
    assert "The first bad entry" in verify(store, known).bad


def test_a_checkpoint_of_another_key_is_not_believed(store, tmp_path):
    log_of(store, 10)
    with store.unit() as session:
        note = checkpoints.find_latest_checkpoint(session).note
        other = checkpoints.log_signer(session, "other.example/log").verifier
        with pytest.raises(InvalidNote):
            open_checkpoint(note, other)
        with pytest.raises(InvalidNote):
            open_checkpoint(
                note.replace("\n10\n", "\n9\n"), checkpoints.log_signer(session, ORIGIN).verifier
            )


def test_proofs_hold_without_the_log_and_for_nothing_else(store):
    known = log_of(store, 5, 300, 777)
    with store.unit() as session:
        key = checkpoints.log_signer(session, ORIGIN).verifier
        proof = proofs.build_entry_proof(session, ids(store)[400])
        growth = {item.size: proofs.build_growth_proof(session, item.size) for item in known}
        assert proofs.build_entry_proof(session, 10**9) is None
        assert proofs.build_growth_proof(session, 778) is None
    assert "entry 400 of the 777" in proofs.verify_proof(proof, key, None)
    for item in known:
        assert "begins with" in proofs.verify_proof(growth[item.size], key, item)
    for wrong in (
        {**proof, "place": 401},
        {**proof, "entry": proof["entry"].replace("customer.read", "customer.seen")},
        {**proof, "path": proof["path"][1:]},
        {"path": []},
        growth[300],
    ):
        with pytest.raises((proofs.InvalidProof, InvalidNote)):
            proofs.verify_proof(wrong, key, None)
    with pytest.raises(proofs.InvalidProof):
        proofs.verify_proof(growth[300], key, Checkpoint(ORIGIN, 300, bytes(32)))


def test_the_nodes_in_the_store_are_those_of_the_definition(store):
    log_of(store, 257, 600)
    with store.unit() as session:
        tiles = Tiles(session)
        leaves = [tiles(0, n) for n in range(600)]
        for level in range(1, 10):
            for index in range(600 >> level):
                part = leaves[index << level : (index + 1) << level]
                frontier = merkle.Frontier()
                for leaf in part:
                    frontier.append_leaf(leaf)
                assert tiles(level, index) == frontier.root
        with pytest.raises(KeyError):
            tiles(9, 1)
        assert session.exec(select(func.count()).select_from(AuditTile)).scalar() == 4


def edit(rng, session, rows):
    row = rng.choice(rows)
    column, value = rng.choice(list(COLUMNS.items()))
    if column == "at":
        value = NOW - timedelta(seconds=rng.randrange(1, 10**6))
    if isinstance(value, str):
        value = f"{value}{rng.randrange(10**6)}"[:16]
    session.connection().execute(update(ENTRY).where(ENTRY.c.id == row).values(**{column: value}))


def remove(rng, session, rows):
    some = rng.sample(rows, rng.randrange(1, 4))
    session.connection().execute(delete(ENTRY).where(ENTRY.c.id.in_(some)))


def swap(rng, session, rows):
    one, other = rng.sample(rows, 2)
    found = {
        row["id"]: {**row, "id": other if row["id"] == one else one}
        for row in session.connection()
        .execute(select(ENTRY).where(ENTRY.c.id.in_([one, other])))
        .mappings()
    }
    session.connection().execute(delete(ENTRY).where(ENTRY.c.id.in_([one, other])))
    session.connection().execute(insert(ENTRY), list(found.values()))


def cut(rng, session, rows):
    session.connection().execute(delete(ENTRY).where(ENTRY.c.id >= rng.choice(rows)))


def reorder(rng, session, rows):
    """Another order in the log's own tables."""
    run = session.exec(select(AuditRun).order_by(col(AuditRun.place)).limit(1)).scalar()
    half = rng.randrange(1, run.count)
    second = AuditRun(place=half, first_id=run.first_id, count=run.count - half)
    first_id, run.first_id = run.first_id, run.first_id + run.count - half
    run.count = half
    session.add(run)
    session.flush()
    second.first_id = first_id
    session.add(second)


def nudge(rng, session, rows):
    """A time by a microsecond."""
    row = rng.choice(rows)
    at = session.connection().execute(select(ENTRY.c.at).where(ENTRY.c.id == row)).scalar_one()
    moved = at + timedelta(microseconds=rng.choice((-1, 1)))
    session.connection().execute(update(ENTRY).where(ENTRY.c.id == row).values(at=moved))


def neighbours(rng, session, rows):
    """Two entries of one transaction change places."""
    at = rng.randrange(len(rows) - 1)
    swap(rng, session, rows[at : at + 2])


def regrow(rng, session, rows):
    """The end is cut off, and as much of something else grows there."""
    first = rows[rng.randrange(len(rows))]
    gone = [row for row in rows if row >= first]
    session.connection().execute(delete(ENTRY).where(ENTRY.c.id >= first))
    entry = {"at": NOW, "actor": "system", "action": "x.y", "purpose": "", "detail": ""}
    session.connection().execute(insert(ENTRY), [{**entry, "id": row} for row in gone])


def double(rng, session, rows):
    """The last leaf is there twice (CVE-2012-2459)."""
    last = session.connection().execute(select(ENTRY).where(ENTRY.c.id == rows[-1])).mappings()
    fields = dict(last.one())
    session.connection().execute(delete(ENTRY).where(ENTRY.c.id == rows[-2]))
    session.connection().execute(insert(ENTRY).values(**{**fields, "id": rows[-2]}))


ATTACKS = (edit, remove, swap, cut, reorder, nudge, neighbours, regrow, double)


@pytest.mark.campaign
@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_2500_random_attacks_each_are_all_found(store, seed):
    """Ten thousand in all, half of them with the tree rebuilt and signed with our own key."""
    rng = random.Random(seed)
    known = log_of(store, 40, 64)
    rows = ids(store)
    missed = []
    for n in range(2500):
        attack, rebuild = rng.choice(ATTACKS), rng.random() < 0.5
        with store.engine.connect() as connection:
            outer = connection.begin()
            missed += [] if _found(store, connection, attack, rng, rows, known, rebuild) else [n]
            outer.rollback()
    assert missed == []


def _found(store, connection, attack, rng, rows, known, rebuild) -> bool:
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        session.info.update(keyring.keyring_session_info(store.ring))
        attack(rng, session, rows)
        session.flush()
        if rebuild and attack is not reorder:
            for table in (AuditRun, AuditTile, AuditState, AuditCheckpoint):
                session.exec(delete(table))
            sequencer.sequence_entries(session, NOW)
            if log_state.count_sequenced_entries(session):
                checkpoints.create_checkpoint(session, ORIGIN, NOW)
        return bool(log_verification.verify_log(session, known).bad)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("rebuild", [False, True])
def test_each_kind_of_attack_is_found(store, attack, rebuild):
    rng, known, missed = random.Random(7), log_of(store, 40, 64), []
    rows = ids(store)
    for n in range(10):
        with store.engine.connect() as connection:
            outer = connection.begin()
            missed += [] if _found(store, connection, attack, rng, rows, known, rebuild) else [n]
            outer.rollback()
    assert missed == []


def test_a_leaf_that_is_there_twice_makes_another_tree():
    """CVE-2012-2459: a tree that pairs an odd last leaf with itself has one root for both."""
    for size in range(1, 70):
        leaves = [merkle.leaf_hash(bytes([n])) for n in range(size)]
        for more in range(1, size + 1):
            once, twice = merkle.Frontier(), merkle.Frontier()
            for leaf in leaves:
                once.append_leaf(leaf)
            for leaf in [*leaves, *leaves[-more:]]:
                twice.append_leaf(leaf)
            assert once.root != twice.root


@pytest.mark.parametrize(("column", "value"), [("staff_id", ""), ("at", "x"), ("customer_id", "x")])
def test_what_no_entry_can_hold_is_found_and_named(store, column, value):
    """SQLite takes any text in any column. It is a bad entry, and no traceback."""
    if store.kind != "sqlite":
        return
    (known,) = log_of(store, 20)
    bad = ids(store)[7]
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE audit_entry SET {column} = '{value}' WHERE id = {bad}")
    assert verify(store, known).bad == f"Entry {bad} (place 7) cannot be read."


def test_many_holes_are_gone_through(store):
    """Every other transaction rolled back: its id is used by nobody."""
    for start in range(0, 750, 50):
        with store.unit() as session:
            for n in range(start, start + 50):
                audit_log.record_act(session, audit_log.SYSTEM, "x.y", NOW, detail=str(n))
                undone = session.begin_nested()
                audit_log.record_act(session, audit_log.SYSTEM, "x.undone", NOW)
                undone.rollback()
    for _ in range(20):
        take_in(store, limit=100)
    write(store, 10, 1500)
    take_in(store)
    assert verify(store, point(store)) == log_verification.VerificationResult(760, 760)
