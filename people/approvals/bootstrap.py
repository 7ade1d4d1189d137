"""Bootstrap: while an installation is being set up, nobody can approve yet.

Until two approvers are enrolled, requests of the command line are executed at once. Bootstrap ends
for good the first time that there are two: this is recorded in the sealed key register and in the
audit log, and deleting people or entries later does not reopen it.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select, text

from people.error_codes import PeopleErrorCode
from people.errors import Conflict
from people.models import Role, Staff
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring
from vault.keys.key_register import SET_UP_FACT
from vault.models import AuditEntry

APPROVERS = frozenset({Role.SUPERVISOR, Role.INVESTIGATOR})
MIN_APPROVERS = 2
BOOTSTRAP_CLOSED = AuditAct.APPROVALS_CLOSE
_LAST_IN_ROLE_CODES = {
    Role.SUPERVISOR: PeopleErrorCode.LAST_SUPERVISOR,
    Role.INVESTIGATOR: PeopleErrorCode.LAST_INVESTIGATOR,
}
_CLOSED_QUERY = select(AuditEntry.id).where(text(f"action = '{BOOTSTRAP_CLOSED}'")).limit(1)


def count_approvers(session: Session) -> int:
    """Count the people who can approve requests of the command line: active, enrolled, and not of
    the demo."""
    return session.exec(
        select(func.count()).where(
            col(Staff.role).in_(APPROVERS),
            col(Staff.active).is_(True),
            col(Staff.demo).is_(False),
            col(Staff.totp_secret).is_not(None),
        )
    ).one()


def require_other_in_role(session: Session, member: Staff) -> None:
    """Raise ``Conflict`` if nobody else would be left in this member's role.

    Without a supervisor no number can be changed and no call handed over; without an investigator
    nobody can see a case. Locks the others, so that two people who leave at once do not each count
    on the other. Allows everything during bootstrap, and for members who are of the demo or not
    enrolled.
    """
    if member.role not in APPROVERS or not _is_enrolled_approver(member):
        return
    if not _is_bootstrap_finished(session):
        return
    in_role = session.exec(
        select(Staff)
        .where(
            col(Staff.role) == member.role,
            col(Staff.active).is_(True),
            col(Staff.demo).is_(False),
            col(Staff.totp_secret).is_not(None),
        )
        .order_by(col(Staff.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    if all(item.id == member.id for item in in_role):
        raise Conflict(_LAST_IN_ROLE_CODES[Role(member.role)])


def _is_enrolled_approver(member: Staff) -> bool:
    return member.active and not member.demo and member.totp_secret is not None


def is_bootstrap_open(session: Session, now: datetime) -> bool:
    """Return whether the installation is still being set up."""
    return not finish_bootstrap(session, now)


def finish_bootstrap(session: Session, now: datetime) -> bool:
    """Return whether setup is finished; record it the first time."""
    if _is_bootstrap_finished(session):
        return True
    if count_approvers(session) < MIN_APPROVERS:
        return False
    keyring.current_keyring(session).add_fact(session, SET_UP_FACT)
    audit_log.record_act(session, audit_log.SYSTEM, BOOTSTRAP_CLOSED, now)
    return True


def _is_bootstrap_finished(session: Session) -> bool:
    """Return whether either record says so: a database writer could delete the entry, and the
    register could be restored to an older version."""
    logged = session.exec(_CLOSED_QUERY).first() is not None
    return keyring.current_keyring(session).has_fact(session, SET_UP_FACT) or logged


def migrate_bootstrap_fact(session: Session) -> None:
    """Copy the end of bootstrap from the audit log into the key register (upgrade to revision
    0028)."""
    if session.exec(_CLOSED_QUERY).first() is not None:
        keyring.current_keyring(session).add_fact(session, SET_UP_FACT)


def record_unapproved_act(session: Session, kind: str, now: datetime) -> None:
    """Audit an act that was done without a second person during bootstrap."""
    audit_log.record_act(session, audit_log.OPERATOR, AuditAct.APPROVALS_SET_UP, now, purpose=kind)
