"""Sentences of the codes in ``vault/error_codes.py``."""

from __future__ import annotations

from collections.abc import Mapping

from config.domain_errors import ErrorCode
from vault.error_codes import VaultErrorCode as Code

N_ = str

SENTENCES: Mapping[ErrorCode, str] = {
    Code.CHECKPOINT_OF_OTHER_LOG: N_("This is not a checkpoint of this log."),
    Code.CHECKPOINT_ROOT_UNREADABLE: N_("The root of this checkpoint cannot be read."),
    Code.CHECKPOINT_SIZE_UNREADABLE: N_("The size of this checkpoint cannot be read."),
    Code.EARLIER_CHECKPOINT_MISSING: N_(
        "Give the earlier checkpoint, to see that the log grew from it."
    ),
    Code.ENTRY_NOT_IN_CHECKPOINT: N_("This entry is not in the log of that checkpoint."),
    Code.LOG_NAME_INVALID: N_("The name of a log has neither spaces nor plus signs."),
    Code.LOG_NOT_GROWN: N_("The newer log does not begin with the older one."),
    Code.NOTE_LINE_NOT_SIGNATURE: N_("This note has a line that is not a signature."),
    Code.NOTE_NOT_SIGNED: N_("This is not a signed note."),
    Code.NOTE_SIGNATURE_MISSING: N_("This note has no valid signature of %(name)s."),
    Code.NOTE_TOO_LONG: N_("This note is too long."),
    Code.PROOF_INCOMPLETE: N_("The proof lacks its %(part)s."),
    Code.VERIFIER_KEY_INVALID: N_("This is not an Ed25519 key like name+1234abcd+base64."),
}
