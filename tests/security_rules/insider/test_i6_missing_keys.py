"""A missing or other key is made by nobody, and what was bound once is never bound again (I6).

The attacker writes to the database and has no key. What they may reach is that nothing works.
"""

from __future__ import annotations

import multiprocessing
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from app import create_app
from channels.startup import database_upgrade
from people.approvals import bootstrap
from people.customers import customer_records
from people.models import Customer, Role, Staff
from people.staff import api_tokens, second_factor
from storage import migrate
from storage.engine import make_engine
from storage.session import transaction
from tests import databases, factories
from tests.channels.conftest import Console, make_console
from tests.processes import at_once
from tests.security_rules.support.crash_helpers import Fuse
from tests.security_rules.support.key_thief import BEARER, PLANTED, Writer
from tests.vault.test_rotation import BOTH, NEW
from vault.errors import KeyForged, KeyUnavailable, Tampered
from vault.keys import (
    field_encryption,
    index_key_rotation,
    key_register,
    key_upgrade,
    keyring,
    master_key_rotation,
    master_keys,
)
from vault.keys.aead import generate_key
from vault.keys.blind_index import CURRENT, KNOWN, ONLY
from vault.keys.keyring import Keyring
from vault.models import PurposeKey

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
SAM, ANA, IVY = "sam@example.org", "ana@example.org", "ivy@example.org"


def keys_of(engine, keys) -> dict[str, bytes]:
    with transaction(engine, read_only=True) as session:
        return key_register.open_register_and_keys(session, keys)[1]


class Scene:
    """An installation that is set up, and somebody who writes to its database."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder, self.starts = url, folder, 0
        self.first = make_console(url, folder / "first")
        self.sam = self.first.member(SAM, Role.SUPERVISOR)
        self.ivy = self.first.member(IVY, Role.INVESTIGATOR)
        self.ana = self.first.member(ANA)
        with self.first.unit() as session:
            bootstrap.finish_bootstrap(session, NOW)
            self.spare = second_factor.issue_recovery_codes(session, self.sam)
            self.bearer = api_tokens.create_api_token(
                session, session.get_one(Staff, self.ana), "", NOW
            )
        self.writer = Writer(url)
        self.engine, self.keys = self.first.context.engine, self.first.context.master

    def restart(self, **settings: object) -> Console:
        """A process that starts now. Raises ``SystemExit`` with what it says when it does not."""
        self.starts += 1
        made = make_console(self.url, self.folder / str(self.starts), **settings)
        made.moment[0] = self.first.now
        return made

    def refusal(self, **settings: object) -> str:
        with pytest.raises(SystemExit) as stopped:
            self.restart(**settings)
        assert str(stopped.value).startswith("Vouchline does not start:\n- Keys: ")
        return str(stopped.value)

    def upgrade(self) -> None:
        database_upgrade.upgrade_with_keys(self.engine, self.keys, NOW)

    def require_nobody_gets_in(self, console: Console) -> None:
        browser = console.app.test_client()
        token = CSRF.search(browser.get("/staff/sign-in").text)
        form = {"csrf_token": token[1] if token else "", **PLANTED}
        answer = browser.post("/staff/sign-in", data=form)
        assert answer.status_code in (403, 503), answer.headers.get("Location")
        answer = console.app.test_client().get("/api/v1/callbacks", headers=BEARER)
        assert answer.status_code in (401, 503)

    def require_stopped(self, word: str = "somebody changed the database") -> None:
        """Neither a start nor an upgrade, and nothing is changed by trying."""
        before = self.writer.what_lets_in()
        assert word in database_upgrade.find_key_problem(self.engine, self.keys)
        with pytest.raises(KeyForged, match=word):
            self.upgrade()
        assert self.writer.what_lets_in() == before

    def require_shut(self, word: str = "somebody changed the database") -> None:
        """The same by the application, and nobody is let in by it or by one that runs."""
        self.require_stopped(word)
        assert word in self.refusal()
        self.require_nobody_gets_in(self.first)


@pytest.fixture
def scene(database, tmp_path) -> Iterator[Scene]:
    made = Scene(database, tmp_path)
    yield made
    made.engine.dispose()
    made.writer.engine.dispose()


def start_and_upgrade(url: str, folder: Path) -> Console | None:
    """As an operator does it by command, with or without an error."""
    try:
        made = make_console(url, folder)
        made.app.test_cli_runner().invoke(args=["db", "upgrade"])
        return make_console(url, folder)
    except SystemExit:
        return None


def test_a_key_that_is_missing_at_the_upgrade_binds_no_planted_sign_in(console_of, tmp_path):
    """Was red on c916469: sam signed in with the writer's password and code, and a token worked."""
    console, sam, ana = console_of
    url = console.context.engine.url.render_as_string(hide_password=False)
    writer = Writer(url)
    writer.break_key("sign-in", "deleted")
    writer.plant(sam, ana)
    again = start_and_upgrade(url, tmp_path / "again")
    if again is not None:
        again.moment[0] = console.now
        browser = again.app.test_client()
        token = CSRF.search(browser.get("/staff/sign-in").text)[1]
        answer = browser.post("/staff/sign-in", data={"csrf_token": token, **PLANTED})
        assert answer.status_code != 303
        answer = again.app.test_client().get("/api/v1/callbacks", headers=BEARER)
        assert answer.status_code == 401


@pytest.fixture
def console_of(database, tmp_path) -> Iterator[tuple[Console, UUID, UUID]]:
    console = make_console(database, tmp_path)
    sam, ana = console.member(SAM, Role.SUPERVISOR), console.member(ANA)
    console.member(IVY, Role.INVESTIGATOR)
    yield console, sam, ana
    console.context.engine.dispose()


@pytest.mark.parametrize("how", ["deleted", "garbage", "swapped", "another store's", "early"])
def test_each_key_that_is_gone_or_another_stops_the_start(scene, how):
    """Was red on c916469 for every purpose that was deleted."""
    kept = scene.writer.rows("purpose_key")
    scene.writer.plant(scene.sam, scene.ana)
    for purpose in keyring.PURPOSES:
        scene.writer.put_back("purpose_key", kept)
        assert database_upgrade.find_key_problem(scene.engine, scene.keys) == ""
        made = {
            "another store's": scene.keys.wrap_with_master(
                generate_key(), key_register.wrap_context(purpose)
            ),
            "early": scene.keys.wrap_with_master(
                generate_key(), key_register.early_wrap_context(purpose)
            ),
        }
        if how in made:
            scene.writer.run(
                "UPDATE purpose_key SET wrapped = :w WHERE purpose = :p", w=made[how], p=purpose
            )
        else:
            scene.writer.break_key(purpose, how, "log" if purpose == "demo" else "demo")
        scene.require_stopped(f"the key for '{purpose}' is ")
        with pytest.raises(KeyForged):
            Keyring(scene.keys, scene.engine).seal_for_purpose(keyring.STAFF, "a", "b")
    scene.require_shut()


def test_a_key_of_an_earlier_time_is_not_taken_back(scene):
    """As after an approved change of a key: the former row, kept by the writer, is put back."""
    kept = scene.writer.rows("purpose_key")
    with scene.first.unit() as session:
        row, key = session.get_one(PurposeKey, "canaries"), generate_key()
        row.wrapped = scene.keys.wrap_with_master(key, key_register.wrap_context("canaries"))
        scene.first.context.ring.update_key_register(
            session,
            lambda r: key_upgrade.replace(
                r, keys={**r.keys, "canaries": key_register.register_fingerprint(key)}
            ),
        )
    scene.restart()
    scene.writer.put_back("purpose_key", kept)
    scene.require_shut("the key for 'canaries' is not the one")


def test_a_key_that_was_never_made_is_not_taken_in(scene):
    scene.writer.run(
        "INSERT INTO purpose_key (purpose, wrapped, created_at) SELECT 'index-1', wrapped,"
        " created_at FROM purpose_key WHERE purpose = 'index'"
    )
    scene.require_stopped("a key for 'index-1' that was never made")


@pytest.mark.parametrize(
    "how",
    [
        ["DELETE FROM key_register"],
        ["DROP TABLE key_register"],
        ["UPDATE key_register SET sealed = (SELECT wrapped FROM purpose_key WHERE purpose='log')"],
        ["DELETE FROM key_register", "DELETE FROM purpose_key"],
        ["DELETE FROM key_register", "DELETE FROM purpose_key WHERE purpose = 'sign-in'"],
        ["UPDATE key_register SET id = 2"],
    ],
    ids=["deleted", "dropped", "garbage", "all keys", "one key", "moved"],
)
def test_a_register_that_is_gone_is_not_written_again(scene, how):
    scene.writer.run(*how)
    scene.writer.plant(scene.sam, scene.ana)
    scene.require_shut("key register is missing or cannot be opened")


@pytest.mark.parametrize("more", ["", "DELETE FROM key_register", "DROP TABLE key_register"])
def test_a_revision_that_is_set_back_runs_no_migration_again(scene, more):
    if more:
        scene.writer.run(more)
    scene.writer.plant(scene.sam, scene.ana)
    for to in ("0001", "0016", "0023", "0027", None):
        scene.writer.run("DELETE FROM alembic_version")
        if to is not None:
            scene.writer.run("INSERT INTO alembic_version VALUES (:to)", to=to)
        scene.require_stopped()
    scene.require_shut()


def test_a_store_that_is_truly_taken_back_by_a_writer_is_not_upgraded(scene):
    """They undo the tables down to before sign-ins were bound, delete the key, and wait."""
    migrate.downgrade_store(scene.engine, "0023")
    scene.writer.plant(scene.sam, scene.ana)
    before = scene.writer.what_lets_in()
    assert "its keys are those of a later one" in scene.refusal()
    with pytest.raises(KeyForged):
        scene.upgrade()
    assert scene.writer.what_lets_in() == before


def test_a_revision_that_is_set_forward_leaves_no_step_out(scene, monkeypatch):
    ran: list[str] = []
    monkeypatch.setattr(database_upgrade, "UPGRADE_STEPS", {"0028": lambda _: ran.append("0028")})
    database_upgrade.downgrade_with_keys(scene.engine, scene.keys, "0027")
    scene.writer.run("UPDATE alembic_version SET version_num = '0028'")
    with pytest.raises(KeyForged):
        scene.upgrade()
    scene.writer.run("UPDATE alembic_version SET version_num = '0027'")
    scene.upgrade()
    assert ran == ["0028"]


def _rotated(scene: Scene) -> None:
    unit = scene.first.unit
    with unit() as session:
        index_key_rotation.begin_index_rotation(session, scene.keys, NOW)
    for before, after in ((KNOWN, CURRENT), (CURRENT, ONLY)):
        with unit() as session:
            assert index_key_rotation.advance_index_rotation(session, "index-1", before, after, NOW)


@pytest.mark.parametrize(
    "how",
    [
        "DELETE FROM purpose_key WHERE purpose = 'index'",
        "DELETE FROM purpose_key WHERE purpose = 'index-1'",
        "DELETE FROM purpose_key WHERE purpose LIKE 'index%'",
        "UPDATE purpose_key SET state = 'known' WHERE purpose = 'index-1'",
        "UPDATE purpose_key SET state = NULL WHERE purpose = 'index-1'",
        "UPDATE purpose_key SET state = 'alone' WHERE purpose = 'index'",
    ],
)
def test_index_keys_are_not_set_back(scene, how):
    """Was red on c916469: a process that started afterwards went by the former index."""
    _rotated(scene)
    ticks = [0.0]
    ring = Keyring(scene.keys, scene.engine, ticks=lambda: ticks[0])
    form = ring.compute_blind_index("phone", "+447400123456")
    scene.restart()
    scene.writer.run(how)
    ticks[0] += 60
    with suppress(KeyForged):  # one that runs knows how far it was, or fails
        assert ring.compute_blind_index("phone", "+447400123456") == form
    with pytest.raises(KeyUnavailable):
        Keyring(scene.keys, scene.engine).compute_blind_index("phone", "+447400123456")
    scene.require_stopped()


def test_the_order_of_index_keys_is_not_the_databases(scene):
    _rotated(scene)
    form = scene.first.context.ring.compute_blind_index("phone", "+447400123456")
    scene.writer.run("UPDATE purpose_key SET created_at = '2020-01-01' WHERE purpose = 'index-1'")
    assert Keyring(scene.keys, scene.engine).compute_blind_index("phone", "+447400123456") == form


def test_a_store_that_is_set_up_is_never_being_set_up_again(scene):
    """Was red on c916469: without the entry and the approvers, one at the command line is enough.

    What the log's own verification finds is not counted on here."""
    scene.writer.run(
        "DELETE FROM audit_entry WHERE action = 'approvals.close'",
        "UPDATE staff SET totp_secret = NULL",
    )
    with scene.restart().unit() as session:
        assert bootstrap.count_approvers(session) == 0
        assert not bootstrap.is_bootstrap_open(session, NOW)
    done = scene.first.app.test_cli_runner().invoke(
        args=["staff", "add", "--email", "m@example.org", "--name", "Mal", "--role", "supervisor"]
    )
    assert done.exit_code == 3, done.output


def test_a_store_without_people_is_no_new_store(scene):
    scene.writer.run(
        *(f"DELETE FROM {t}" for t in ("recovery_code", "api_token", "audit_entry", "staff"))
    )
    done = (
        scene.restart()
        .app.test_cli_runner()
        .invoke(
            args=[
                "staff",
                "add",
                "--email",
                "m@example.org",
                "--name",
                "Mal",
                "--role",
                "supervisor",
            ]
        )
    )
    assert done.exit_code == 3, done.output


def test_a_store_of_another_installation_is_refused_by_its_pin(scene, tmp_path):
    kept = scene.writer.rows("key_register"), scene.writer.rows("purpose_key")
    pin = scene.first.app.test_cli_runner().invoke(args=["keys", "pin"]).output.strip()
    scene.restart(key_register_pin=pin)
    _rotated(scene)
    scene.restart(key_register_pin=pin)
    later = scene.first.app.test_cli_runner().invoke(args=["keys", "pin"]).output.strip()
    assert later.split(":")[0] == pin.split(":")[0] and later != pin
    scene.restart(key_register_pin=later)
    scene.writer.put_back("key_register", kept[0])
    scene.writer.put_back("purpose_key", kept[1])
    assert "VOUCHLINE_KEY_REGISTER_PIN" in scene.refusal(key_register_pin=later)
    assert "VOUCHLINE_KEY_REGISTER_PIN" in scene.refusal(key_register_pin="0" * 16 + ":1")


def test_no_embedded_master_key_is_made_for_a_store_that_has_keys(tmp_path):
    """Was red on c916469: one was made beside it, and the start continued."""
    instance, path = tmp_path / "instance", tmp_path / "store.sqlite3"
    settings = databases.settings(f"sqlite:///{path}", instance, master_keys="")
    assert create_app(settings).test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
    create_app(settings)
    shutil.move(instance / "master.keys", tmp_path / "aside")
    for _ in range(2):
        with pytest.raises(SystemExit, match=r"master\.keys is missing"):
            create_app(settings)
        assert not (instance / "master.keys").exists()
    shutil.move(tmp_path / "aside", instance / "master.keys")
    create_app(settings)


def test_other_master_keys_stop_the_start(scene):
    assert "master key" in scene.refusal(master_keys=NEW)
    scene.restart()


def test_doctor_and_readyz_say_what_is_wrong(scene, monkeypatch):
    scene.writer.break_key("canaries", "deleted")
    found = scene.first.app.test_cli_runner().invoke(args=["doctor"])
    assert found.exit_code == 1
    assert "✗ Keys: the key for 'canaries' is missing from the store" in found.output
    ready = scene.first.app.test_client().get("/readyz")
    assert ready.status_code == 503
    assert ready.json["parts"]["keys"] == "not what this store had: run 'flask --app app doctor'"


def test_the_upgrade_command_says_it_in_a_sentence(scene):
    scene.writer.break_key("sign-in", "deleted")
    done = scene.first.app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: Keys: the key for 'sign-in' is missing from the store")
    assert "Traceback" not in done.output


@pytest.mark.parametrize("revision", ["0001", "0005", "0014", "0022", "0023", "0024", "0027"])
def test_an_earlier_store_is_upgraded_and_its_keys_are_kept(store, revision):
    before, writer = keys_of(store.engine, store.master), Writer(store.url)
    database_upgrade.downgrade_with_keys(store.engine, store.master, revision)
    names = {row["purpose"] for row in writer.rows("purpose_key")}
    reached = migrate.list_reached_revisions(revision)
    assert names == {p for p, since in keyring.INTRODUCED_AT.items() if since in reached}
    for _ in range(2):
        database_upgrade.upgrade_with_keys(store.engine, store.master, NOW)
    after = keys_of(store.engine, store.master)
    assert {name: after[name] for name in names} == {name: before[name] for name in names}
    assert set(after) == set(keyring.PURPOSES)
    assert database_upgrade.find_key_problem(store.engine, store.master) == ""


def test_an_earlier_store_without_a_key_that_it_must_have_is_not_upgraded(scene):
    database_upgrade.downgrade_with_keys(scene.engine, scene.keys, "0027")
    kept = scene.writer.rows("purpose_key")
    for purpose in [p for p, since in keyring.INTRODUCED_AT.items() if since <= "0027"]:
        scene.writer.put_back("purpose_key", kept)
        scene.writer.break_key(purpose, "deleted")
        scene.require_stopped(f"the key for '{purpose}' is missing")
    scene.writer.run("DELETE FROM purpose_key")
    scene.require_stopped()


def test_what_was_kept_before_is_bound_once_and_what_is_planted_later_is_not(scene):
    database_upgrade.downgrade_with_keys(scene.engine, scene.keys, "0023")
    scene.upgrade()
    console = scene.restart()
    with console.unit() as session:
        assert api_tokens.find_token_principal(session, scene.bearer).id == scene.ana
    scene.writer.plant(scene.sam, scene.ana)
    scene.upgrade()
    scene.require_nobody_gets_in(scene.restart())


def test_an_early_store_that_was_set_up_still_is(scene):
    database_upgrade.downgrade_with_keys(scene.engine, scene.keys, "0027")
    scene.upgrade()
    scene.writer.run("DELETE FROM audit_entry", "UPDATE staff SET totp_secret = NULL")
    with scene.restart().unit() as session:
        assert not bootstrap.is_bootstrap_open(session, NOW)


def test_a_step_runs_once_in_the_upgrade_that_reaches_it(scene, monkeypatch):
    ran: list[int] = []

    def step(session) -> None:
        ran.append(len(session.exec(select(Staff)).all()))
        keyring.current_keyring(session).seal_for_purpose(keyring.SIGN_IN, "a", "b")
        if len(ran) == 1:
            raise KeyUnavailable("it fails the first time")

    database_upgrade.downgrade_with_keys(scene.engine, scene.keys, "0027")
    monkeypatch.setattr(database_upgrade, "UPGRADE_STEPS", {"0028": step})
    before = scene.writer.what_lets_in()
    with pytest.raises(KeyUnavailable):
        scene.upgrade()
    assert scene.writer.what_lets_in() == before
    scene.upgrade()
    scene.upgrade()
    assert ran == [3, 3]


def test_no_step_runs_on_a_fresh_store(database, tmp_path, monkeypatch):
    ran: list[str] = []
    monkeypatch.setattr(database_upgrade, "UPGRADE_STEPS", {"0024": lambda _: ran.append("0024")})
    engine = make_engine(f"sqlite:///{tmp_path / 'fresh.sqlite3'}")
    database_upgrade.upgrade_with_keys(
        engine, master_keys.parse_master_keys(databases.MASTER_KEYS), NOW
    )
    assert ran == []
    assert set(keys_of(engine, master_keys.parse_master_keys(databases.MASTER_KEYS))) == set(
        keyring.PURPOSES
    )


def test_an_upgrade_that_was_stopped_before_it_made_keys_goes_on(tmp_path):
    """As an earlier version could be, on a store that nobody used yet."""
    engine, keys = (
        make_engine(f"sqlite:///{tmp_path / 'x.db'}"),
        master_keys.parse_master_keys(databases.MASTER_KEYS),
    )
    migrate.upgrade_store(engine, "0027")
    database_upgrade.upgrade_with_keys(engine, keys, NOW)
    assert set(keys_of(engine, keys)) == set(keyring.PURPOSES)


@pytest.mark.both
def test_many_upgrades_at_once_make_one_set_of_keys(store):
    database_upgrade.downgrade_with_keys(store.engine, store.master, "0005")

    def act() -> str:
        there = databases.opened(store.url, wait_seconds=60)
        database_upgrade.upgrade_with_keys(there.engine, there.master, NOW)
        return there.ring.fingerprint_for_purpose(keyring.SIGN_IN, "x")

    assert len(set(at_once([act] * 6, partial(store.engine.dispose, close=False)))) == 1


@pytest.mark.both
def test_an_upgrade_that_is_killed_is_run_again(scene):
    """Killed after any of its statements; each time it leaves the store as it was, or done."""
    database_upgrade.downgrade_with_keys(scene.engine, scene.keys, "0022")
    before = scene.writer.rows("purpose_key"), scene.writer.rows("alembic_version")
    acts, killed, times = 5, True, 0
    while killed:
        killed = until_killed(scene.url, acts)
        if killed:
            found = scene.writer.rows("purpose_key"), scene.writer.rows("alembic_version")
            assert found == before
            times += 1
        acts += 29
    assert times > 3
    scene.upgrade()
    with scene.restart().unit() as session:
        assert api_tokens.find_token_principal(session, scene.bearer).id == scene.ana


def until_killed(url: str, acts: int) -> bool:
    child = multiprocessing.get_context("fork").Process(target=_upgrade, args=(url, acts))
    child.start()
    child.join(60)
    assert child.exitcode in (0, -signal.SIGKILL), child.exitcode
    return child.exitcode != 0


def _upgrade(url: str, acts: int) -> None:
    engine = make_engine(url)
    Fuse(acts).into(engine)
    database_upgrade.upgrade_with_keys(
        engine, master_keys.parse_master_keys(databases.MASTER_KEYS), NOW
    )


def test_the_register_goes_with_the_master_keys(scene):
    with databases.opened(scene.url).unit() as session:
        master_key_rotation.rewrap_purpose_keys(session, BOTH)
        session.flush()
        assert master_key_rotation.count_keys_by_master(session, ["test-1"])["test-1"] == 0
    scene.restart(master_keys=NEW)
    scene.refusal()


def test_a_register_that_alone_is_left_under_a_master_key_is_counted(scene):
    kept = scene.writer.rows("key_register")
    with databases.opened(scene.url).unit() as session:
        master_key_rotation.rewrap_purpose_keys(session, BOTH)
    scene.writer.put_back("key_register", kept)
    with databases.opened(scene.url).unit() as session:
        assert master_key_rotation.count_keys_by_master(session, ["test-1"]) == {"test-1": 1}


def test_a_customers_key_that_is_gone_or_another_is_not_made_again(store):
    with store.unit() as session:
        one, two = (factories.a_customer(session, NOW, f"+44740012345{n}").id for n in (6, 7))
    writer = Writer(store.url)
    writer.run(
        "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE owner_id = :one)"
        " WHERE owner_id = :two",
        one=writer.id(one),
        two=writer.id(two),
    )
    writer.run("DELETE FROM data_key WHERE owner_id = :one", one=writer.id(one))
    before = writer.rows("data_key")
    for item in (one, two):
        with pytest.raises((KeyUnavailable, Tampered)), store.unit() as session:
            customer_records.open_customer_details(session, session.get_one(Customer, item))
        with pytest.raises((KeyUnavailable, Tampered)), store.unit() as session:
            field_encryption.load_data_key(session, item)
    assert writer.rows("data_key") == before
