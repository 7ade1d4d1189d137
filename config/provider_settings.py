"""Settings of the providers of texts and calls: which ones, and their accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode


@dataclass(frozen=True)
class ProviderEntry:
    """An entry of ``VOUCHLINE_SMS`` or ``VOUCHLINE_VOICE``: ``scheme:``, or ``scheme:account``."""

    scheme: str
    account: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}:{self.account}"


def _parse_entry(text: str) -> ProviderEntry:
    scheme, _, account = text.partition(":")
    return ProviderEntry(scheme, account)


class ProviderSettings(BaseSettings):
    """Part of :class:`config.settings.Settings`.

    An account's settings begin with its scheme, or with ``second_`` and its scheme.
    """

    messaging: Literal["simulator", "twilio"] = "simulator"
    sms: Annotated[tuple[str, ...], NoDecode] = ()
    voice: Annotated[tuple[str, ...], NoDecode] = ()

    twilio_account_sid: str = Field("", validation_alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr = Field(SecretStr(""), validation_alias="TWILIO_AUTH_TOKEN")
    twilio_from_number: str = Field("", validation_alias="TWILIO_FROM_NUMBER")
    twilio_messaging_service_sid: str = Field("", validation_alias="TWILIO_MESSAGING_SERVICE_SID")
    twilio_api_base: str = Field("", validation_alias="TWILIO_API_BASE")

    second_twilio_account_sid: str = ""
    second_twilio_auth_token: SecretStr = SecretStr("")
    second_twilio_from_number: str = ""
    second_twilio_messaging_service_sid: str = ""
    second_twilio_api_base: str = ""

    telnyx_api_key: SecretStr = Field(SecretStr(""), validation_alias="TELNYX_API_KEY")
    telnyx_public_key: str = Field("", validation_alias="TELNYX_PUBLIC_KEY")
    telnyx_from_number: str = Field("", validation_alias="TELNYX_FROM_NUMBER")
    telnyx_messaging_profile_id: str = Field("", validation_alias="TELNYX_MESSAGING_PROFILE_ID")
    telnyx_api_base: str = Field("", validation_alias="TELNYX_API_BASE")

    @field_validator("sms", "voice", mode="before")
    @classmethod
    def _parse_entries(cls, value: Any) -> Any:
        entries = value.replace(",", " ").split() if isinstance(value, str) else value
        if not all(re.fullmatch("[a-z]+:[a-z]*", str(entry)) for entry in entries):
            raise ValueError("write providers in order of preference, like twilio: telnyx:")
        return tuple(entries)

    @property
    def sms_entries(self) -> tuple[ProviderEntry, ...]:
        """The providers of texts in order of preference; ``VOUCHLINE_MESSAGING`` is the older way
        to name them."""
        if self.sms:
            return tuple(map(_parse_entry, self.sms))
        second = (f"{self.messaging}:second",) if self._has_second_account() else ()
        return tuple(map(_parse_entry, (f"{self.messaging}:", *second)))

    @property
    def voice_entries(self) -> tuple[ProviderEntry, ...]:
        """The providers of calls that ``VOUCHLINE_VOICE`` names; empty if it is not set, which
        means those of ``VOUCHLINE_SMS`` that place calls."""
        return tuple(map(_parse_entry, self.voice))

    def _has_second_account(self) -> bool:
        return self.messaging == "twilio" and bool(self.second_twilio_auth_token.get_secret_value())

    def account_values(self, entry: ProviderEntry) -> dict[str, str]:
        """Return the settings of an account by their name within it, secrets opened."""
        return dict(self._account_items(entry))

    def _account_items(self, entry: ProviderEntry) -> Iterator[tuple[str, str]]:
        prefix = f"{entry.account}_{entry.scheme}_" if entry.account else f"{entry.scheme}_"
        for name in type(self).model_fields:
            if name.startswith(prefix):
                value = getattr(self, name)
                opened = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                yield name.removeprefix(prefix), opened


def setting_prefix(entry: ProviderEntry) -> str:
    """Return how an account's settings begin in the environment."""
    scheme = entry.scheme.upper()
    return f"VOUCHLINE_{entry.account.upper()}_{scheme}_" if entry.account else f"{scheme}_"
