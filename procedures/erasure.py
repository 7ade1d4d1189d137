"""Erasure of customers' personal data; only facts without a name remain.

Destroying a customer's data key makes everything sealed under it unreadable. Copies made earlier
stay readable until they, or the master key that wraps the data key, are destroyed. Ids, times and
states remain, so that the audit log, counts and leak tracing stay complete.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, delete, select, update

from incidents.reports.models import Report, SignalRecord
from messaging.models import InboundText, LineType, OutboxMessage
from people.approvals import customer_erasure
from people.customers.sealed_columns import open_phone
from people.models import Customer, CustomerSession, NumberProof
from scheduling.models import Callback, SlotOffer
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption, keyring
from verification.models import Code


def erase_customers(
    session: Session, customers: Sequence[UUID], actor: audit_log.Actor, now: datetime, why: str
) -> None:
    """Erase customers that have no upcoming callback. Opt-outs survive as a keyed fingerprint of
    the number."""
    rows = session.exec(
        select(Customer)
        .where(col(Customer.id).in_(customers), col(Customer.erased_at).is_(None))
        .order_by(col(Customer.id))
        .with_for_update()
    ).all()
    ids = [customer.id for customer in rows]
    _erase_related_rows(session, ids, _customer_number_forms(session, rows))
    customer_erasure.clear_customer_requests(session, ids, now)
    field_encryption.destroy_data_keys(session, ids)
    for customer in rows:
        customer.phone, customer.name, customer.external_ref, customer.safe_phrase = (
            b"",
            b"",
            None,
            None,
        )
        customer.phone_index, customer.external_ref_index = secrets.token_bytes(32), None
        customer.erased_at = now
        session.add(customer)
    session.flush()
    about = [(id_, None) for id_ in ids]
    audit_log.record_act_per_customer(
        session, actor, AuditAct.CUSTOMER_ERASE, now, about=about, purpose=why
    )


#: Report columns about the reporter and the call. The caller's own traces are kept.
_ERASED_REPORT_COLUMNS = {
    **dict.fromkeys(("phone", "phone_index", "said"), b""),
    **dict.fromkeys(("claimed_to_be", "asked_for", "gave")),
}


def _customer_number_forms(session: Session, found: Sequence[Customer]) -> list[bytes]:
    """Return all indexed forms of the customers' numbers: rows may still use an older index key."""
    keys, ring = (
        field_encryption.load_data_keys(session, [customer.id for customer in found]),
        keyring.current_keyring(session),
    )
    opened = [open_phone(keys[customer.id], customer) for customer in found if customer.id in keys]
    forms = [form for phone in opened for form in ring.compute_search_forms("phone", phone)]
    return [*forms, *(customer.phone_index for customer in found)]


def _erase_related_rows(session: Session, ids: Sequence[UUID], numbers: Sequence[bytes]) -> None:
    for table in (CustomerSession, NumberProof, SlotOffer, Code, OutboxMessage):
        session.exec(delete(table).where(col(table.customer_id).in_(ids)))
    session.exec(delete(LineType).where(col(LineType.phone_index).in_(numbers)))
    session.exec(delete(InboundText).where(col(InboundText.sender_index).in_(numbers)))
    session.exec(
        update(Callback)
        .where(col(Callback.customer_id).in_(ids))
        .values(topic=b"", ticket=None, ticket_index=None)
    )
    session.exec(
        update(Report).where(col(Report.customer_id).in_(ids)).values(**_ERASED_REPORT_COLUMNS)
    )
    session.exec(
        update(SignalRecord)
        .where(col(SignalRecord.phone_index).in_(numbers))
        .values(phone_index=None)
    )
