"""The blind index: a keyed fingerprint finds a value without storing it, and its key can change.

A value has one *form* under each generation of the index key: HMAC-SHA-256, 16 bytes. The form
under a generation is made from the form under the one before it. So a row can be brought to a new
key though nobody knows its value any more (who wants no texts, say), and whoever has an old key but
not the newest can try out no number against what stands in the store.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

FORM_BYTES = 16
#: Zeros that rows begin with which stand for no value: no form begins with so many.
STAND_IN_PREFIX = bytes(FORM_BYTES - 2)
#: The states of the newest generation. ``known``: looked for, not yet written. ``current``:
#: written, and the one before it is looked for too. ``alone``: nothing is left under that one.
KNOWN, CURRENT, ONLY = "known", "current", "alone"
ROTATION_STATES = (KNOWN, CURRENT, ONLY)


@dataclass(frozen=True, repr=False)
class IndexKeys:
    """The index keys from the first to the newest, and the state of the newest."""

    keys: Sequence[bytes]
    state: str = ONLY

    @property
    def stage(self) -> tuple[int, int]:
        """How far all rotations have come; it only rises."""
        return len(self.keys), ROTATION_STATES.index(self.state)

    @property
    def written(self) -> int:
        """The generation that new rows are written under."""
        return len(self.keys) - 1 - (self.state == KNOWN)

    def search_forms(self, kind: str, value: str) -> list[bytes]:
        """The forms that a row may be found by; what a new row is written under comes first."""
        chain = self._form_chain(kind, value)
        if self.state == ONLY:
            return chain[-1:]
        return chain[:-3:-1] if self.state == CURRENT else chain[-2:]

    def first_form(self, kind: str, value: str) -> bytes:
        """The form that no rotation changes."""
        return self._form_chain(kind, value)[0]

    def to_newest_form(self, form: bytes) -> bytes:
        """What two forms of one value have in common: the later one, whichever was given."""
        before = len(self.keys) - 2
        return self._next_form(before, form) if form_generation(form) == before >= 0 else form

    def to_written_form(self, form: bytes) -> bytes:
        """A form as it is written now; one of the generation before is brought to this one."""
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
    """Of several forms of a value the one that the others can be made from."""
    return min(forms, key=form_generation)


def form_generation(form: bytes) -> int:
    """Which generation a form belongs to; -1 for what is no form. The first has no byte in front
    that says so."""
    if len(form) == FORM_BYTES:
        return 0
    return form[0] if len(form) == FORM_BYTES + 1 else -1
