"""Codes of domain errors of signed notes and proofs of the audit log. Their sentences are in
``channels/error_texts/vault.py``."""

from __future__ import annotations

from config.domain_errors import ErrorCode


class VaultErrorCode(ErrorCode):
    """Why something is refused."""

    CHECKPOINT_OF_OTHER_LOG = "checkpoint_of_other_log"
    CHECKPOINT_ROOT_UNREADABLE = "checkpoint_root_unreadable"
    CHECKPOINT_SIZE_UNREADABLE = "checkpoint_size_unreadable"
    EARLIER_CHECKPOINT_MISSING = "earlier_checkpoint_missing"
    ENTRY_NOT_IN_CHECKPOINT = "entry_not_in_checkpoint"
    LOG_NAME_INVALID = "log_name_invalid"
    LOG_NOT_GROWN = "log_not_grown"
    NOTE_LINE_NOT_SIGNATURE = "note_line_not_signature"
    NOTE_NOT_SIGNED = "note_not_signed"
    NOTE_SIGNATURE_MISSING = "note_signature_missing"
    NOTE_TOO_LONG = "note_too_long"
    PROOF_INCOMPLETE = "proof_incomplete"
    VERIFIER_KEY_INVALID = "verifier_key_invalid"
