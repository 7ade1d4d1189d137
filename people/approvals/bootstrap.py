"""An installation that is being set up has nobody yet who could approve.

Until two people have been enrolled who may, what the command line asks for is done at once. That
ends for good the first time there are two: the sealed key register says so, and an entry in the
audit log, and removing people or entries later does not open it again.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select, text

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
_LAST_IN_ROLE_MESSAGES = {
    Role.SUPERVISOR: "No supervisor would be left, and nobody else changes numbers or hands calls"
    " over. Add another supervisor first.",
    Role.INVESTIGATOR: "No investigator would be left, and nobody else looks into reports and"
    " cases. Add another investigator first.",
}
_CLOSED_QUERY = select(AuditEntry.id).where(text(f"action = '{BOOTSTRAP_CLOSED}'")).limit(1)


def count_approvers(session: Session) -> int:
    """How many people can approve what the command line asks for: at work here, enrolled, and not
    of the demo."""
    return session.exec(
        select(func.count()).where(
            col(Staff.role).in_(APPROVERS),
            col(Staff.active).is_(True),
            col(Staff.demo).is_(False),
            col(Staff.totp_secret).is_not(None),
        )
    ).one()


def require_other_in_role(session: Session, member: Staff) -> None:
    """Raises ``NoLonger`` where nobody else could do what only the role of this member may: without
    a supervisor no number changes and no call is handed over, without an investigator nobody sees a
    case. The others are locked, so that two who go at once do not each count on the other. While it
    is being set up, and of people of the demo or who never enrolled, nothing is asked."""
    if member.role not in APPROVERS or not _is_enrolled_approver(member):
        return
    if not _is_bootstrap_finished(session):
        return
    staying = session.exec(
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
    if all(item.id == member.id for item in staying):
        raise Conflict(_LAST_IN_ROLE_MESSAGES[Role(member.role)])


def _is_enrolled_approver(member: Staff) -> bool:
    return member.active and not member.demo and member.totp_secret is not None


def is_bootstrap_open(session: Session, now: datetime) -> bool:
    """Whether the installation is still being set up."""
    return not finish_bootstrap(session, now)


def finish_bootstrap(session: Session, now: datetime) -> bool:
    """Whether it has been set up; written down the first time that this is so."""
    if _is_bootstrap_finished(session):
        return True
    if count_approvers(session) < MIN_APPROVERS:
        return False
    keyring.current_keyring(session).add_fact(session, SET_UP_FACT)
    audit_log.record_act(session, audit_log.SYSTEM, BOOTSTRAP_CLOSED, now)
    return True


def _is_bootstrap_finished(session: Session) -> bool:
    """By either: the entry could be deleted by a database writer, the register set back."""
    told = session.exec(_CLOSED_QUERY).first() is not None
    return keyring.current_keyring(session).has_fact(session, SET_UP_FACT) or told


def migrate_bootstrap_fact(session: Session) -> None:
    """Have the key register know that it was set up before there was one: a step of the upgrade to
    revision 0028."""
    if session.exec(_CLOSED_QUERY).first() is not None:
        keyring.current_keyring(session).add_fact(session, SET_UP_FACT)


def record_unapproved_act(session: Session, kind: str, now: datetime) -> None:
    """Write down what was done without a second person, since there was none yet."""
    audit_log.record_act(session, audit_log.OPERATOR, AuditAct.APPROVALS_SET_UP, now, purpose=kind)
