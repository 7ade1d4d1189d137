"""Bearer tokens for the API."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from people import row_mac
from people.credential_models import ApiToken
from people.credentials import new_token, token_hash
from people.models import Role, Staff
from people.principal import Principal
from vault.audit import audit_log
from vault.audit.acts import AuditAct

PREFIX = "vl_"


def create_api_token(session: Session, member: Staff, label: str, now: datetime) -> str:
    """Create a token for this member of staff; return it in plain text, this once."""
    token = PREFIX + new_token()
    row = ApiToken(
        token_hash=token_hash(token),
        staff_id=member.id,
        role=member.role,
        epoch=member.epoch,
        label=label[:60],
        created_at=now,
    )
    session.add(row_mac.attach_mac(session, row))
    session.flush()
    audit_log.record_act(
        session, audit_log.OPERATOR, AuditAct.TOKEN_ADD, now, detail=str(member.id)
    )
    return token


def find_token_principal(session: Session, token: str) -> Principal | None:
    """Return the token's owner; ``None`` if it has ended, its owner is deactivated, or has another
    role than when it was made."""
    match = session.exec(
        select(ApiToken, Staff).where(
            col(ApiToken.token_hash) == token_hash(token),
            col(ApiToken.staff_id) == col(Staff.id),
            col(ApiToken.ended_at).is_(None),
        )
    ).first()
    if match is None:
        return None
    row, member = match
    if not member.active or (row.role, row.epoch) != (member.role, member.epoch):
        return None
    if not row_mac.is_row_intact(session, row) or not row_mac.is_row_intact(session, member):
        return None
    return Principal(member.id, Role(member.role))
