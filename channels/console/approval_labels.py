"""Translated labels for approval requests: types, fields, values, states and results."""

from __future__ import annotations

from flask_babel import gettext

from people.approvals.states import RequestState
from people.models import Role


def describe_request_type(kind: str) -> str:
    """Return the label of a request type."""
    return {
        "customer.number": gettext("Change a customer's number"),
        "staff.add": gettext("Add a member of staff"),
        "staff.invite": gettext("A new enrolment link"),
        "staff.reset": gettext("A new enrolment link for a colleague"),
        "staff.role": gettext("Another role"),
        "customers.erase": gettext("Erase a customer"),
        "customers.import": gettext("Import customers"),
        "customers.retention": gettext("Erase customers who had no call for long"),
        "keys.rotate": gettext("Wrap all keys under a new master key"),
        "keys.rotate_index": gettext("A new key for finding by number"),
        "suspend": gettext("Suspend somebody's access"),
        "suspend.lift": gettext("Lift a suspension"),
        "warn_customers": gettext("Warn customers by text"),
        "budget.unlock": gettext("Unlock an access budget"),
    }.get(kind, kind)


def describe_request_field(word: str) -> str:
    """Return the label of a field of a request."""
    return {
        "old number": gettext("Old number"),
        "new number": gettext("New number"),
        "number": gettext("Number"),
        "calls": gettext("Calls with us"),
        "callback": gettext("Asked from callback"),
        "callback at": gettext("Its time"),
        "its agent": gettext("Its agent"),
        "warning": gettext("Beware"),
        "name": gettext("Name"),
        "email": gettext("E-mail"),
        "role": gettext("Role"),
        "role now": gettext("Role now"),
        "new role": gettext("New role"),
        "file": gettext("File"),
        "sha256": gettext("Its SHA-256"),
        "bytes": gettext("Its size in bytes"),
        "format": gettext("Format"),
        "ignore unknown columns": gettext("Unknown columns left out"),
        "customers to be warned by text": gettext("Customers to be warned"),
        "case": gettext("Case"),
        "days": gettext("Days without a call"),
        "to": gettext("New master key"),
    }.get(word, word)


def describe_request_value(word: str, text: str) -> str:
    """Return the value of a field as it is displayed."""
    if word in ("role", "role now", "new role"):
        return describe_role_capitalised(text)
    return {
        ("warning", "opted out"): gettext(
            "The old number wants no texts of ours, so nobody will be told there."
        ),
        ("warning", "number taken"): gettext(
            "The new number is another customer's, so this cannot be done: refuse it."
        ),
        ("ignore unknown columns", "True"): gettext("yes"),
        ("ignore unknown columns", "False"): gettext("no"),
    }.get((word, text), text)


def describe_role_capitalised(value: str) -> str:
    """Return the name of a role, capitalised."""
    return {
        Role.AGENT: gettext("Agent"),
        Role.SUPERVISOR: gettext("Supervisor"),
        Role.INVESTIGATOR: gettext("Investigator"),
    }.get(Role(value), value)


def describe_request_state(value: RequestState) -> str:
    """Return the label of a request's state."""
    return {
        RequestState.ASKED: gettext("Waits for approval"),
        RequestState.APPROVED: gettext("Approved, not done yet"),
        RequestState.DONE: gettext("Done"),
        RequestState.REFUSED: gettext("Refused"),
        RequestState.WITHDRAWN: gettext("Withdrawn"),
        RequestState.EXPIRED: gettext("Nobody decided in time"),
        RequestState.VOID: gettext("Void: it can come to nothing any more"),
    }[value]


def describe_void_reason(word: str) -> str:
    """Return why a request is void; empty for an unknown reason."""
    return {
        "asker": gettext("The person who asked may not ask for it any more."),
        "erased": gettext("What we knew of this customer is gone."),
        "number changed": gettext("The number has been changed since."),
        "not held": gettext(
            "The person who asked does not hold this customer's callback any more."
        ),
        "known": gettext("A member of staff with this address exists by now."),
        "left": gettext("They do not work here now."),
        "role changed": gettext("They have another role by now."),
        "ended": gettext("Their access has ended already."),
        "not suspended": gettext("Their access is not suspended."),
    }.get(word, "")


def describe_submission_result(word: str) -> str:
    """Return the message for the result of the last form submission."""
    return {
        "asked": gettext("Kept. It waits for somebody else's approval."),
        "approved": gettext("Approved. It is done when its command is run again."),
        "done": gettext("Approved and done."),
        "already": gettext(
            "This was asked for already and waits for approval. It is not asked for twice. A link"
            " that was shown then stays the right one; for another, withdraw it and ask again."
        ),
        "void": gettext("It could not be done any more, so it is void. Nothing is done."),
        "refused": gettext("Refused. Nothing is done."),
        "withdrawn": gettext("Withdrawn. Nothing is done."),
    }.get(word, "")
