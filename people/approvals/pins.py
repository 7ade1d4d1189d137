"""The PIN that the approver of an enrolment hands over in person.

Each approver gets their own PIN when they approve; the asker sees none. The PIN is kept sealed with
the approval, is copied into the enrolment link when the request is done, and is deleted when the
request ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlmodel import Session, col, update

from people.approvals.models import ApprovalVote
from people.credentials import new_pin
from people.errors import Conflict
from vault.keys import keyring

_PIN_SEAL_CONTEXT = "approval_vote.pin:{}"


def issue_pin(session: Session, vote: ApprovalVote) -> str:
    """Put a PIN into an approval that is about to be added; gives it, to be shown this once."""
    pin, place = new_pin(), _PIN_SEAL_CONTEXT.format(vote.id)
    vote.pin = keyring.current_keyring(session).seal_for_purpose(keyring.APPROVALS, place, pin)
    return pin


def open_pins(session: Session, votes: Iterable[ApprovalVote]) -> dict[UUID, str]:
    """The PINs of these approvals, by who gave them. Raises ``NoLonger`` for one without: it was
    given before there were PINs."""
    found = {}
    for vote in votes:
        if vote.pin is None:
            raise Conflict("This was approved before there were PINs. Refuse it, and ask again.")
        place = _PIN_SEAL_CONTEXT.format(vote.id)
        pin = keyring.current_keyring(session).open_for_purpose(keyring.APPROVALS, place, vote.pin)
        found[vote.staff_id] = pin
    return found


def delete_request_pins(session: Session, request_id: UUID) -> None:
    """The request has come to its end: no approval of it keeps a PIN."""
    session.exec(
        update(ApprovalVote)
        .where(col(ApprovalVote.request_id) == request_id, col(ApprovalVote.pin).is_not(None))
        .values(pin=None)
    )
