"""Finds words with more than one meaning, in one language or across several (rule M3).

Customers can text the words of every language, and a reply word must not be taken for any of them;
so each word has one meaning in all languages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config.languages.model import Language, iterate_word_lists
from config.languages.words import plain_word


def find_word_conflicts(languages: Sequence[Language]) -> list[str]:
    """Return half a sentence for each word that has several meanings among ``languages``."""
    meanings: dict[str, dict[str, list[str]]] = {}
    for language in languages:
        for word, meaning in _iterate_claims(language):
            codes = meanings.setdefault(word, {}).setdefault(meaning, [])
            codes.append(language.code)
    return [
        f'"{word}" is {_describe_claims(found)}'
        for word, found in sorted(meanings.items())
        if len(found) > 1
    ]


def _describe_claims(found: dict[str, list[str]]) -> str:
    return " and ".join(f"{what} in {', '.join(codes)}" for what, codes in found.items())


def iterate_command_words(language: Language) -> Iterator[tuple[str, str]]:
    """Yield each command word of a language with the command."""
    for command, words in iterate_word_lists(language.words.commands):
        yield from ((word, command) for word in words)


def _iterate_claims(language: Language) -> Iterator[tuple[str, str]]:
    """Yield each word of a language with what it means, in words."""
    words, answers = language.words, language.words.answers
    groups = (
        ("a word that carriers take", words.carriers),
        ("a reply word", map(plain_word, language.reply_words)),
        *((f"the command {name}", listed) for name, listed in iterate_word_lists(words.commands)),
        *((f"the answer {name}", getattr(answers, name)) for name in ("skip", "none", "hidden")),
        *((f"the answer {name}", listed) for name, listed in iterate_word_lists(answers.knew)),
    )
    for meaning, listed in groups:
        yield from ((word, meaning) for word in listed)
