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
#: The states of the newest generation. ``known``: looked for, not yet written. ``current``:
#: written, and the one before it is looked for too. ``alone``: nothing is left under that one.
KNOWN, CURRENT, ALONE = "known", "current", "alone"
STATES = (KNOWN, CURRENT, ALONE)


@dataclass(frozen=True, repr=False)
class IndexKeys:
    """The index keys from the first to the newest, and the state of the newest."""

    keys: Sequence[bytes]
    state: str = ALONE

    @property
    def stage(self) -> tuple[int, int]:
        """How far all rotations have come; it only rises."""
        return len(self.keys), STATES.index(self.state)

    @property
    def written(self) -> int:
        """The generation that new rows are written under."""
        return len(self.keys) - 1 - (self.state == KNOWN)

    def forms(self, kind: str, value: str) -> list[bytes]:
        """The forms that a row may be found by; what a new row is written under comes first."""
        chain = self._chain(kind, value)
        if self.state == ALONE:
            return chain[-1:]
        return chain[:-3:-1] if self.state == CURRENT else chain[-2:]

    def first(self, kind: str, value: str) -> bytes:
        """The form that no rotation changes."""
        return self._chain(kind, value)[0]

    def newest(self, form: bytes) -> bytes:
        """What two forms of one value have in common: the later one, whichever was given."""
        before = len(self.keys) - 2
        return self._next(before, form) if generation(form) == before >= 0 else form

    def anew(self, form: bytes) -> bytes:
        """A form as it is written now; one of the generation before is brought to this one."""
        before = self.written - 1
        return self._next(before, form) if generation(form) == before >= 0 else form

    def _chain(self, kind: str, value: str) -> list[bytes]:
        message = kind.encode() + b"\x00" + value.encode()
        chain = [hmac.digest(self.keys[0], message, "sha256")[:FORM_BYTES]]
        for before in range(len(self.keys) - 1):
            chain.append(self._next(before, chain[-1]))
        return chain

    def _next(self, before: int, form: bytes) -> bytes:
        digest = hmac.digest(self.keys[before + 1], form, "sha256")
        return bytes([before + 1]) + digest[:FORM_BYTES]


def oldest(forms: Sequence[bytes]) -> bytes:
    """Of several forms of a value the one that the others can be made from."""
    return min(forms, key=generation)


def generation(form: bytes) -> int:
    """Which generation a form belongs to; -1 for what is no form. The first has no byte in front
    that says so."""
    if len(form) == FORM_BYTES:
        return 0
    return form[0] if len(form) == FORM_BYTES + 1 else -1
