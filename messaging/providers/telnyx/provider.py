"""Telnyx, as the registry of providers knows it. It sends texts; calls need another provider."""

from __future__ import annotations

import base64
import binascii
import re

from messaging.providers.provider_kind import Account, Installation, ProviderKind
from messaging.providers.telnyx.errors import PERMANENT_ERRORS
from messaging.providers.telnyx.sms import TelnyxSmsProvider

PUBLIC_KEY_BYTES = 32
_E164 = r"\+[1-9][0-9]{6,14}"


def _build_sms(account: Account, here: Installation) -> TelnyxSmsProvider:
    return TelnyxSmsProvider(
        account.value("api_key"),
        from_number=account.value("from_number"),
        messaging_profile_id=account.value("messaging_profile_id"),
        api_base=account.value("api_base"),
        webhook_url=f"{here.base_url}/telnyx/messages",
        name=account.name,
        connections=here.connections,
    )


def _find_faults(account: Account) -> list[str]:
    faults = []
    if not account.value("api_key"):
        faults.append(f"{account.setting('api_key')} is not set, so no text can be sent.")
    if not _is_public_key(account.value("public_key")):
        faults.append(
            f"{account.setting('public_key')} must be the account's public key (base64, 32 bytes): "
            "without it no webhook can be verified."
        )
    sender = account.value("from_number")
    if sender and not re.fullmatch(_E164, sender):
        faults.append(
            f"{account.setting('from_number')} must be a number like +442079460123: customers "
            "cannot answer a name or a short code."
        )
    if not sender and not account.value("messaging_profile_id"):
        names = " or ".join(map(account.setting, ("from_number", "messaging_profile_id")))
        faults.append(f"{names} is not set, so no text can be sent.")
    return faults


def _is_public_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == PUBLIC_KEY_BYTES
    except (binascii.Error, ValueError):
        return False


TELNYX = ProviderKind(
    scheme="telnyx",
    build_sms=_build_sms,
    find_faults=_find_faults,
    delivery_errors=PERMANENT_ERRORS,
    webhook_key="public_key",
)
