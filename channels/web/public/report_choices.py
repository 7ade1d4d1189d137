"""The choices of a report, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext

from channels.app_context import current_context


def list_known_details() -> dict[str, str]:
    """Return what the caller can have known."""
    return {
        "name": gettext("my name"),
        "phone": gettext("my phone number"),
        "ticket": gettext("my ticket or case number"),
        "product": gettext("what I have bought"),
        "address": gettext("my address"),
        "other": gettext("something else about me"),
    }


def list_requested_items() -> dict[str, str]:
    """Return what the caller can have asked for."""
    return {
        "code": gettext("a code from a text or an app"),
        "password": gettext("a password or PIN"),
        "remote": gettext("to get into my computer or phone"),
        "money": gettext("money, or gift cards"),
        "card": gettext("my bank card or account"),
        "install": gettext("that I install something"),
        "other": gettext("something else"),
        "nothing": gettext("nothing yet"),
    }


def list_given_items() -> dict[str, str]:
    """Return what can have been given or done."""
    return {
        "code": gettext("I told them a code"),
        "password": gettext("I told them a password or PIN"),
        "remote": gettext("I let them into my computer or phone"),
        "money": gettext("I sent money, or gift cards"),
        "card": gettext("I told them my card or account number"),
        "install": gettext("I installed something"),
        "other": gettext("I gave them something else"),
    }


def list_claimed_identities() -> dict[str, str]:
    """Return who the caller can have claimed to be."""
    return {
        "us": current_context().policy.organisation,
        "bank": gettext("my bank"),
        "police": gettext("the police"),
        "computer": gettext("a computer company"),
        "parcel": gettext("a shop or a parcel service"),
        "other": gettext("somebody else"),
    }


def list_call_days() -> dict[str, str]:
    """Return the days on which the call can have been."""
    return {
        "now": gettext("Now, or a moment ago"),
        "today": gettext("Earlier today"),
        "yesterday": gettext("Yesterday"),
        "other": gettext("On another day"),
    }


def list_urgent_steps(given: list[str]) -> list[str]:
    """Return what to do at once about what was given, most urgent first."""
    items = set(given)
    steps = [gettext("If they are still on the phone: hang up. Do not say goodbye.")]
    if items & {"remote", "install"}:
        steps.append(
            gettext(
                "Take your computer or phone off the internet: pull the cable, or switch it off."
            )
        )
    if items & {"money", "card", "code", "password", "remote", "install"}:
        steps.append(
            gettext(
                "Ring your bank now, on the number on your bank card. Say: somebody has cheated me."
            )
        )
    if "money" in items:
        steps.append(
            gettext("Ask your bank to stop the payment. Gift cards: ring the shop on the card.")
        )
    if items & {"code", "password", "remote", "install"}:
        steps.append(gettext("Change the password, on another computer or phone."))
    if items & {"remote", "install"}:
        steps.append(
            gettext("Let somebody you trust look at it before you use it again. Not the caller.")
        )
    steps.append(
        gettext("Talk to somebody you trust. It happens to many, and it is not your fault.")
    )
    return steps
