"""What exactly was asked for, sealed, with a fingerprint that all who approve it approve."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import UTC

from sqlmodel import Session

from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.request_types import ApprovalRequestView, Payload, RequestSubject
from people.approvals.states import RequestState
from vault.errors import Tampered
from vault.keys import keyring

_SEAL_CONTEXT = "approval_request.{}:{}"


def seal_approval_request(
    session: Session, row: ApprovalRequest, payload: Payload, why: str
) -> None:
    """Put payload, reason and digest into a new row. The salt keeps a short payload, such as a
    phone number, from being guessed by its digest."""
    salt = secrets.token_hex(16)
    text = json.dumps({"salt": salt, "payload": dict(payload)}, sort_keys=True)
    ring = keyring.current_keyring(session)
    row.payload = ring.seal_for_purpose(
        keyring.APPROVALS, _SEAL_CONTEXT.format("payload", row.id), text
    )
    row.reason = ring.seal_for_purpose(
        keyring.APPROVALS, _SEAL_CONTEXT.format("reason", row.id), why
    )
    row.digest = _request_digest(row, text)


def _request_digest(row: ApprovalRequest, text: str) -> str:
    """Over the payload and every column that says who asked for what about whom."""
    ids = (row.id, row.kind, row.customer_id, row.callback_id, row.staff_id, row.asked_by)
    parts = json.dumps([*map(str, ids), row.asked_at.astimezone(UTC).isoformat(), text])
    return hashlib.sha256(parts.encode()).hexdigest()


def open_approval_request(session: Session, row: ApprovalRequest) -> ApprovalRequestView:
    """The request in plain; of one that is settled, without its payload. Raises ``Tampered`` when
    the row is not as it was asked for."""
    ring, payload = keyring.current_keyring(session), {}
    if row.payload:
        place = _SEAL_CONTEXT.format("payload", row.id)
        text = ring.open_for_purpose(keyring.APPROVALS, place, row.payload)
        if not secrets.compare_digest(_request_digest(row, text), row.digest):
            raise Tampered("a request is not as it was asked for")
        payload = json.loads(text)["payload"]
    place = _SEAL_CONTEXT.format("reason", row.id)
    why = ring.open_for_purpose(keyring.APPROVALS, place, row.reason) if row.reason else ""
    about = RequestSubject(row.customer_id, row.callback_id, row.staff_id, row.case_id)
    asked = row.asked_by, row.asked_at, row.expires_at
    return ApprovalRequestView(
        row.id,
        row.kind,
        RequestState(row.state),
        payload,
        why,
        row.digest,
        about,
        *asked,
        row.void_why or "",
    )


def seal_vote(session: Session, vote: ApprovalVote, digest: str) -> None:
    """Seal a vote to what it was given for."""
    place = f"approval_vote.binding:{vote.id}"
    words = _vote_seal_text(vote, digest)
    vote.binding = keyring.current_keyring(session).seal_for_purpose(
        keyring.APPROVALS, place, words
    )


def is_vote_bound(session: Session, vote: ApprovalVote, digest: str) -> bool:
    """Whether this vote was given by that person for exactly this. Raises ``Tampered``."""
    place = f"approval_vote.binding:{vote.id}"
    found = keyring.current_keyring(session).open_for_purpose(
        keyring.APPROVALS, place, vote.binding
    )
    return secrets.compare_digest(found, _vote_seal_text(vote, digest))


def _vote_seal_text(vote: ApprovalVote, digest: str) -> str:
    return f"{vote.request_id} {vote.staff_id} {vote.verdict} {digest}"


def request_audit_detail(row: ApprovalRequest) -> str:
    """How a request stands in the audit log."""
    return f"{row.id} {row.digest}"
