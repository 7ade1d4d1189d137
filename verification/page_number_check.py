"""Verifies a page number that a customer typed, counting each try."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select, update

from people import attempt_log
from people.models import NumberProof
from storage.column_types import new_id
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import field_encryption, keyring
from verification import codes, page_number_limits
from verification.page_number_limits import DIGITS, MAX_TRIES
from verification.proof_mac import ProofIntegrity

TABLE = "number_proof"
_ABSENT_ROW_ID = new_id()
_DECOY_SECRET = field_encryption.DECOY_KEY.seal_field(
    TABLE, "secret", _ABSENT_ROW_ID, codes.new_code_secret()
)


def verify_page_number(
    session: Session,
    phone: str,
    number: str,
    now: datetime,
    noted: Callable[[], bool] = lambda: True,
) -> UUID | None:
    """Return the customer who holds the phone (E.164), or ``None``.

    ``None`` means that the number is wrong, used, expired, or has had its three tries, or that it
    was requested on the web while the limit on wrong guesses is reached. The attempt counts, so the
    caller commits whatever the answer. ``noted`` returns whether a failed attempt is the first of
    its kind; the audit entry of other attempts is not kept if there was no valid page number to
    try.
    """
    typed = codes.normalise_code(number, DIGITS)
    if typed is None:
        return None
    proof = _lock_open_proof(
        session, keyring.current_keyring(session).compute_search_forms("phone", phone)
    )
    integrity = ProofIntegrity(session, proof, phone)
    owner = proof.customer_id if proof and integrity.holds else None
    matches = codes.codes_match(
        _expected_page_number(session, proof if integrity.holds else None, owner), typed
    )
    limited = page_number_limits.is_guess_limit_reached(session, now)
    alive = (
        proof is not None
        and proof.tries < MAX_TRIES
        and now < proof.valid_until
        and (not limited or proof.asked_by == page_number_limits.TEXT)
        and integrity.is_usable(MAX_TRIES)
    )
    right = alive and matches and owner is not None
    integrity.count_proof_attempt(alive=alive, right=right)
    _store_proof_attempt(session, proof, integrity, alive, right, now)
    action = (
        AuditAct.PROOF_USE if right else AuditAct.PROOF_FAIL if alive else AuditAct.PROOF_IGNORE
    )
    entry = attempt_log.AttemptEntry(audit_log.CUSTOMER, action, customer_id=owner)
    attempt_log.write_attempt_entry(session, entry, now, kept=right or noted() or alive)
    return owner if right else None


def _lock_open_proof(session: Session, forms: Sequence[bytes]) -> NumberProof | None:
    """Return the open proof of a phone, locked, so that attempts at it are serialized (rule C4)."""
    return session.exec(
        select(NumberProof)
        .where(col(NumberProof.phone_index).in_(forms), col(NumberProof.closed_at).is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def _expected_page_number(session: Session, proof: NumberProof | None, owner: UUID | None) -> str:
    """Return the page number that was sent; a decoy number if none was."""
    key = field_encryption.load_data_key_or_decoy(session, owner)
    if proof is None or proof.secret is None:
        return codes.hotp_code(
            field_encryption.DECOY_KEY.open_field(TABLE, "secret", _ABSENT_ROW_ID, _DECOY_SECRET),
            0,
            DIGITS,
        )
    return codes.hotp_code(
        key.open_field(TABLE, "secret", proof.id, proof.secret), proof.counter, DIGITS
    )


def _store_proof_attempt(
    session: Session,
    proof: NumberProof | None,
    kept: ProofIntegrity,
    alive: bool,
    right: bool,
    now: datetime,
) -> None:
    """Count an attempt at a locked proof; close it once it is used or has had its last attempt."""
    tries = (proof.tries if proof else 0) + alive
    closes = right or tries >= MAX_TRIES
    changed = {
        "tries": tries,
        "closed_at": now if closes else None,
        "secret": proof.secret if proof and not closes else None,
        "proven_at": now if right else None,
    }
    session.exec(
        update(NumberProof)
        .where(col(NumberProof.id) == (proof.id if proof else _ABSENT_ROW_ID))
        .values(**changed, bound=kept.updated_mac(changed))
    )
    on_the_web = proof is not None and proof.asked_by == page_number_limits.WEB
    page_number_limits.add_wrong_tries(session, int(alive and on_the_web and not right), now)
