"""The sealed payload of a request, with a digest that ties all approvals to exactly this
payload."""

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
    """Set payload, reason and digest of a new row. The salt keeps a short payload, such as a phone
    number, from being guessed from its digest."""
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
    """Compute the digest over the payload and every column that says who requested what about which
    subject."""
    ids = (row.id, row.kind, row.customer_id, row.callback_id, row.staff_id, row.asked_by)
    parts = json.dumps([*map(str, ids), row.asked_at.astimezone(UTC).isoformat(), text])
    return hashlib.sha256(parts.encode()).hexdigest()


def open_approval_request(session: Session, row: ApprovalRequest) -> ApprovalRequestView:
    """Return the decrypted request; without its payload once it is closed. Raises ``Tampered`` if
    the row was changed."""
    ring, payload = keyring.current_keyring(session), {}
    if row.payload:
        context = _SEAL_CONTEXT.format("payload", row.id)
        text = ring.open_for_purpose(keyring.APPROVALS, context, row.payload)
        if not secrets.compare_digest(_request_digest(row, text), row.digest):
            raise Tampered("a request is not as it was asked for")
        payload = json.loads(text)["payload"]
    context = _SEAL_CONTEXT.format("reason", row.id)
    why = ring.open_for_purpose(keyring.APPROVALS, context, row.reason) if row.reason else ""
    about = RequestSubject(row.customer_id, row.callback_id, row.staff_id, row.case_id)
    request_columns = row.asked_by, row.asked_at, row.expires_at
    return ApprovalRequestView(
        row.id,
        row.kind,
        RequestState(row.state),
        payload,
        why,
        row.digest,
        about,
        *request_columns,
        row.void_why or "",
    )


def seal_vote(session: Session, vote: ApprovalVote, digest: str) -> None:
    """Seal a vote to the request it was cast on."""
    context = f"approval_vote.binding:{vote.id}"
    words = _vote_seal_text(vote, digest)
    vote.binding = keyring.current_keyring(session).seal_for_purpose(
        keyring.APPROVALS, context, words
    )


def is_vote_bound(session: Session, vote: ApprovalVote, digest: str) -> bool:
    """Return whether this vote was cast by that person for exactly this request. Raises
    ``Tampered``."""
    context = f"approval_vote.binding:{vote.id}"
    sealed_text = keyring.current_keyring(session).open_for_purpose(
        keyring.APPROVALS, context, vote.binding
    )
    return secrets.compare_digest(sealed_text, _vote_seal_text(vote, digest))


def _vote_seal_text(vote: ApprovalVote, digest: str) -> str:
    return f"{vote.request_id} {vote.staff_id} {vote.verdict} {digest}"


def request_audit_detail(row: ApprovalRequest) -> str:
    """Return how a request is referred to in the audit log."""
    return f"{row.id} {row.digest}"
