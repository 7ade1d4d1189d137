"""Whether the customer was notified, in words, and what the agent should do if not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask_babel import gettext

from messaging import delivery_reports
from messaging.models import DeliveryReport, MessageState, OutboxMessage
from messaging.providers.registry import delivery_error_reason


@dataclass(frozen=True)
class DeliveryStatus:
    """``words`` describe the state, ``advice`` says what to do; ``tone`` selects the icon."""

    words: str
    tone: Literal["good", "waiting", "bad"]
    advice: str = ""


def describe_delivery_status(
    message: OutboxMessage | None, report: DeliveryReport | None
) -> DeliveryStatus:
    """Describe the latest text about a callback, using the provider's delivery report."""
    if message is None:
        return DeliveryStatus(gettext("no text yet"), "waiting")
    if message.state == MessageState.SENT:
        return _describe_sent_text(message, report)
    if message.state == MessageState.FAILED:
        return _describe_failed_text(message.error or "")
    if message.state == MessageState.EXPIRED:
        words = gettext("text not sent in time")
        return DeliveryStatus(words, "bad", gettext("Tell the customer in another way."))
    return _describe_waiting_text(message)


def _describe_sent_text(message: OutboxMessage, report: DeliveryReport | None) -> DeliveryStatus:
    if report is not None and report.status in delivery_reports.LOST_STATUSES:
        return _describe_failed_text(delivery_error_reason(message.gateway, report.error))
    if report is not None and report.status in delivery_reports.ARRIVED_STATUSES:
        return DeliveryStatus(gettext("text delivered"), "good")
    return DeliveryStatus(gettext("text sent"), "good")


def _describe_waiting_text(message: OutboxMessage) -> DeliveryStatus:
    if message.error == "ceiling":
        why = gettext("The ceiling on spending is reached. Tell the people who run Vouchline.")
        return DeliveryStatus(gettext("text held back"), "bad", why)
    if message.error is not None:
        return DeliveryStatus(
            gettext("text on its way"), "waiting", gettext("It takes longer than usual.")
        )
    return DeliveryStatus(gettext("text on its way"), "waiting")


def _describe_failed_text(reason: str) -> DeliveryStatus:
    why = _text_failure_reasons().get(reason, "")
    what = "" if reason in _REASONS_WITH_ADVICE else gettext("Tell the customer in another way.")
    words = gettext("text failed: the customer does not know")
    return DeliveryStatus(words, "bad", f"{why} {what}".strip())


#: Reasons whose text already says what to do.
_REASONS_WITH_ADVICE = frozenset({"landline", "opted_out", "invalid_number", "unknown_number"})


def _text_failure_reasons() -> dict[str, str]:
    wrong = gettext("The number is wrong or not in use. Ask the customer for the right one.")
    return {
        "landline": gettext(
            "This phone takes no texts. Tell the customer in another way, and that they can check"
            " the call by phone keypad or on the web."
        ),
        "opted_out": gettext(
            "The customer wants no texts. They can check by phone keypad or on the web."
        ),
        "blocked": gettext("The customer's network blocks our texts."),
        "filtered": gettext("The customer's network blocks our texts."),
        "unreachable": gettext("The phone is off or out of reach."),
        "invalid_number": wrong,
        "unknown_number": wrong,
        "country_not_enabled": gettext("We do not text to this country."),
        "too_many": gettext("This number has had too many texts."),
    }
