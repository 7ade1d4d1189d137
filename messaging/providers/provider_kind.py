"""What a provider's folder declares of itself: its scheme, settings, errors and how to build it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from messaging.providers.base import SmsProvider
from messaging.providers.voice_base import VoiceProvider
from vault.keys.keyring import Keyring


@dataclass(frozen=True)
class Account:
    """An account at a provider: its ``values`` are the settings of the account, without prefix.

    ``name`` is stored with each text (at most 16 characters); ``prefix`` is how its settings begin
    in the environment, for messages about them.
    """

    name: str
    prefix: str
    values: Mapping[str, str] = field(repr=False)

    def value(self, name: str) -> str:
        """Return a setting of the account; empty if it is not set."""
        return self.values.get(name, "")

    def setting(self, name: str) -> str:
        """Return the name of a setting as the operator writes it."""
        return f"{self.prefix}{name.upper()}"


@dataclass(frozen=True)
class Installation:
    """What providers may use of this installation.

    ``connections`` is how many texts a worker sends at a time; ``official_phone`` is the number
    that calls come from.
    """

    base_url: str
    official_phone: str
    connections: int
    engine: Engine
    ring: Keyring


@dataclass(frozen=True)
class ProviderKind:
    """A provider, as its folder declares it.

    ``scheme`` is its name in ``VOUCHLINE_SMS`` and ``VOUCHLINE_VOICE``. ``find_faults`` returns a
    sentence for each setting without which it cannot send. ``delivery_errors`` are the error codes
    of its delivery reports, as our own reasons; ``webhook_key`` is the setting of the account that
    verifies its webhooks. ``named_accounts`` are accounts it may have besides the first: ``second``
    is ``scheme:second`` in the settings. ``simulated`` means that nothing reaches a real phone.
    """

    scheme: str
    build_sms: Callable[[Account, Installation], SmsProvider]
    build_voice: Callable[[Account, Installation], VoiceProvider] | None = None
    find_faults: Callable[[Account], Sequence[str]] = lambda _: ()
    delivery_errors: Mapping[int, str] = field(default_factory=dict)
    webhook_key: str = ""
    named_accounts: tuple[str, ...] = ()
    simulated: bool = False
