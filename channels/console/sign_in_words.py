"""What is said about one's own sign-in."""

from __future__ import annotations

from flask_babel import gettext

from people.notices import Notice
from people.sign_ins import Event

#: Marks a text for the catalogues.
N_ = str

_HOW = {
    "password": N_("password and authenticator"),
    "recovery": N_("password and a recovery code"),
    "passkey": N_("passkey"),
}
_EVENTS = {
    "staff.sign_in": N_("Signed in"),
    "staff.sign_in_failed": N_("A sign-in failed"),
    "staff.sign_out": N_("Signed out"),
    "staff.locked": N_("Too many tries"),
    "staff.proof": N_("Proved again"),
    "staff.sessions_ended": N_("Sessions ended"),
    "staff.password": N_("Password changed"),
    "staff.recovery_codes": N_("New recovery codes"),
    "staff.enrol": N_("Password and authenticator set"),
    "staff.reset_used": N_("A new link was used"),
    "passkey.add": N_("Passkey added"),
    "passkey.remove": N_("Passkey removed"),
    "passkey.cloned": N_("Passkey stopped: it answered like a copy"),
}
_DETAILS = {
    **_HOW,
    "code": N_("the second factor did not fit"),
    "strangers": N_("by browsers that have not signed you in before"),
    "browser": N_("by a browser that has signed you in before"),
}
_FAILED = {"password": N_("the password did not fit"), "passkey": N_("the passkey did not fit")}
NOTICES = {
    Notice.RESET_MADE: N_(
        "A colleague made a link with which you can set password and authenticator anew. If you "
        "did not ask for it, tell your investigators. It needs one of your recovery codes."
    ),
    Notice.RESET_USED: N_(
        "Your password and authenticator were set anew by a link. If that was not you, tell your "
        "investigators at once."
    ),
    Notice.PASSKEY_ADDED: N_("A passkey was added to your account."),
    Notice.PASSKEY_REMOVED: N_("A passkey was removed from your account."),
    Notice.PASSKEY_STOPPED: N_(
        "One of your passkeys answered as a copy would, and works no more. Remove it, make a new "
        "one, and tell your investigators."
    ),
    Notice.RECOVERY_CODES: N_("You have new recovery codes; the earlier ones work no more."),
    Notice.PASSWORD: N_("Your password was changed."),
}


def how(word: str) -> str:
    """By what somebody signed in."""
    return gettext(_HOW.get(word, word))


def event(of: Event) -> str:
    """Like *Signed in: passkey*."""
    said = gettext(_EVENTS[of.action])
    failed = of.action == "staff.sign_in_failed"
    detail = (_FAILED if failed and of.detail in _FAILED else _DETAILS).get(of.detail, "")
    return f"{said}: {gettext(detail)}" if detail else said


def notice(kind: str) -> str:
    """What they are told."""
    return gettext(NOTICES[Notice(kind)])
