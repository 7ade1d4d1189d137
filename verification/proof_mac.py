"""The mark of a page number's row, which binds it to the phone it went to and to its customer.

All of it takes the same work for a phone that nobody proves (rule C5): the mark of a row that is
not there is made too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from people import row_mac
from people.models import NumberProof
from vault.external_counters import CodeCounter
from vault.keys import keyring

_TABLE = "number_proof"
_NO_ID = UUID(int=0)
_EPOCH = datetime.fromtimestamp(0, UTC)


def _secret_fingerprint(secret: bytes | None) -> bytes:
    """A sealed secret, or none, in one length."""
    return hashlib.sha256(secret or b"").digest()


_ABSENT_VALUES: dict[str, Any] = {
    "id": _NO_ID,
    "customer_id": _NO_ID,
    "secret": _secret_fingerprint(None),
    "counter": 0,
    "tries": 0,
    "made_at": _EPOCH,
    "valid_until": _EPOCH,
    "closed_at": None,
    "asked_by": "web",
    "proven_at": None,
}


def set_proof_mac(session: Session, proof: NumberProof, phone: str) -> None:
    """Mark a row that is about to be added, as that of this phone (E.164)."""
    proof.bound = row_mac.compute_column_mac(
        session, _TABLE, _proof_mac_values(proof), _unchanging_phone_form(session, phone)
    )


class ProofIntegrity:
    """What can be relied on of a proof that was found for a phone, or of none."""

    def __init__(self, session: Session, proof: NumberProof | None, phone: str) -> None:
        self._session, self._proof, self._phone = (
            session,
            proof,
            _unchanging_phone_form(session, phone),
        )
        bound = proof.bound if proof else None
        self.holds = row_mac.mac_matches(session, _TABLE, self._values, bound, self._phone)
        row, counter = (proof.id, proof.counter) if proof else (_NO_ID, 0)
        self._outside = CodeCounter(session, row, counter)

    @property
    def _values(self) -> Mapping[str, Any]:
        return _proof_mac_values(self._proof) if self._proof else _ABSENT_VALUES

    def is_usable(self, most: int) -> bool:
        """Whether the row is as we left it, unused, and without ``most`` wrong tries also by what
        is counted outside the database."""
        return self.holds and self._outside.allows_row_state(confirmed=False, most=most)

    def count_proof_attempt(self, *, alive: bool, right: bool) -> None:
        """Count a try outside the database too."""
        if right:
            self._outside.add_confirmation()
        else:
            self._outside.add_wrong_try(counts=alive)

    def updated_mac(self, changed: Mapping[str, Any]) -> bytes | None:
        """The mark of the row with these values; one that did not hold gets none."""
        values = {**self._values, **changed, "secret": _secret_fingerprint(changed["secret"])}
        made = row_mac.compute_column_mac(self._session, _TABLE, values, self._phone)
        return made if self.holds else None


def _proof_mac_values(proof: NumberProof) -> dict[str, Any]:
    """All of one length, whether or not the phone is a customer's."""
    values = {part: getattr(proof, part) for part in row_mac.MAC_COLUMNS[_TABLE]}
    owner = values["customer_id"] or _NO_ID
    return {**values, "customer_id": owner, "secret": _secret_fingerprint(values["secret"])}


def _unchanging_phone_form(session: Session, phone: str) -> str:
    """In a form that no rotation of the index key changes."""
    return keyring.current_keyring(session).compute_stable_form("phone", phone).hex()
