"""Sentences of the codes in ``people/error_codes.py``."""

from __future__ import annotations

from collections.abc import Mapping

from config.domain_errors import ErrorCode
from people.error_codes import PeopleErrorCode as Code

N_ = str

SENTENCES: Mapping[ErrorCode, str] = {
    Code.ACCESS_ENDED: N_("This person's access has ended already."),
    Code.ACCESS_NOT_SUSPENDED: N_("This person's access is not suspended."),
    Code.ALREADY_REQUESTED: N_("This has been requested already and waits for approval."),
    Code.ALREADY_VOTED: N_("You have decided on this already."),
    Code.APPROVED_WITHOUT_PIN: N_(
        "This was approved before there were PINs. Refuse it, and ask again."
    ),
    Code.AUTHENTICATOR_CODE_WRONG: N_("This is not the number that your authenticator shows now."),
    Code.COLLEAGUE_HAS_LEFT: N_("This person does not work here any more. Refuse this."),
    Code.COLLEAGUE_NOT_FOUND: N_("There is no such colleague."),
    Code.COLUMNS_MISSING: N_("The first line must name the columns. Missing: %(columns)s."),
    Code.COLUMN_TWICE_IN_HEADER: N_("The first line names a column twice."),
    Code.COLUMN_TWICE_IN_LINE: N_("A column occurs twice in the line."),
    Code.COLUMN_UNKNOWN_IN_HEADER: N_(
        "Column %(position)s in the first line is unknown: use --ignore-unknown to leave it"
        " out, or one of: %(columns)s."
    ),
    Code.COLUMN_UNKNOWN_IN_LINE: N_(
        "There is an unknown column: use --ignore-unknown to leave it out, or one of: %(columns)s."
    ),
    Code.EMAIL_INVALID: N_("Write an e-mail address, like ana@example.org."),
    Code.EMAIL_TAKEN: N_("A member of staff with this address exists already."),
    Code.EXTERNAL_REF_TAKEN: N_("Another customer already has this reference."),
    Code.FILE_EMPTY: N_("The file is empty."),
    Code.HEADER_QUOTES_UNBALANCED: N_("Line 1: The quotation marks do not match."),
    Code.HEADER_UNREADABLE: N_("Line 1: %(problem)s"),
    Code.IMPORT_NUMBER_DIFFERS: N_(
        "This reference has another number with us. An import cannot change a number: that"
        " takes two people."
    ),
    Code.IMPORT_NUMBER_TAKEN: N_("Another customer has this number."),
    Code.LAST_INVESTIGATOR: N_(
        "No investigator would be left, and nobody else looks into reports and cases. Add"
        " another investigator first."
    ),
    Code.LAST_SUPERVISOR: N_(
        "No supervisor would be left, and nobody else changes numbers or hands calls over."
        " Add another supervisor first."
    ),
    Code.LINE_NOT_JSON_OBJECT: N_("The line is not a JSON object."),
    Code.LINE_NOT_UTF8: N_("The line is not UTF-8. Save the file as UTF-8."),
    Code.LINE_TOO_LONG: N_("The line is too long: use at most %(limit)s bytes."),
    Code.LOOKUP_PURPOSE_MISSING: N_("Choose why you look up this customer."),
    Code.NO_APPROVER_WITH_PIN: N_("Nobody who approved this has a PIN. Refuse it, and ask again."),
    Code.NO_RECOVERY_CODE_LEFT: N_(
        "This person has no recovery code left. Ask the people who run the server to make the link."
    ),
    Code.OWN_REQUEST: N_("You asked for this yourself. Somebody else must decide."),
    Code.OWN_RESET_LINK: N_("You cannot make a link for yourself. Ask a colleague."),
    Code.PASSKEY_NOT_FOUND: N_("You have no such passkey."),
    Code.PASSWORD_HOLDS_OWN_NAME: N_(
        "Leave out your name, your address and the organisation's name."
    ),
    Code.PASSWORD_IS_A_ROW: N_("Do not use a row of letters or numbers."),
    Code.PASSWORD_TOO_COMMON: N_("This is too easy to guess. Use several words."),
    Code.PASSWORD_TOO_LONG: N_("Use at most %(limit)s characters."),
    Code.PASSWORD_TOO_SHORT: N_("Use at least %(limit)s characters."),
    Code.PASSWORD_TOO_UNIFORM: N_("Use more different characters."),
    Code.PHONE_ALREADY_KNOWN: N_("A customer with this number is already known."),
    Code.PHONE_COUNTRY_NOT_CALLED: N_(
        "We do not call this country. Ask for a number in one that we call."
    ),
    Code.PHONE_INVALID: N_(
        "Write the whole phone number, with its area code. For example: %(example)s"
    ),
    Code.PHONE_SPECIAL_RATE: N_("This is a special-rate number. Ask for an ordinary number."),
    Code.QUOTES_UNBALANCED: N_("The quotation marks do not match."),
    Code.REASON_TOO_SHORT: N_(
        "Write why, in a sentence that a colleague understands next year: two words or"
        " more, with at least %(letters)s letters."
    ),
    Code.REQUESTER_NO_LONGER_ALLOWED: N_(
        "The person who asked for this may no longer ask for it. Refuse it."
    ),
    Code.REQUEST_ABOUT_YOURSELF: N_("This is about yourself. Somebody else must decide."),
    Code.REQUEST_APPROVED_ALREADY: N_("This request is approved already."),
    Code.REQUEST_CHANGED: N_(
        "The request has changed since you opened it. Open the page again and read it."
    ),
    Code.REQUEST_DONE_ALREADY: N_("This request has been carried out already."),
    Code.REQUEST_EXPIRED: N_("This request has expired. Ask again."),
    Code.REQUEST_NOT_FOUND: N_("There is no such request."),
    Code.REQUEST_NOT_YOURS: N_("You have no such request."),
    Code.REQUEST_NOT_YOURS_TO_MAKE: N_("Your role cannot ask for this."),
    Code.REQUEST_REFUSED: N_("This request was refused."),
    Code.REQUEST_VOID: N_("This request can no longer be carried out."),
    Code.REQUEST_WAITS: N_("This request waits for approval."),
    Code.REQUEST_WITHDRAWN: N_("This request was withdrawn."),
    Code.ROLE_UNKNOWN: N_("The role is one of: %(roles)s."),
    Code.SESSION_NOT_FOUND: N_("You have no such session."),
    Code.TEXT_HAS_ADDRESS: N_("Leave out links and addresses. Put a space after each full stop."),
    Code.TEXT_HAS_INVISIBLE_CHARACTER: N_("Remove the characters that cannot be shown."),
    Code.TEXT_HAS_LINK: N_("Leave out links."),
    Code.TEXT_HAS_NUMBER: N_("Leave out phone numbers, and numbers that read like one."),
    Code.TEXT_MISSING: N_("Fill this in."),
    Code.TEXT_TOO_LONG: N_("Use at most %(limit)s characters."),
    Code.TIME_ZONE_UNKNOWN: N_("Choose a time zone from the list, like Europe/London."),
    Code.TOO_MANY_PASSKEYS: N_("You have %(limit)s passkeys. Remove one first."),
    Code.VALUE_COUNT_WRONG: N_("There are %(found)s values for %(columns)s columns."),
    Code.VALUE_NOT_TEXT: N_("Write %(column)s as text, between quotation marks."),
    Code.VOTER_DEPENDS_ON_APPROVER: N_(
        "You and a colleague who decided on this already count as one person: one of you"
        " was enrolled with a PIN of the other, or of a third. Somebody else must decide."
    ),
    Code.VOTER_DEPENDS_ON_REQUESTER: N_(
        "You and the colleague who asked for this count as one person: one of you was"
        " enrolled with a PIN of the other, or of a third. Somebody else must decide."
    ),
    Code.VOTER_DEPENDS_ON_SUBJECT: N_(
        "You and the colleague this is about count as one person: one of you was enrolled"
        " with a PIN of the other, or of a third. Somebody else must decide."
    ),
}
