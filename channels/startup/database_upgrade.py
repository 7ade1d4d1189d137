"""Upgrades and downgrades the database, and finds reasons why it must not be used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine, select
from sqlmodel import Session, col

from people import password_seal
from people.approvals import bootstrap
from people.models import Staff
from storage import migrate
from storage.session import StoreUnavailable, transaction
from vault.audit import log_state
from vault.errors import KeyForged, KeyUnavailable
from vault.keys import key_state
from vault.keys.key_upgrade import KeyDowngrade, KeyUpgrade, UpgradeStep
from vault.keys.master_keys import MasterKeys

DEMO_STAFF_PROBLEM = "The store has demo staff with a known password: use a fresh store."
#: What an upgrade does to existing rows, by the revision that introduces it. A step runs once, in
#: the transaction of the upgrade that passes its revision, after all migrations and with the keys
#: on the session; it never runs on an empty database (:mod:`vault.keys.key_upgrade`). Add a step as
#: one line.
UPGRADE_STEPS: Mapping[str, UpgradeStep] = {
    "0024": password_seal.migrate_sign_in_macs,
    "0028": bootstrap.migrate_bootstrap_fact,
    "0029": log_state.add_macs_to_earlier_rows,
    "0030": password_seal.migrate_full_row_macs,
}


def upgrade_with_keys(engine: Engine, master: MasterKeys, now: datetime, pin: str = "") -> None:
    """Migrate to the newest revision, create the keys that it introduces and run its steps. Safe
    when several processes do so at once. Raises ``KeyUnavailable``, and changes nothing, if the
    database was changed without its keys."""
    migrate.upgrade_store(engine, around=KeyUpgrade(engine, master, now, UPGRADE_STEPS, pin))


def downgrade_with_keys(engine: Engine, master: MasterKeys, revision: str, pin: str = "") -> None:
    """Undo migrations down to ``revision``, so that an earlier version can use the database. Raises
    like :func:`upgrade_with_keys`."""
    migrate.downgrade_store(engine, revision, KeyDowngrade(master, pin))


def require_sound_keys(session: Session, master: MasterKeys, pin: str = "") -> None:
    """Raise ``KeyUnavailable`` with a sentence if the database's keys, its key register and its
    revision do not match."""
    work = session.connection()
    try:
        key_state.examine_store(work, master, migrate.current_revision(work), pin)
    except KeyForged:  # or an upgrade has committed between two of these statements
        key_state.examine_store(work, master, migrate.current_revision(work), pin)


def find_key_problem(engine: Engine, master: MasterKeys, pin: str = "") -> str:
    """Return a sentence why the database must not be used with these keys, or an empty string. A
    database that is unreachable, empty, or waits for an upgrade is no reason."""
    try:
        with transaction(engine, read_only=True) as session:
            require_sound_keys(session, master, pin)
    except KeyUnavailable as error:
        return str(error)
    except StoreUnavailable:
        return ""
    return ""


def database_has_keys(engine: Engine) -> bool:
    """Tell whether the database has keys; false if it is unreachable."""
    try:
        return key_state.has_purpose_keys(engine)
    except StoreUnavailable:
        return False


def find_demo_staff(engine: Engine) -> bool:
    """Tell whether anyone can sign in with the demo's known password."""
    with transaction(engine, read_only=True) as session:
        query = select(col(Staff.id)).where(col(Staff.demo), col(Staff.active)).limit(1)
        return session.connection().execute(query).first() is not None
