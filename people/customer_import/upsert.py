"""Compares a batch of rows with the database and stores it: new, changed and refused customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import Session, col, or_, select

from people import phone_numbers
from people.customer_import.validation import ImportProblem, ImportRow, ImportRules, phone_problem
from people.customers.customer_creation import NewCustomer, sealed_customer_columns
from people.customers.sealed_columns import open_external_ref, open_phone
from people.error_codes import PeopleErrorCode
from people.models import Customer
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption, keyring
from vault.keys.blind_index_check import matches_sealed_value
from vault.keys.field_encryption import FieldKey
from vault.keys.keyring import Keyring

_TABLE = Customer.__table__  # type: ignore[attr-defined]
PURPOSE = "import"


@dataclass
class BatchOutcome:
    """The outcome of a batch. ``same`` counts unchanged rows. ``altered`` counts rows that change
    what an earlier line of a dry run would have stored."""

    same: int = 0
    altered: int = 0
    added: list[ImportRow] = field(default_factory=list)
    changed: list[tuple[ImportRow, Customer, FieldKey]] = field(default_factory=list)
    problems: list[ImportProblem] = field(default_factory=list)


def upsert_rows(
    session: Session, rows: Sequence[ImportRow], rules: ImportRules, now: datetime, *, dry_run: bool
) -> BatchOutcome:
    """Store rows, no two of which share a reference or a number; a ``dry_run`` only returns the
    outcome."""
    outcome = _classify_rows(session, rows)
    if not dry_run:
        _insert_customers(session, outcome.added, rules, now)
        _update_customers(session, outcome.changed, now)
    return outcome


def _classify_rows(session: Session, rows: Sequence[ImportRow]) -> BatchOutcome:
    keyring.lock_index_keys(session)
    ring = keyring.current_keyring(session)
    refs = {row.line: ring.compute_search_forms("external_ref", row.ref) for row in rows}
    numbers = {row.line: ring.compute_search_forms("phone", row.phone) for row in rows}
    known = session.exec(
        select(Customer).where(
            or_(
                col(Customer.external_ref_index).in_(chain.from_iterable(refs.values())),
                col(Customer.phone_index).in_(chain.from_iterable(numbers.values())),
            )
        )
    ).all()
    keys = (
        field_encryption.load_data_keys(session, [customer.id for customer in known])
        if known
        else {}
    )
    verified = [
        customer
        for customer in known
        if customer.id in keys and _matches_own_indexes(ring, customer, keys[customer.id])
    ]
    by_ref = {
        customer.external_ref_index: customer
        for customer in verified
        if customer.external_ref_index
    }
    by_number = {customer.phone_index: customer for customer in verified}
    unverified_forms = {
        form
        for customer in known
        if customer not in verified
        for form in _customer_indexes(customer)
    }
    outcome = BatchOutcome()
    for row in rows:
        with_ref, with_number = (
            _find_by_index_forms(by_ref, refs[row.line]),
            _find_by_index_forms(by_number, numbers[row.line]),
        )
        if not unverified_forms.isdisjoint([*refs[row.line], *numbers[row.line]]):
            outcome.problems.append(phone_problem(row, PeopleErrorCode.IMPORT_NUMBER_TAKEN))
        elif with_ref is None and with_number is None:
            outcome.added.append(row)
        elif with_ref is not None and with_ref is not with_number:
            outcome.problems.append(phone_problem(row, PeopleErrorCode.IMPORT_NUMBER_DIFFERS))
        elif with_number is not None and with_number.external_ref_index not in (
            None,
            *refs[row.line],
        ):
            outcome.problems.append(phone_problem(row, PeopleErrorCode.IMPORT_NUMBER_TAKEN))
        elif with_number is not None:
            _compare_with_customer(outcome, row, with_number, keys[with_number.id])
    return outcome


def _customer_indexes(customer: Customer) -> list[bytes | None]:
    return [customer.phone_index, customer.external_ref_index]


def _matches_own_indexes(ring: Keyring, customer: Customer, key: FieldKey) -> bool:
    """Return whether the sealed number and reference match the indexes of the row."""
    phone, ref = partial(open_phone, key, customer), partial(open_external_ref, key, customer)
    return _value_matches_index(ring, "phone", customer, customer.phone_index, phone) and (
        customer.external_ref_index is None
        or _value_matches_index(ring, "external_ref", customer, customer.external_ref_index, ref)
    )


def _value_matches_index(
    ring: Keyring, kind: str, customer: Customer, form: bytes, opened: Callable[[], str]
) -> bool:
    return matches_sealed_value(
        "customer",
        customer.id,
        lambda: form.hex() if form in ring.compute_search_forms(kind, opened()) else "",
        form.hex(),
    )


def _find_by_index_forms(
    known: Mapping[bytes, Customer], forms: Sequence[bytes]
) -> Customer | None:
    return next((known[form] for form in forms if form in known), None)


def _compare_with_customer(
    outcome: BatchOutcome, row: ImportRow, customer: Customer, key: FieldKey
) -> None:
    same = (
        customer.external_ref_index is not None
        and row.locale in ("", customer.locale)
        and row.timezone in ("", customer.timezone)
        and key.open_field("customer", "name", customer.id, customer.name) == row.name
    )
    if same:
        outcome.same += 1
    else:
        outcome.changed.append((row, customer, key))


def _insert_customers(
    session: Session, rows: Sequence[ImportRow], rules: ImportRules, now: datetime
) -> None:
    if not rows:
        return
    ring = keyring.current_keyring(session)
    keys, values = [], []
    for row in rows:
        owner = new_id()
        wrapped, key = field_encryption.generate_data_key(session, owner)
        keys.append((owner, wrapped))
        new = NewCustomer(
            phone=row.phone,
            name=row.name,
            locale=row.locale or rules.languages[0],
            timezone=row.timezone or phone_numbers.guess_phone_zone(row.phone, rules.default_zone),
            external_ref=row.ref,
        )
        values.append(sealed_customer_columns(ring, key, owner, new, now))
    field_encryption.store_data_keys(session, keys)
    session.connection().execute(insert(_TABLE), values)
    _record_import_acts(session, AuditAct.CUSTOMER_ADD, [owner for owner, _ in keys], now)


def _update_customers(
    session: Session, changed: Sequence[tuple[ImportRow, Customer, FieldKey]], now: datetime
) -> None:
    ring = keyring.current_keyring(session)
    for row, customer, key in changed:
        customer.name = key.seal_field("customer", "name", customer.id, row.name)
        customer.external_ref = key.seal_field("customer", "external_ref", customer.id, row.ref)
        customer.external_ref_index = ring.compute_blind_index("external_ref", row.ref)
        customer.locale = row.locale or customer.locale
        customer.timezone = row.timezone or customer.timezone
        session.add(customer)
    session.flush()
    _record_import_acts(
        session, AuditAct.CUSTOMER_CHANGE, [customer.id for _, customer, _ in changed], now
    )


def _record_import_acts(
    session: Session, action: AuditAct, owners: Sequence[UUID], now: datetime
) -> None:
    audit_log.record_act_per_customer(
        session,
        audit_log.OPERATOR,
        action,
        now,
        about=[(owner, None) for owner in owners],
        purpose=PURPOSE,
    )
