"""Finds the customers to erase from the command line: one by look-up, or all past retention."""

from __future__ import annotations

import sys
from datetime import datetime
from uuid import UUID

import click
from sqlmodel import Session

from channels.app_context import current_context, current_time, unit_of_work
from channels.error_codes import ChannelErrorCode
from people import phone_numbers
from people.customers import customer_records, lookup_log
from people.errors import NotFound
from procedures import retention
from vault.audit import audit_log


def erase_due_customers(before: datetime) -> int:
    """Erase all customers whose last callback was before this time; return their number."""
    count = 0
    while due := _customers_due_for_erasure(before):
        with click.progressbar(
            range(0, len(due), retention.BATCH_SIZE), file=sys.stderr, label="Erasing"
        ) as starts:
            for start in starts:
                some = due[start : start + retention.BATCH_SIZE]
                with unit_of_work() as session:
                    retention.erase_expired_customers(
                        session, some, before, audit_log.OPERATOR, current_time()
                    )
        count += len(due)
    return count


def _customers_due_for_erasure(before: datetime) -> list[UUID]:
    with unit_of_work(read_only=True) as session:
        return retention.list_expired_customers(session, before)


def record_erasure_lookups(session: Session, reference: str, phone: str) -> list[UUID | None]:
    """Return the ids of the customers with this reference and this number. Each look-up is
    audited."""
    number = (
        phone_numbers.parse_phone(phone, current_context().policy.default_region) if phone else ""
    )
    matches = []
    if reference:
        matches.append(customer_records.find_by_external_ref(session, reference))
    if phone:
        matches.append(customer_records.find_by_phone(session, number))
    ids = [customer.id if customer else None for customer in matches]
    for customer_id in ids:
        lookup_log.log_customer_lookup(
            session, audit_log.OPERATOR, customer_id, "", "erasure", current_time()
        )
    return ids


def require_one_customer(found: list[UUID | None]) -> UUID:
    """Return the customer that all look-ups found. Raises ``NotFound``."""
    first = found[0] if found else None
    if first is not None and all(customer_id == first for customer_id in found):
        return first
    if len(found) > 1:
        raise NotFound(ChannelErrorCode.CUSTOMER_PAIR_UNKNOWN)
    raise NotFound(ChannelErrorCode.CUSTOMER_UNKNOWN)
