"""Builds the providers of texts and calls from the settings, and finds what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from config.provider_settings import ProviderEntry, setting_prefix
from config.server_checks import FaultRow, is_private_connection
from config.settings import Settings
from messaging.providers.base import OutboundMessage, SmsProvider, Unavailable
from messaging.providers.provider_kind import Account, Installation, ProviderKind
from messaging.providers.registry import PROVIDERS_BY_SCHEME
from messaging.providers.voice_base import VoiceProvider

_SCHEMES = ", ".join(f"{scheme}:" for scheme in PROVIDERS_BY_SCHEME)


class UnconfiguredSmsProvider:
    """Takes the place of a provider whose settings are incomplete, so that a demo and the commands
    that diagnose settings start; it sends nothing."""

    name = "none"

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:  # noqa: ARG002 (the protocol's)
        raise Unavailable

    def find_message(self, letter: OutboundMessage) -> str | None:  # noqa: ARG002 (the protocol's)
        raise Unavailable


def build_sms_providers(settings: Settings, here: Installation) -> list[SmsProvider]:
    """Return the providers of texts in order of preference, without incomplete ones; at least
    one."""
    built = [
        kind.build_sms(account, here)
        for kind, account in _complete_accounts(settings, settings.sms_entries)
    ]
    return built or [UnconfiguredSmsProvider()]


def build_voice_providers(settings: Settings, here: Installation) -> list[VoiceProvider]:
    """Return the providers of calls in order of preference; by default those of texts."""
    entries = settings.voice_entries or settings.sms_entries
    return [
        kind.build_voice(account, here)
        for kind, account in _complete_accounts(settings, entries)
        if kind.build_voice is not None
    ]


def read_webhook_keys(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return what verifies the webhooks of each provider, by its scheme."""
    keys: dict[str, tuple[str, ...]] = {}
    for kind, account in _all_accounts(settings):
        key = account.value(kind.webhook_key)
        keys[kind.scheme] = (*keys.get(kind.scheme, ()), *((key,) if key else ()))
    return keys


def are_texts_simulated(settings: Settings) -> bool:
    """Return whether texts go to the simulator's phones."""
    kinds = (PROVIDERS_BY_SCHEME.get(entry.scheme) for entry in settings.sms_entries)
    return any(kind is not None and kind.simulated for kind in kinds)


def find_provider_faults(settings: Settings) -> list[FaultRow]:
    """Return what is wrong with the settings of providers; a demo starts even so."""
    faults: list[FaultRow] = []
    if are_texts_simulated(settings):
        name = "VOUCHLINE_SMS" if settings.sms else "VOUCHLINE_MESSAGING=simulator"
        faults.append(
            (
                "refuse",
                f"{name} sends nothing to real phones, only to the simulator's: "
                f"name another provider in VOUCHLINE_SMS ({_SCHEMES}).",
            )
        )
    entries = dict.fromkeys((*settings.sms_entries, *settings.voice_entries))
    for kind, account in _known_accounts(settings, entries):
        faults += [("refuse", sentence) for sentence in kind.find_faults(account)]
    return faults + _check_voice(settings)


def find_entry_faults(settings: Settings) -> list[FaultRow]:
    """Return what prevents even a demo from starting: a provider that is not known, or an address
    where the account's secret would be sent unencrypted."""
    faults: list[FaultRow] = []
    for name, entries in (("SMS", settings.sms_entries), ("VOICE", settings.voice_entries)):
        for entry in entries:
            kind = PROVIDERS_BY_SCHEME.get(entry.scheme)
            if kind is None or entry.account not in ("", *kind.named_accounts):
                sentence = f"VOUCHLINE_{name} names {entry}, which is no provider: use {_SCHEMES}."
                faults.append(("refuse", sentence))
            elif name == "VOICE" and kind.build_voice is None:
                sentence = f"VOUCHLINE_VOICE names {entry}, which places no calls."
                faults.append(("refuse", sentence))
    return faults + _check_addresses(settings)


def _check_addresses(settings: Settings) -> list[FaultRow]:
    """Check the providers' base URLs: their host gets the account's secret with each request."""
    return [
        (
            "refuse",
            f"{account.setting('api_base')} must be an https address: the account's token is sent "
            "there.",
        )
        for _, account in _all_accounts(settings)
        if account.value("api_base") and not is_private_connection(account.value("api_base"))
    ]


def _check_voice(settings: Settings) -> list[FaultRow]:
    entries = settings.voice_entries or settings.sms_entries
    kinds = [PROVIDERS_BY_SCHEME.get(entry.scheme) for entry in entries]
    if any(kind is not None and kind.build_voice is not None for kind in kinds):
        return []
    sentence = "VOUCHLINE_VOICE is not set, and no provider in VOUCHLINE_SMS places calls: "
    if settings.bridge_calls:
        return [("refuse", f"{sentence}VOUCHLINE_BRIDGE_CALLS needs one.")]
    return [("warn", f"{sentence}customers with a landline are not told of their calls.")]


def _account_for(settings: Settings, entry: ProviderEntry) -> Account:
    values = settings.account_values(entry)
    return Account(entry.account or entry.scheme, setting_prefix(entry), values)


def _known_accounts(
    settings: Settings, entries: Iterable[ProviderEntry]
) -> Iterator[tuple[ProviderKind, Account]]:
    for entry in entries:
        kind = PROVIDERS_BY_SCHEME.get(entry.scheme)
        if kind is not None and entry.account in ("", *kind.named_accounts):
            yield kind, _account_for(settings, entry)


def _complete_accounts(
    settings: Settings, entries: Sequence[ProviderEntry]
) -> list[tuple[ProviderKind, Account]]:
    known = _known_accounts(settings, entries)
    return [(kind, account) for kind, account in known if not kind.find_faults(account)]


def _all_accounts(settings: Settings) -> Iterator[tuple[ProviderKind, Account]]:
    """Yield every account that can be set, whether or not it is used to send."""
    for kind in PROVIDERS_BY_SCHEME.values():
        for name in ("", *kind.named_accounts):
            yield kind, _account_for(settings, ProviderEntry(kind.scheme, name))
