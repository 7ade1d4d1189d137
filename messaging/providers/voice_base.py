"""The protocol of call providers; its errors are those of texts (:mod:`base`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from messaging.call_states import CallState
from messaging.providers.base import MessageProvider


@dataclass(frozen=True)
class OutboundCall:
    """A call to an agent, to be bridged to the customer.

    ``to`` is E.164, ``reference`` is our id; ``known`` are the provider's ids of other calls.
    """

    reference: UUID
    to: str
    first_tried_at: datetime
    known: frozenset[str] = frozenset()


class VoiceProvider(MessageProvider, Protocol):
    """A provider of calls. Its :meth:`send_message` places a call that speaks the message.

    ``placed`` is the state of a bridged call when :meth:`place_call` returns.
    """

    placed: CallState

    def place_call(self, call: OutboundCall) -> str:
        """Call the agent; return the provider's id.

        Raise ``Rejected``, ``Unavailable`` or ``OutcomeUnknown``.
        """
        ...

    def find_placed_call(self, call: OutboundCall) -> str | None:
        """Return the provider's id of a call with unknown outcome; ``None`` if never placed.

        Raise ``Unavailable`` if the provider cannot tell.
        """
        ...

    def hang_up(self, provider_id: str) -> None:
        """End a call in any state; one that has ended is no error. Raise ``Unavailable``."""
        ...
