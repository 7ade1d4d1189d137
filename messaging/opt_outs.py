"""Opt-outs from texts, effective immediately and until an opt-in (rule M3)."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, delete, select

from messaging.models import OptOut
from storage.upsert import insert_on_conflict
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

#: Words that the provider itself handles and answers as opt-out and opt-in. It marks them in a
#: separate field only if its advanced opt-out is enabled.
OPT_OUT_WORDS = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
)
OPT_IN_WORDS = frozenset({"start", "unstop", "yes"})


def record_opt_out(session: Session, phone: str, now: datetime) -> None:
    """Record that this number (E.164) gets no more texts."""
    index = keyring.current_keyring(session).compute_blind_index("phone", phone)
    table = OptOut.__table__  # type: ignore[attr-defined]
    session.connection().execute(
        insert_on_conflict(
            session, table, {"phone_index": index, "at": now}
        ).on_conflict_do_nothing()
    )
    audit_log.record_act(session, audit_log.CUSTOMER, AuditAct.TEXTS_OPT_OUT, now)


def record_opt_in(session: Session, phone: str, now: datetime) -> None:
    """Record that this number wants texts again."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    session.exec(delete(OptOut).where(col(OptOut.phone_index).in_(forms)))
    audit_log.record_act(session, audit_log.CUSTOMER, AuditAct.TEXTS_OPT_IN, now)


def is_opted_out(session: Session, phone: str) -> bool:
    """Return whether this number has opted out."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    statement = select(OptOut.at).where(col(OptOut.phone_index).in_(forms)).limit(1)
    return session.exec(statement).first() is not None
