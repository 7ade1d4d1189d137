"""Keys and one-time steps of an upgrade, in the transaction of its migrations.

A key is created by the upgrade that reaches the revision which introduces its purpose
(:data:`vault.keys.keyring.INTRODUCED_AT`), and a step is run by the upgrade that reaches its
revision. The revision reached is taken from the sealed key register, not from ``alembic_version``,
which any database writer can set back: if the two differ, nothing is upgraded. A database from
before there was a register shows its revision by its keys: a missing or premature one is refused.

A step is a function ``step(session)`` that seals or binds rows that are older than their key. It
gets the tables as they are at the newest revision, finds keys by
``keyring.current_keyring(session)``, and is never run on rows that were written after its revision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from storage import migrate
from storage.session import transaction
from vault.errors import KeyUnavailable
from vault.keys import key_register, key_state, keyring
from vault.keys.aead import generate_key
from vault.keys.key_register import (
    KeyRegister,
    early_wrap_context,
    register_fingerprint,
    wrap_context,
)
from vault.keys.key_state import REGISTER_REVISION, StoreKeyState, examine_store
from vault.keys.keyring import INTRODUCED_AT, PURPOSES, Keyring
from vault.keys.master_keys import MasterKeys
from vault.models import PurposeKey

UpgradeStep = Callable[[Session], None]
UpgradeSteps = Mapping[str, UpgradeStep]
_KEYS = PurposeKey.__table__  # type: ignore[attr-defined]


@dataclass
class KeyUpgrade:
    """The ``around`` argument of :func:`storage.migrate.upgrade_store`."""

    engine: Engine
    master: MasterKeys
    now: datetime
    steps: UpgradeSteps
    pin: str = ""
    found: StoreKeyState = field(default_factory=StoreKeyState)

    def before_migration(self, connection: Connection, revision: str | None) -> None:
        self.found = examine_store(connection, self.master, revision, self.pin)

    def after_migration(self, connection: Connection, revision: str) -> None:
        """Create the keys that the new revisions introduce, write the register, run the steps."""
        found = self.found
        if found.register is not None and found.register.revision == revision:
            return
        with Session(connection) as session:
            self._make_purpose_keys(session)
            self._write_register(session, revision)
            self._run_upgrade_steps(session, revision)
            session.flush()

    def _make_purpose_keys(self, session: Session) -> None:
        connection, keys = session.connection(), self.found.keys
        if self.found.register is None:
            for purpose, key in keys.items():
                wrapped = self.master.wrap_with_master(key, wrap_context(purpose))
                connection.execute(
                    update(_KEYS).where(_KEYS.c.purpose == purpose).values(wrapped=wrapped)
                )
        for purpose in PURPOSES:
            if purpose not in keys:
                keys[purpose] = generate_key()
                wrapped = self.master.wrap_with_master(keys[purpose], wrap_context(purpose))
                session.add(PurposeKey(purpose=purpose, wrapped=wrapped, created_at=self.now))
        session.flush()

    def _write_register(self, session: Session, revision: str) -> None:
        fingerprints = {
            purpose: register_fingerprint(key) for purpose, key in self.found.keys.items()
        }
        if self.found.register is None:
            rows = session.connection().execute(select(_KEYS.c.purpose, _KEYS.c.state)).all()
            states = {name: state for name, state in rows if state is not None}
            key_register.add_register(
                session, self.master, KeyRegister(revision, fingerprints, states)
            )
        else:
            key_register.update_register(
                session, self.master, lambda r: replace(r, revision=revision, keys=fingerprints)
            )

    def _run_upgrade_steps(self, session: Session, revision: str) -> None:
        if not self.found.reached:
            return  # a new database: there are no earlier rows
        ring = Keyring(self.master, self.engine, keys=self.found.keys, ticks=lambda: 0.0)
        session.info.update(keyring.keyring_session_info(ring))
        ring.refresh_index_keys(session)
        for reached_revision in migrate.list_reached_revisions(revision):
            if reached_revision in self.steps and reached_revision not in self.found.reached:
                self.steps[reached_revision](session)


@dataclass
class KeyDowngrade:
    """The same for :func:`storage.migrate.downgrade_store`: below :data:`REGISTER_REVISION`, keys
    are wrapped in the earlier way; keys that later revisions introduced are deleted with what they
    sealed."""

    master: MasterKeys
    pin: str = ""
    found: StoreKeyState = field(default_factory=StoreKeyState)

    def before_migration(self, connection: Connection, revision: str | None) -> None:
        self.found = examine_store(connection, self.master, revision, self.pin)

    def after_migration(self, connection: Connection, revision: str) -> None:
        try:
            reached = [] if revision == "base" else migrate.list_reached_revisions(revision)
        except ValueError:
            raise KeyUnavailable(f"there is no revision {revision}") from None
        removed = [p for p in PURPOSES if INTRODUCED_AT[p] not in reached and p in self.found.keys]
        connection.execute(delete(_KEYS).where(_KEYS.c.purpose.in_(removed)))
        remaining = {p: key for p, key in self.found.keys.items() if p not in removed}
        if REGISTER_REVISION in reached:
            self._keep_register(connection, revision, remaining)
        elif self.found.register is not None:
            for purpose, key in remaining.items():
                wrapped = self.master.wrap_with_master(key, early_wrap_context(purpose))
                connection.execute(
                    update(_KEYS).where(_KEYS.c.purpose == purpose).values(wrapped=wrapped)
                )

    def _keep_register(
        self, connection: Connection, revision: str, kept: Mapping[str, bytes]
    ) -> None:
        fingerprints = {purpose: register_fingerprint(key) for purpose, key in kept.items()}
        with Session(connection) as session:
            key_register.update_register(
                session, self.master, lambda r: replace(r, revision=revision, keys=fingerprints)
            )


def make_first_keys(engine: Engine, master: MasterKeys, now: datetime) -> None:
    """Create the keys of a database whose tables were made without them and that is not used yet.

    Safe when several processes do so at once. Leaves a consistent database unchanged, and raises
    ``KeyUnavailable`` for an inconsistent one.
    """
    try:
        with transaction(engine) as session:
            connection = session.connection()
            revision = migrate.current_revision(connection) or ""
            if key_state.is_store_untouched(connection):
                KeyUpgrade(engine, master, now, {}).after_migration(connection, revision)
            else:
                key_state.examine_store(connection, master, revision)
    except IntegrityError:
        make_first_keys(engine, master, now)  # another process was first
