"""Numbers that want no texts of ours: honoured at once, until they say otherwise (rule M3)."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, delete, select

from messaging.models import OptOut
from storage.upsert import insert_or
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

#: What the provider takes for an opt-out and an opt-in by itself, and answers itself. It names
#: them in a field of its own only where its advanced opt-out is on.
OUT = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
IN = frozenset({"start", "unstop", "yes"})


def note_out(session: Session, phone: str, now: datetime) -> None:
    """This number (E.164) gets nothing any more."""
    index = keyring.of(session).blind_index("phone", phone)
    table = OptOut.__table__  # type: ignore[attr-defined]
    session.connection().execute(
        insert_or(session, table, {"phone_index": index, "at": now}).on_conflict_do_nothing()
    )
    audit_log.record(session, audit_log.CUSTOMER, AuditAct.TEXTS_OPT_OUT, now)


def note_in(session: Session, phone: str, now: datetime) -> None:
    """This number wants texts again."""
    forms = keyring.of(session).forms("phone", phone)
    session.exec(delete(OptOut).where(col(OptOut.phone_index).in_(forms)))
    audit_log.record(session, audit_log.CUSTOMER, AuditAct.TEXTS_OPT_IN, now)


def is_out(session: Session, phone: str) -> bool:
    """Whether this number wants no texts."""
    forms = keyring.of(session).forms("phone", phone)
    found = select(OptOut.at).where(col(OptOut.phone_index).in_(forms)).limit(1)
    return session.exec(found).first() is not None
