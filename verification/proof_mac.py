"""The MAC of a page number's row, which binds it to its phone and its customer.

All of it takes the same work for a phone without a proof (rule C5): the MAC of a placeholder row is
computed then.
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
    """Hash a sealed secret, or none, to a fixed length."""
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
    """Set the MAC of a row that is about to be added, binding it to this phone (E.164)."""
    proof.bound = row_mac.compute_column_mac(
        session, _TABLE, _proof_mac_values(proof), _unchanging_phone_form(session, phone)
    )


class ProofIntegrity:
    """Integrity of the proof found for a phone, or of none."""

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
        """Return whether the MAC holds, and the external counters show the proof unused and with
        fewer than ``most`` wrong attempts."""
        return self.holds and self._outside.allows_row_state(confirmed=False, most=most)

    def count_proof_attempt(self, *, alive: bool, right: bool) -> None:
        """Count an attempt in the external counters too."""
        if right:
            self._outside.add_confirmation()
        else:
            self._outside.add_wrong_try(counts=alive)

    def updated_mac(self, changed: Mapping[str, Any]) -> bytes | None:
        """Return the row's MAC with these values changed; ``None`` if the current MAC does not
        hold."""
        values = {**self._values, **changed, "secret": _secret_fingerprint(changed["secret"])}
        mac = row_mac.compute_column_mac(self._session, _TABLE, values, self._phone)
        return mac if self.holds else None


def _proof_mac_values(proof: NumberProof) -> dict[str, Any]:
    """Return the values under the MAC, of one length whether or not the phone is a customer's."""
    values = {part: getattr(proof, part) for part in row_mac.MAC_COLUMNS[_TABLE]}
    owner = values["customer_id"] or _NO_ID
    return {**values, "customer_id": owner, "secret": _secret_fingerprint(values["secret"])}


def _unchanging_phone_form(session: Session, phone: str) -> str:
    """Return a form of the phone that index key rotation does not change."""
    return keyring.current_keyring(session).compute_stable_form("phone", phone).hex()
