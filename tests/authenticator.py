"""An authenticator in software, which also lies on request."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url, encode_cbor

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One passkey of one site. ``count`` goes up with each use, unless it stays at 0."""

    rp_id: str = "localhost"
    origin: str = "http://localhost:5000"
    count: int = 0
    counts: bool = True
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def make(self, challenge: bytes, /, handle: bytes = b"", **lies: Any) -> str:
        """The answer to being asked for a new passkey."""
        self.handle = handle
        data = self._client_data("webauthn.create", challenge, lies)
        length = len(self.credential).to_bytes(2, "big")
        attested = bytes(16) + length + self.credential + self._public()
        flags = PRESENT | VERIFIED | ATTESTED
        auth = self._auth_data(flags, lies) + attested
        made = encode_cbor({"fmt": "none", "attStmt": {}, "authData": auth})
        return self._packed({"clientDataJSON": data, "attestationObject": made})

    def use(self, challenge: bytes, /, **lies: Any) -> str:
        """The answer to being asked for a proof."""
        self.count += self.counts
        data = self._client_data("webauthn.get", challenge, lies)
        auth = self._auth_data(PRESENT | VERIFIED, lies)
        signed = auth + hashlib.sha256(data).digest()
        signature = self.key.sign(signed, ec.ECDSA(SHA256()))
        response = {"clientDataJSON": data, "authenticatorData": auth, "signature": signature}
        handle = lies.get("handle", self.handle)
        return self._packed({**response, **({"userHandle": handle} if handle else {})})

    def _client_data(self, kind: str, challenge: bytes, lies: dict[str, Any]) -> bytes:
        said = {
            "type": lies.get("kind", kind),
            "challenge": bytes_to_base64url(lies.get("challenge", challenge)),
            "origin": lies.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _auth_data(self, flags: int, lies: dict[str, Any]) -> bytes:
        rp = hashlib.sha256(lies.get("rp_id", self.rp_id).encode()).digest()
        flags &= ~lies.get("without", 0)
        return rp + bytes([flags]) + lies.get("count", self.count).to_bytes(4, "big")

    def _public(self) -> bytes:
        """In COSE (RFC 9053): EC2, ES256, P-256."""
        at = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (at.x, at.y))
        return encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def _packed(self, response: dict[str, bytes]) -> str:
        name = bytes_to_base64url(self.credential)
        texts = {key: bytes_to_base64url(value) for key, value in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": texts})
