"""Signed notes and checkpoints, in the formats of C2SP (signed-note, tlog-checkpoint), which public
tools and witnesses read."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from config.domain_errors import DomainError
from vault.error_codes import VaultErrorCode

_ED25519 = b"\x01"
_NAME = re.compile(r"[^\s+]{1,200}")
_SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+={0,2})")
MAX_NOTE_CHARS = 64 * 1024


class InvalidNote(DomainError):
    """A note, key or checkpoint is malformed or not correctly signed."""


@dataclass(frozen=True)
class VerifierKey:
    """A public key and its signer's name."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        """Return the key in C2SP format: name, key id and key."""
        return f"{self.name}+{self.key_id.hex()}+{_encode_base64(_ED25519 + self.key)}"

    def verify_signature(self, text: str, signature: bytes) -> bool:
        """Return whether this is a signature of the text by this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


def parse_verifier_key(text: str) -> VerifierKey:
    """Parse a public key in C2SP format. Raises :class:`InvalidNote`."""
    name, _, rest = text.strip().partition("+")
    key_id, _, key = rest.partition("+")
    verifier = VerifierKey(name, _decode_base64(key)[1:])
    good = _NAME.fullmatch(name) and _decode_base64(key)[:1] == _ED25519 and len(verifier.key) == 32
    if not good or verifier.key_id.hex() != key_id:
        raise InvalidNote(VaultErrorCode.VERIFIER_KEY_INVALID)
    return verifier


class NoteSigner:
    """A private key (32 bytes) and its signer's name. Raises :class:`InvalidNote`."""

    def __init__(self, name: str, seed: bytes) -> None:
        if not _NAME.fullmatch(name):
            raise InvalidNote(VaultErrorCode.LOG_NAME_INVALID)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._key.public_key().public_bytes_raw())

    def sign_note(self, text: str) -> str:
        """Return the text as a note with our signature. The text ends with a newline."""
        signed = self.verifier.key_id + self._key.sign(text.encode())
        return f"{text}\n— {self.verifier.name} {_encode_base64(signed)}\n"


@dataclass(frozen=True)
class Checkpoint:
    """The size and root of a log."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{_encode_base64(self.root)}\n"


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """Return the checkpoint in a note after verifying the key's signature; ignores signatures of
    others (witnesses). Raises :class:`InvalidNote`."""
    text = open_signed_text(note, key)
    lines = text.split("\n")
    if len(lines) < 4 or lines[0] != key.name:
        raise InvalidNote(VaultErrorCode.CHECKPOINT_OF_OTHER_LOG)
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
        raise InvalidNote(VaultErrorCode.CHECKPOINT_SIZE_UNREADABLE)
    root = _decode_base64(lines[2])
    if len(root) != 32:
        raise InvalidNote(VaultErrorCode.CHECKPOINT_ROOT_UNREADABLE)
    return Checkpoint(lines[0], int(lines[1]), root)


def open_signed_text(note: str, key: VerifierKey) -> str:
    """Return the text of a note after verifying the key's signature. Raises
    :class:`InvalidNote`."""
    if len(note) > MAX_NOTE_CHARS:
        raise InvalidNote(VaultErrorCode.NOTE_TOO_LONG)
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise InvalidNote(VaultErrorCode.NOTE_NOT_SIGNED)
    text += "\n"
    for line in signatures[:-1].split("\n"):
        match = _SIGNATURE.fullmatch(line)
        if not match:
            raise InvalidNote(VaultErrorCode.NOTE_LINE_NOT_SIGNATURE)
        signed = _decode_base64(match[2])
        if (
            match[1] == key.name
            and signed[:4] == key.key_id
            and key.verify_signature(text, signed[4:])
        ):
            return text
    raise InvalidNote(VaultErrorCode.NOTE_SIGNATURE_MISSING, name=key.name)


def _encode_base64(data: bytes) -> str:
    return b64encode(data).decode()


def _decode_base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (Error, ValueError):
        return b""
