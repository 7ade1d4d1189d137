"""Verifies Telnyx's webhooks: a request without a valid signature is refused (rule M2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Response, request

from channels import failed_attempts
from channels.app_context import current_context, current_time

log = structlog.get_logger("telnyx")

#: How much a signed timestamp may differ from our clock; a later replay is refused. An earlier one
#: changes nothing, because each text is handled once and each report only moves a text forward.
TOLERANCE = timedelta(minutes=5)


def require_signature() -> Response | None:
    """Refuse a request to a webhook that Telnyx has not signed."""
    keys = current_context().webhook_keys["telnyx"]
    signature = request.headers.get("telnyx-signature-ed25519", "")
    timestamp = request.headers.get("telnyx-timestamp", "")
    if request.mimetype == "application/json" and is_signature_valid(
        request.get_data(), signature, timestamp, keys, current_time()
    ):
        return None
    if failed_attempts.is_first_this_hour("webhook"):
        log.warning("unsigned webhook", path=request.endpoint)
    return Response("The signature does not fit.\n", 403, mimetype="text/plain")


def is_signature_valid(
    body: bytes, signature: str, timestamp: str, keys: Iterable[str], now: datetime
) -> bool:
    """Return whether one of the account's public keys (base64) signed ``timestamp|body`` recently.

    The signature covers the raw body, so it is verified before the body is parsed. Without a key no
    signature is valid.
    """
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return False
    signed = timestamp.encode() + b"|" + body
    return any(_verify(key, signature, signed) for key in keys)


def _verify(key: str, signature: str, signed: bytes) -> bool:
    try:
        public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public_key.verify(base64.b64decode(signature, validate=True), signed)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
