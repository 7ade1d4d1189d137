"""The list of providers, by the scheme of the settings ``VOUCHLINE_SMS`` and ``VOUCHLINE_VOICE``.

A new provider is a folder beside this file and one line here.
"""

from __future__ import annotations

from collections.abc import Mapping

from messaging.providers.provider_kind import ProviderKind
from messaging.providers.simulator.provider import SIMULATOR
from messaging.providers.telnyx.provider import TELNYX
from messaging.providers.twilio.provider import TWILIO

PROVIDERS_BY_SCHEME: Mapping[str, ProviderKind] = {
    kind.scheme: kind for kind in (SIMULATOR, TWILIO, TELNYX)
}


def delivery_error_reason(name: str | None, error: int | None) -> str:
    """Return our reason for an error code in a delivery report; empty if it is not known.

    ``name`` is what is stored with the text: the provider's scheme, or the name of its account.
    """
    for kind in PROVIDERS_BY_SCHEME.values():
        if name == kind.scheme or name in kind.named_accounts:
            return kind.delivery_errors.get(error or 0, "")
    return ""
