"""The sealed columns of a customer: number and external reference, sealed and opened."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from people.models import Customer
from vault.errors import Tampered
from vault.keys.field_encryption import FieldKey


def phone_seal_context(customer_id: UUID, waits_until: datetime | None) -> str:
    """Return the seal context of a number: its customer and, after a change, the end of its hold,
    so that nobody can end the hold without a key."""
    if waits_until is None:
        return str(customer_id)
    return f"{customer_id}:{waits_until.astimezone(UTC).isoformat(timespec='microseconds')}"


def seal_phone(key: FieldKey, customer: Customer, phone: str) -> None:
    """Seal a number to the hold in the customer's row."""
    row = phone_seal_context(customer.id, customer.number_waits_until)
    customer.phone = key.seal_field("customer", "phone", row, phone)


def open_phone(key: FieldKey, customer: Customer) -> str:
    """Decrypt a customer's number. Raises ``Tampered``.

    Also accepts numbers sealed without a hold, before holds became part of the seal: a hold only
    restricts what the number can do.
    """
    held_until = customer.number_waits_until
    try:
        return key.open_field(
            "customer", "phone", phone_seal_context(customer.id, held_until), customer.phone
        )
    except Tampered:
        if held_until is None:
            raise
        return key.open_field("customer", "phone", customer.id, customer.phone)


def open_external_ref(key: FieldKey, customer: Customer) -> str:
    """Decrypt the company's own reference of a customer; empty for none."""
    if customer.external_ref is None:
        return ""
    return key.open_field("customer", "external_ref", customer.id, customer.external_ref)
