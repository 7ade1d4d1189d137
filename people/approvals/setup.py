"""An installation that is being set up has nobody yet who could approve.

Until two people have been enrolled who may, what the command line asks for is done at once. That
ends for good the first time there are two: an entry in the audit log says so, and whoever removes
people later does not open it again.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select, text

from people.models import Role, Staff
from vault import audit
from vault.models import AuditEntry

APPROVERS = frozenset({Role.SUPERVISOR, Role.INVESTIGATOR})
ENOUGH = 2
CLOSE = "approvals.close"
_CLOSED = select(AuditEntry.id).where(text(f"action = '{CLOSE}'")).limit(1)


def approvers(session: Session) -> int:
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


def is_open(session: Session, now: datetime) -> bool:
    """Whether the installation is still being set up."""
    return not close_if_due(session, now)


def close_if_due(session: Session, now: datetime) -> bool:
    """Whether it has been set up; written down the first time that this is so."""
    if session.exec(_CLOSED).first() is not None:
        return True
    if approvers(session) < ENOUGH:
        return False
    audit.record(session, audit.SYSTEM, CLOSE, now)
    return True


def record(session: Session, kind: str, now: datetime) -> None:
    """Write down what was done without a second person, since there was none yet."""
    audit.record(session, audit.OPERATOR, "approvals.set_up", now, purpose=kind)
