"""One's own account: everybody has one, sees their own alone, and proves anew before changes."""

from __future__ import annotations

OF_ALL = {
    "account", "notices_read", "end_session", "end_sessions", "password", "change_password",
    "new_recovery", "new_authenticator", "prove", "proved", "ask_passkey", "let_in_by_passkey",
    "ask_proof", "prove_by_passkey", "ask_new_passkey", "add_passkey", "remove_passkey", "lost",
    "colleagues", "make_link",
}  # fmt: skip
