"""All words that customers can text, in whichever of our languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from config.languages import registry
from config.languages.conflicts import iterate_command_words
from config.languages.model import iterate_word_lists


@dataclass(frozen=True)
class Vocabulary:
    """Folded words of all languages together: the command and what a caller ``knew`` by word; the
    words that ``skip`` a question about a report; those for a ``hidden`` number."""

    commands: Mapping[str, str]
    skip: frozenset[str]
    hidden: frozenset[str]
    knew: Mapping[str, str]


def customer_vocabulary() -> Vocabulary:
    """Return the words of all usable languages: customers can use the words of any."""
    return _merge_vocabulary(registry.FOLDER)


@lru_cache(maxsize=8)
def _merge_vocabulary(folder: Path) -> Vocabulary:
    languages = registry.load_usable_languages(folder)
    commands: dict[str, str] = {}
    knew: dict[str, str] = {}
    for language in languages:  # the first one's meaning counts, if checks were passed over
        for word, command in iterate_command_words(language):
            commands.setdefault(word, command)
        for item, words in iterate_word_lists(language.words.answers.knew):
            for word in words:
                knew.setdefault(word, item)
    answers = [language.words.answers for language in languages]
    return Vocabulary(
        MappingProxyType(commands),
        frozenset(word for each in answers for word in (*each.skip, *each.none)),
        frozenset(word for each in answers for word in each.hidden),
        MappingProxyType(knew),
    )
