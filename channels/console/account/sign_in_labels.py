"""Translated labels for a person's own sign-in: methods, events and security notices."""

from __future__ import annotations

from flask_babel import gettext

from people.staff.security_notices import Notice
from people.staff.sign_in_history import SignInEvent
from vault.audit.acts import AuditAct

#: Marks a string for translation.
N_ = str

_HOW = {
    "password": N_("password and authenticator"),
    "recovery": N_("password and a recovery code"),
    "passkey": N_("passkey"),
}
_EVENTS = {
    AuditAct.STAFF_SIGN_IN: N_("Signed in"),
    AuditAct.STAFF_SIGN_IN_FAILED: N_("A sign-in failed"),
    AuditAct.STAFF_SIGN_OUT: N_("Signed out"),
    AuditAct.STAFF_LOCKED: N_("Too many tries"),
    AuditAct.STAFF_PROOF: N_("Proved again"),
    AuditAct.STAFF_SESSIONS_ENDED: N_("Sessions ended"),
    AuditAct.STAFF_PASSWORD: N_("Password changed"),
    AuditAct.STAFF_RECOVERY_CODES: N_("New recovery codes"),
    AuditAct.STAFF_ENROL: N_("Password and authenticator set"),
    AuditAct.STAFF_RESET_USED: N_("A new link was used"),
    AuditAct.PASSKEY_ADD: N_("Passkey added"),
    AuditAct.PASSKEY_REMOVE: N_("Passkey removed"),
    AuditAct.PASSKEY_CLONED: N_("Passkey stopped: it answered like a copy"),
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
        "A colleague asked for a link with which you can set a new password and authenticator. If "
        "you did not ask for it, tell your investigators. It needs the PIN of the person who "
        "approves it, and one of your recovery codes if you have enrolled before."
    ),
    Notice.RESET_USED: N_(
        "Your password and authenticator were reset by a link. If that was not you, tell your "
        "investigators at once."
    ),
    Notice.PASSKEY_ADDED: N_("A passkey was added to your account."),
    Notice.PASSKEY_REMOVED: N_("A passkey was removed from your account."),
    Notice.PASSKEY_STOPPED: N_(
        "One of your passkeys answered as a copy would, and works no more. Remove it, make a new "
        "one, and tell your investigators."
    ),
    Notice.RECOVERY_CODES: N_("You have new recovery codes; the earlier ones work no more."),
    Notice.ROLE_GIVEN: N_(
        "You were given another role. Take it up on your account page within three days, with the "
        "PIN that the person who approved it hands you in person. Until then you keep the role you "
        "have."
    ),
    Notice.PASSWORD: N_("Your password was changed."),
}


def describe_sign_in_method(word: str) -> str:
    """Return the label of a sign-in method."""
    return gettext(_HOW.get(word, word))


def describe_sign_in_event(of: SignInEvent) -> str:
    """Return a label like *Signed in: passkey*."""
    label = gettext(_EVENTS[of.act])
    failed = of.act is AuditAct.STAFF_SIGN_IN_FAILED
    detail = (_FAILED if failed and of.detail in _FAILED else _DETAILS).get(of.detail, "")
    return f"{label}: {gettext(detail)}" if detail else label


def describe_security_notice(kind: str) -> str:
    """Return the text of a security notice."""
    return gettext(NOTICES[Notice(kind)])
