"""Creates one-time enrolment links; an older unused link of the same member stops working."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyotp
from sqlmodel import Session

from people import row_mac
from people.credential_models import EnrolmentLink
from people.credentials import new_token, token_hash
from people.models import Staff
from people.staff import enrolment_links
from people.staff.enrolment_links import NO_TERMS, LinkKind, LinkTerms
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

LINK_LIFETIME, OWN_LINK_LIFETIME = timedelta(hours=72), timedelta(minutes=30)


def create_enrolment_link(
    session: Session,
    member: Staff,
    now: datetime,
    *,
    kind: LinkKind = LinkKind.OPERATOR,
    pin: str = "",
    by: audit_log.Actor = audit_log.OPERATOR,
) -> str:
    """Create a one-time enrolment link, valid for three days, and return its token; older ones stop
    working.

    ``kind`` decides what else it asks for. With a ``pin`` the link alone is of no use.
    """
    token = new_token()
    terms = LinkTerms({"": pin}) if pin else LinkTerms()
    activate_enrolment_link(session, member, token_hash(token), now, by, kind=kind, terms=terms)
    return token


def activate_enrolment_link(
    session: Session,
    member: Staff,
    hashed: bytes,
    now: datetime,
    by: audit_log.Actor = audit_log.OPERATOR,
    *,
    kind: LinkKind = LinkKind.OPERATOR,
    terms: LinkTerms = NO_TERMS,
) -> None:
    """Activate the link whose token was hashed, from now on for three days, on these terms."""
    enrolment_links.end_unused_links(session, member.id, now, promotions=kind is LinkKind.PROMOTION)
    row, ring = new_id(), keyring.current_keyring(session)
    context = f"enrolment_link.totp_secret:{row}"
    link = EnrolmentLink(
        id=row,
        token_hash=hashed,
        staff_id=member.id,
        totp_secret=ring.seal_for_purpose(keyring.STAFF, context, pyotp.random_base32()),
        kind=kind,
        made_by=by.staff_id,
        pin=enrolment_links.seal_link_terms(session, row, terms),
        expires_at=now + (OWN_LINK_LIFETIME if kind is LinkKind.SELF else LINK_LIFETIME),
    )
    session.add(row_mac.attach_mac(session, link))
    session.flush()
    audit_log.record_act(session, by, AuditAct.STAFF_INVITE, now, detail=f"{member.id} {kind}")
