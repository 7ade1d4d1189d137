"""The PIN that the approver of an enrolment hands over in person.

Each approver gets their own PIN when they approve; the requester sees none. The PIN is stored
sealed with the approval, copied into the enrolment link when the request is executed, and deleted
when the request ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlmodel import Session, col, update

from people.approvals.models import ApprovalVote
from people.credentials import new_pin
from people.error_codes import PeopleErrorCode
from people.errors import Conflict
from vault.keys import keyring

_PIN_SEAL_CONTEXT = "approval_vote.pin:{}"


def issue_pin(session: Session, vote: ApprovalVote) -> str:
    """Set the PIN of an approval that is about to be added; return it, to be shown this once."""
    pin, context = new_pin(), _PIN_SEAL_CONTEXT.format(vote.id)
    vote.pin = keyring.current_keyring(session).seal_for_purpose(keyring.APPROVALS, context, pin)
    return pin


def open_pins(session: Session, votes: Iterable[ApprovalVote]) -> dict[UUID, str]:
    """Return the PINs of these approvals by approver. Raises ``Conflict`` for an approval without a
    PIN, given before PINs were introduced."""
    pins = {}
    for vote in votes:
        if vote.pin is None:
            raise Conflict(PeopleErrorCode.APPROVED_WITHOUT_PIN)
        context = _PIN_SEAL_CONTEXT.format(vote.id)
        pin = keyring.current_keyring(session).open_for_purpose(
            keyring.APPROVALS, context, vote.pin
        )
        pins[vote.staff_id] = pin
    return pins


def delete_request_pins(session: Session, request_id: UUID) -> None:
    """Delete the PINs of a request that has ended."""
    session.exec(
        update(ApprovalVote)
        .where(col(ApprovalVote.request_id) == request_id, col(ApprovalVote.pin).is_not(None))
        .values(pin=None)
    )
