"""The blind index: a keyed fingerprint finds a value without storing it, and its key can be
rotated.

A value has one *form* under each generation of the index key: HMAC-SHA-256, 16 bytes. The form
under a generation is computed from the form under the one before it. So a row can be moved to a new
key without knowing its value (opt-outs, for example), and somebody who has an old key but not the
newest cannot test numbers against the stored forms.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

FORM_BYTES = 16
#: The zero prefix of decoy and queue rows, which have no value: no form begins with so many zeros.
STAND_IN_PREFIX = bytes(FORM_BYTES - 2)
#: The states of the newest generation. ``known``: searched, not yet written. ``current``: written,
#: and the previous one is searched too. ``alone``: no row uses the previous one.
KNOWN, CURRENT, ONLY = "known", "current", "alone"
ROTATION_STATES = (KNOWN, CURRENT, ONLY)


@dataclass(frozen=True, repr=False)
class IndexKeys:
    """The index keys from oldest to newest, and the state of the newest."""

    keys: Sequence[bytes]
    state: str = ONLY

    @property
    def stage(self) -> tuple[int, int]:
        """The progress of all rotations; it only increases."""
        return len(self.keys), ROTATION_STATES.index(self.state)

    @property
    def written(self) -> int:
        """The generation that new rows are written under."""
        return len(self.keys) - 1 - (self.state == KNOWN)

    def search_forms(self, kind: str, value: str) -> list[bytes]:
        """Return the forms that a row may be found by; the form that new rows are written under
        comes first."""
        chain = self._form_chain(kind, value)
        if self.state == ONLY:
            return chain[-1:]
        return chain[:-3:-1] if self.state == CURRENT else chain[-2:]

    def first_form(self, kind: str, value: str) -> bytes:
        """Return the form that rotations do not change."""
        return self._form_chain(kind, value)[0]

    def to_newest_form(self, form: bytes) -> bytes:
        """Return the newest form of a value from either of its forms, so that two can be
        compared."""
        before = len(self.keys) - 2
        return self._next_form(before, form) if form_generation(form) == before >= 0 else form

    def to_written_form(self, form: bytes) -> bytes:
        """Return the form as it is written now; converts one of the previous generation."""
        before = self.written - 1
        return self._next_form(before, form) if form_generation(form) == before >= 0 else form

    def _form_chain(self, kind: str, value: str) -> list[bytes]:
        message = kind.encode() + b"\x00" + value.encode()
        chain = [hmac.digest(self.keys[0], message, "sha256")[:FORM_BYTES]]
        for before in range(len(self.keys) - 1):
            chain.append(self._next_form(before, chain[-1]))
        return chain

    def _next_form(self, before: int, form: bytes) -> bytes:
        digest = hmac.digest(self.keys[before + 1], form, "sha256")
        return bytes([before + 1]) + digest[:FORM_BYTES]


def oldest_form(forms: Sequence[bytes]) -> bytes:
    """Return the oldest of several forms of a value, from which the others can be computed."""
    return min(forms, key=form_generation)


def form_generation(form: bytes) -> int:
    """Return the generation of a form; -1 for anything else. Forms of the first have no generation
    byte."""
    if len(form) == FORM_BYTES:
        return 0
    return form[0] if len(form) == FORM_BYTES + 1 else -1
