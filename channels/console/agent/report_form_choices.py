"""The choices of the agent's report form, worded in the third person."""

from __future__ import annotations

from flask_babel import gettext


def list_knew_for_agent() -> dict[str, str]:
    """Return the choices for what the caller knew, with labels by value."""
    return {
        "name": gettext("their name"),
        "phone": gettext("their phone number"),
        "ticket": gettext("their ticket or case number"),
        "product": gettext("what they have bought"),
        "address": gettext("their address"),
        "other": gettext("something else about them"),
    }


def list_wanted_for_agent() -> dict[str, str]:
    """Return the choices for what the caller asked for, with labels by value."""
    return {
        "code": gettext("a code from a text or an app"),
        "password": gettext("a password or PIN"),
        "remote": gettext("to get into their computer or phone"),
        "money": gettext("money, or gift cards"),
        "card": gettext("their bank card or account"),
        "install": gettext("that they install something"),
        "other": gettext("something else"),
        "nothing": gettext("nothing yet"),
    }


def list_gave_for_agent() -> dict[str, str]:
    """Return the choices for what was given or done, with labels by value."""
    return {
        "code": gettext("told the caller a code"),
        "password": gettext("told the caller a password or PIN"),
        "remote": gettext("let the caller into their computer or phone"),
        "money": gettext("sent money, or gift cards"),
        "card": gettext("told the caller their card or account number"),
        "install": gettext("installed something"),
        "other": gettext("gave the caller something else"),
    }
