"""Reply words: the word a confirmed customer says to the caller, who sees the same word.

They are short, common, easy to tell apart on the phone, and none is a keyword of carriers or of
ours (rule M3). Each language has its own, in ``languages/``.
"""

from __future__ import annotations

import secrets

from config.languages.registry import language_for


def choose_reply_word(locale: str) -> str:
    """Return a random word in the customer's language, or in English if we have no list for it."""
    return secrets.choice(language_for(locale).reply_words)
