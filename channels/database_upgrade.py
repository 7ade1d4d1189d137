"""Upgrades and downgrades of the whole store, and what keeps it from being used."""

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
#: What an upgrade does once with the rows that it finds, by the revision that introduces it. A step
#: runs in the transaction of the upgrade that takes the store past its revision, after all
#: migrations, with the keys on the session; never on a fresh store, and never a second time
#: (:mod:`vault.keys.key_upgrade`). Add yours as one line.
UPGRADE_STEPS: Mapping[str, UpgradeStep] = {
    "0024": password_seal.migrate_sign_in_macs,
    "0028": bootstrap.migrate_bootstrap_fact,
    "0029": log_state.add_macs_to_earlier_rows,
    "0030": password_seal.migrate_full_row_macs,
}


def upgrade_with_keys(engine: Engine, master: MasterKeys, now: datetime, pin: str = "") -> None:
    """Migrate to the newest revision, make the keys that it introduces, run its steps; safe when
    several processes do so at once. Raises ``KeyUnavailable`` where the store was changed by
    somebody without its keys, and leaves it as it was."""
    migrate.upgrade_store(engine, around=KeyUpgrade(engine, master, now, UPGRADE_STEPS, pin))


def downgrade_with_keys(engine: Engine, master: MasterKeys, revision: str, pin: str = "") -> None:
    """Undo migrations down to ``revision``, so that an earlier version can use the store. Raises as
    :func:`upgrade_with_keys`."""
    migrate.downgrade_store(engine, revision, KeyDowngrade(master, pin))


def require_sound_keys(session: Session, master: MasterKeys, pin: str = "") -> None:
    """Raises ``KeyUnavailable`` with a sentence where the store's keys, its key register and its
    revision are not what they must be together."""
    work = session.connection()
    try:
        key_state.examine_store(work, master, migrate.current_revision(work), pin)
    except KeyForged:  # or an upgrade has come to its end between two of its statements
        key_state.examine_store(work, master, migrate.current_revision(work), pin)


def find_key_problem(engine: Engine, master: MasterKeys, pin: str = "") -> str:
    """Why the store must not be used with these keys: a sentence, or nothing. A store that is out
    of reach, empty, or waits for an upgrade is no reason."""
    try:
        with transaction(engine, read_only=True) as session:
            require_sound_keys(session, master, pin)
    except KeyUnavailable as error:
        return str(error)
    except StoreUnavailable:
        return ""
    return ""


def database_has_keys(engine: Engine) -> bool:
    """Whether the store has keys already; not, where it is out of reach."""
    try:
        return key_state.has_purpose_keys(engine)
    except StoreUnavailable:
        return False


def find_demo_staff(engine: Engine) -> bool:
    """Whether somebody could sign in with the demo's known password."""
    with transaction(engine, read_only=True) as session:
        found = select(col(Staff.id)).where(col(Staff.demo), col(Staff.active)).limit(1)
        return session.connection().execute(found).first() is not None
