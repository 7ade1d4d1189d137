"""Numbers that want no texts of ours: honoured at once, until they say otherwise (rule M3)."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, delete, select

from messaging.models import OptOut
from storage.upsert import insert_on_conflict
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

#: What the provider takes for an opt-out and an opt-in by itself, and answers itself. It names
#: them in a field of its own only where its advanced opt-out is on.
OPT_OUT_WORDS = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
)
OPT_IN_WORDS = frozenset({"start", "unstop", "yes"})


def record_opt_out(session: Session, phone: str, now: datetime) -> None:
    """This number (E.164) gets nothing any more."""
    index = keyring.current_keyring(session).compute_blind_index("phone", phone)
    table = OptOut.__table__  # type: ignore[attr-defined]
    session.connection().execute(
        insert_on_conflict(
            session, table, {"phone_index": index, "at": now}
        ).on_conflict_do_nothing()
    )
    audit_log.record_act(session, audit_log.CUSTOMER, AuditAct.TEXTS_OPT_OUT, now)


def record_opt_in(session: Session, phone: str, now: datetime) -> None:
    """This number wants texts again."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    session.exec(delete(OptOut).where(col(OptOut.phone_index).in_(forms)))
    audit_log.record_act(session, audit_log.CUSTOMER, AuditAct.TEXTS_OPT_IN, now)


def is_opted_out(session: Session, phone: str) -> bool:
    """Whether this number wants no texts."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    found = select(OptOut.at).where(col(OptOut.phone_index).in_(forms)).limit(1)
    return session.exec(found).first() is not None
