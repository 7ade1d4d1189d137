"""Whether the customer has been told, in words, and what the agent should do when not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask_babel import gettext

from messaging import delivery
from messaging.gateways.twilio import PERMANENT
from messaging.models import Delivery, MessageState, OutboxMessage


@dataclass(frozen=True)
class Told:
    """``words`` on how it stands, ``advice`` on what to do; ``tone`` chooses icon and colour."""

    words: str
    tone: Literal["good", "waiting", "bad"]
    advice: str = ""


def told(message: OutboxMessage | None, report: Delivery | None) -> Told:
    """How the latest text about a callback stands, with what the provider has reported of it."""
    if message is None:
        return Told(gettext("no text yet"), "waiting")
    if report is not None and report.status in delivery.LOST:
        return _failed(PERMANENT.get(report.error or 0, ""))
    if report is not None and report.status in delivery.ARRIVED:
        return Told(gettext("text delivered"), "good")
    if message.state == MessageState.FAILED:
        return _failed(message.error or "")
    if message.state == MessageState.SENT:
        return Told(gettext("text sent"), "good")
    return _expired() if message.state == MessageState.EXPIRED else _waiting(message)


def _expired() -> Told:
    return Told(gettext("text not sent in time"), "bad", gettext("Ring at another time."))


def _waiting(message: OutboxMessage) -> Told:
    if message.error == "ceiling":
        why = gettext("The ceiling on spending is reached. Tell whoever runs Vouchline.")
        return Told(gettext("text held back"), "bad", why)
    if message.error is not None:
        return Told(gettext("text on its way"), "waiting", gettext("It takes longer than usual."))
    return Told(gettext("text on its way"), "waiting")


def _failed(reason: str) -> Told:
    advice = _advice().get(reason) or gettext("Tell the customer of the call in another way.")
    return Told(gettext("text failed: the customer does not know"), "bad", advice)


def _advice() -> dict[str, str]:
    write = gettext("Write to the customer, or book without a text only if they expect the call.")
    wrong = gettext("The number is wrong or not in use. Ask the customer for the right one.")
    return {
        "landline": gettext(
            "This phone takes no texts. The customer can check by phone keypad or on the web."
        ),
        "opted_out": gettext(
            "The customer wants no texts. They can text START to us, or check on the web."
        ),
        "blocked": gettext("The customer's network blocks our texts. ") + write,
        "filtered": gettext("The customer's network blocks our texts. ") + write,
        "unreachable": gettext("The phone is off or out of reach. ") + write,
        "invalid_number": wrong,
        "unknown_number": wrong,
        "country_not_enabled": gettext("We do not text to this country. ") + write,
        "too_many": gettext("This number has had too many texts today. ") + write,
    }
