"""The customer directory: searched only by an exact number or reference, never browsed (rule
I1)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from people import phone_numbers
from people.customers.sealed_columns import open_external_ref, open_phone
from people.models import Customer
from vault.keys import field_encryption, keyring
from vault.keys.blind_index_check import matches_sealed_value
from vault.keys.field_encryption import FieldKey
from vault.models import DataKey

_WITH_KEY = select(Customer, DataKey.wrapped).outerjoin(
    DataKey, col(DataKey.owner_id) == col(Customer.id)
)
_DECOY = (
    "customer",
    "phone",
    "decoy",
    field_encryption.DECOY_KEY.seal_field("customer", "phone", "decoy", "0" * 13),
)


@dataclass(frozen=True)
class CustomerDetails:
    """A customer's decrypted record."""

    id: UUID
    name: str
    phone: str
    locale: str
    timezone: str

    @property
    def phone_masked(self) -> str:
        return phone_numbers.mask_phone(self.phone)


def find_by_phone(session: Session, phone: str) -> Customer | None:
    """Return the customer with exactly this number (E.164). An unknown number takes the same
    statements and decryptions (rule C5)."""
    forms = keyring.current_keyring(session).compute_search_forms("phone", phone)
    return _find_verified_customer(session, col(Customer.phone_index).in_(forms), open_phone, phone)


def find_by_external_ref(session: Session, ref: str) -> Customer | None:
    """Return the customer with exactly this reference of the company's own."""
    forms = keyring.current_keyring(session).compute_search_forms("external_ref", ref)
    return _find_verified_customer(
        session, col(Customer.external_ref_index).in_(forms), open_external_ref, ref
    )


def _find_verified_customer(
    session: Session,
    found_by: ColumnElement[bool],
    opened: Callable[[FieldKey, Customer], str],
    asked: str,
) -> Customer | None:
    """Return the customer found by an index whose sealed value equals what was asked for. Raises
    ``KeyUnavailable`` if their data key is missing (rule F1)."""
    rows = session.exec(_WITH_KEY.where(found_by)).all()
    for customer, wrapped in rows:
        if customer.erased_at is None:
            key = field_encryption.unwrap_data_key(session, wrapped, customer.id)
            if matches_sealed_value("customer", customer.id, partial(opened, key, customer), asked):
                return customer
    if not rows:
        key = field_encryption.unwrap_at_decoy_cost(session, field_encryption.DECOY_KEY)
        decoy_value = key.open_field(*_DECOY)
        hmac.compare_digest(decoy_value.encode(), asked.encode())
    return None


def open_customer_details(session: Session, customer: Customer) -> CustomerDetails:
    """Decrypt a customer's record; the caller has audited the read. Of an erased customer only
    language and zone are left."""
    if customer.erased_at is not None:
        return CustomerDetails(customer.id, "", "", customer.locale, customer.timezone)
    key = field_encryption.load_data_key(session, customer.id)
    return CustomerDetails(
        id=customer.id,
        name=key.open_field("customer", "name", customer.id, customer.name),
        phone=open_phone(key, customer),
        locale=customer.locale,
        timezone=customer.timezone,
    )
