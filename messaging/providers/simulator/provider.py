"""The simulator, as the registry of providers knows it."""

from __future__ import annotations

from messaging.providers.provider_kind import Account, Installation, ProviderKind
from messaging.providers.simulator.phone_modes import DELIVERY_ERRORS
from messaging.providers.simulator.sms import SimulatorSmsProvider
from messaging.providers.simulator.voice import SimulatorVoiceProvider


def _build_sms(_: Account, here: Installation) -> SimulatorSmsProvider:
    return SimulatorSmsProvider(here.engine, here.ring)


def _build_voice(_: Account, here: Installation) -> SimulatorVoiceProvider:
    return SimulatorVoiceProvider(here.engine, here.ring)


SIMULATOR = ProviderKind(
    scheme="simulator",
    build_sms=_build_sms,
    build_voice=_build_voice,
    delivery_errors=DELIVERY_ERRORS,
    simulated=True,
)
