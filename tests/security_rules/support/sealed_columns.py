"""Every column of bytes in every table, what it holds, and how it is opened in its place."""

from __future__ import annotations

from typing import Any

from sqlalchemy import LargeBinary
from sqlmodel import Session, SQLModel, select

import app  # noqa: F401  (so that every table is known)
from people import row_mac
from vault.keys import field_encryption, key_register, keyring
from vault.models import DataKey, KeyRegisterRow, PurposeKey
from verification.models import code_seal_context

#: Found by, never opened: a keyed fingerprint.
INDEXES = {
    "customer.phone_index",
    "customer.external_ref_index",
    "staff.email_index",
    "callback.ticket_index",
    "code.phone_index",
    "inbound_text.sender_index",
    "demo_text.phone_index",
    "opt_out.phone_index",
    "line_kind.phone_index",
    "demo_line.phone_index",
    "report.phone_index",
    "stream_item.phone_index",
    # Fingerprints and seconds, see verification/failed_checks.py.
    "code.unmet",
    "idempotency_key.key_hash",
    "idempotency_key.request_hash",
    "number_proof.phone_index",
    "passkey.credential_index",
}
#: Plain hashes of random values too long to be tried out.
HASHES = {
    "enrolment_link.token_hash",
    "recovery_code.code_hash",
    "staff_session.token_hash",
    "api_token.token_hash",
    "calendar_feed.token_hash",
    "customer_session.token_hash",
    "spent_challenge.challenge_hash",
    # Of audit entries, which hold random ids and no personal data.
    "audit_tile.hashes",
    "audit_state.root",
}
#: Packed numbers that say how many, and of nobody.
COUNTS = {"access_tally.fresh"}
#: Keyed fingerprints of what must not be parted of a row, see people/password_seal.py.
MARKS = {f"{table}.bound" for table in row_mac.MAC_COLUMNS} | {
    f"audit_{table}.mark" for table in ("entry", "run", "state", "publication", "writer")
}
#: Sealed under the key of one customer, named by this column of the row.
CUSTOMERS = {
    "customer.phone": "id",
    "customer.name": "id",
    "customer.external_ref": "id",
    "customer.safe_phrase": "id",
    "callback.topic": "customer_id",
    "callback.ticket": "customer_id",
    "code.secret": "customer_id",
    "code.reply_word": "customer_id",
    "number_proof.secret": "customer_id",
    "outbox_message.recipient": "customer_id",
    "outbox_message.body": "customer_id",
}
#: Sealed under the key of one purpose.
PURPOSES = {
    "staff.email": keyring.STAFF,
    "staff.name": keyring.STAFF,
    "staff.password_hash": keyring.SIGN_IN,
    "staff.totp_secret": keyring.STAFF,
    "staff.phone": keyring.STAFF,
    "staff.passkey_handle": keyring.STAFF,
    "staff_session.browser": keyring.STAFF,
    "passkey.credential": keyring.STAFF,
    "passkey.public_key": keyring.STAFF,
    "passkey.name": keyring.STAFF,
    "phone_call.agent_phone": keyring.STAFF,
    "enrolment_link.totp_secret": keyring.STAFF,
    "enrolment_link.pin": keyring.STAFF,
    "demo_text.phone": keyring.DEMO,
    "demo_text.body": keyring.DEMO,
    "report.phone": keyring.REPORTS,
    "report.shown_number": keyring.REPORTS,
    "report.said": keyring.REPORTS,
    "report.knew": keyring.REPORTS,
    "report.claimed_to_be": keyring.REPORTS,
    "report.asked_for": keyring.REPORTS,
    "report.gave": keyring.REPORTS,
    "case_step.words": keyring.REPORTS,
    "audit_reading.reason": keyring.REPORTS,
    "approval_request.payload": keyring.APPROVALS,
    "approval_request.reason": keyring.APPROVALS,
    "approval_vote.binding": keyring.APPROVALS,
    "approval_vote.pin": keyring.APPROVALS,
    "canary_batch.kept": keyring.CANARIES,
    "noted_access.explanation": keyring.REPORTS,
}
#: Wrapped by a master key.
WRAPPED = {"data_key.wrapped", "purpose_key.wrapped", "key_register.sealed"}
SEALED = {*CUSTOMERS, *PURPOSES, *WRAPPED}


def columns_of_bytes() -> set[str]:
    return {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }


def model(table: str) -> Any:
    """The class of a table."""
    mappers = SQLModel._sa_registry.mappers
    return next(m.class_ for m in mappers if m.local_table.name == table)


def values(session: Session, column: str) -> list[tuple[Any, bytes]]:
    """Each row and what it holds in that column."""
    table, name = column.split(".")
    return [
        (row, held) for row in session.exec(select(model(table))) if (held := getattr(row, name))
    ]


def opened(session: Session, column: str, row: Any, sealed: bytes, master: Any) -> str | bytes:
    """What ``sealed`` says, opened as the product opens that column of that row."""
    table, name = column.split(".")
    ring = keyring.current_keyring(session)
    if isinstance(row, DataKey):
        return ring.unwrap_key(sealed, row.owner_id)
    if isinstance(row, PurposeKey):
        return master.unwrap_with_master(sealed, key_register.wrap_context(row.purpose))
    if isinstance(row, KeyRegisterRow):
        return master.unwrap_with_master(sealed, "key_register.sealed")
    if column in PURPOSES:
        return ring.open_for_purpose(PURPOSES[column], f"{column}:{row.id}", sealed)
    owner = getattr(row, CUSTOMERS[column])
    secret = column == "code.secret"
    place = code_seal_context(row.id, row.phone_index, row.counter) if secret else row.id
    return field_encryption.load_data_key(session, owner).open_field(table, name, place, sealed)


def owner_of(column: str, row: Any) -> Any:
    """The customer whose key seals it, if it is one's."""
    return getattr(row, CUSTOMERS[column]) if column in CUSTOMERS else None
