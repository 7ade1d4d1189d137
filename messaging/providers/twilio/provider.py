"""Twilio, as the registry of providers knows it."""

from __future__ import annotations

from messaging.providers.provider_kind import Account, Installation, ProviderKind
from messaging.providers.twilio.client import PERMANENT_ERRORS
from messaging.providers.twilio.sms import TwilioSmsProvider
from messaging.providers.twilio.voice import TwilioVoiceProvider


def _build_sms(account: Account, here: Installation) -> TwilioSmsProvider:
    return TwilioSmsProvider(
        account.value("account_sid"),
        account.value("auth_token"),
        from_number=account.value("from_number"),
        messaging_service_sid=account.value("messaging_service_sid"),
        api_base=account.value("api_base"),
        status_callback=f"{here.base_url}/twilio/status/message",
        name=account.name,
        connections=here.connections,
    )


def _build_voice(account: Account, here: Installation) -> TwilioVoiceProvider:
    return TwilioVoiceProvider(
        account.value("account_sid"),
        account.value("auth_token"),
        from_number=here.official_phone,
        base_url=here.base_url,
        api_base=account.value("api_base"),
        name=account.name,
        connections=here.connections,
    )


def _find_faults(account: Account) -> list[str]:
    sender = "from_number", "messaging_service_sid"
    missing = [
        account.setting(name) for name in ("account_sid", "auth_token") if not account.value(name)
    ]
    if not any(account.value(name) for name in sender):
        missing.append(" or ".join(account.setting(name) for name in sender))
    return [f"{name} is not set, so this account can send nothing." for name in missing]


TWILIO = ProviderKind(
    scheme="twilio",
    build_sms=_build_sms,
    build_voice=_build_voice,
    find_faults=_find_faults,
    delivery_errors=PERMANENT_ERRORS,
    webhook_key="auth_token",
    named_accounts=("second",),
)
