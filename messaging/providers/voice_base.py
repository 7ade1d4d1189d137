"""What every provider of calls does; what can go wrong is as with texts (:mod:`base`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from messaging.call_states import CallState


@dataclass(frozen=True)
class OutboundCall:
    """A call to an agent, to be bridged on to the customer. ``to`` is E.164, ``reference`` ours;
    ``known`` are the provider's ids of other calls, which are not this one."""

    reference: UUID
    to: str
    first_tried_at: datetime
    known: frozenset[str] = frozenset()


class VoiceProvider(Protocol):
    """A provider of calls. ``placed`` is how far a call is once :meth:`ring` has come back."""

    placed: CallState

    def place_call(self, call: OutboundCall) -> str:
        """Ring the agent; gives the provider's id.

        Raises ``Rejected``, ``Unavailable`` or ``OutcomeUnknown``.
        """
        ...

    def find_placed_call(self, call: OutboundCall) -> str | None:
        """The provider's id of a call whose outcome was unknown, or ``None`` if it was never
        placed. Raises ``Unavailable`` when the provider cannot say."""
        ...

    def hang_up(self, provider_id: str) -> None:
        """End a call, whatever it is at; one that is over is no error. Raises ``Unavailable``."""
        ...
