"""Says what keeps a language from being used: for the start, ``flask doctor`` and ``flask languages
check``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from babel import Locale

from config.languages import registry
from config.languages.catalogue import find_catalogue_faults
from config.languages.conflicts import find_word_conflicts, iterate_command_words
from config.languages.reader import read_language
from config.languages.registry import SOURCE_LANGUAGE, list_language_folders
from config.languages.tags import normalise_tag

_MAX_LISTED = 8


def find_language_faults(code: str) -> list[str]:
    """Return what is missing or wrong in the folder of a language, as half sentences."""
    return list(_find_folder_faults(registry.FOLDER, code))


def find_conflicts_among(codes: Sequence[str]) -> list[str]:
    """Return the words with several meanings among the languages ``codes`` that can be read."""
    return list(_find_conflicts(registry.FOLDER, tuple(codes)))


def find_setting_faults(codes: Sequence[str]) -> list[str]:
    """Return a sentence for each language of ``VOUCHLINE_LANGUAGES`` that cannot be used, and one
    for words in which they contradict each other. The source language is always among them."""
    used = [SOURCE_LANGUAGE, *(code for code in codes if code != SOURCE_LANGUAGE)]
    sentences = [_describe_language_fault(code) for code in used]
    conflicts = find_conflicts_among(used)
    if conflicts:
        sentences.append(f"The languages contradict each other: {_join_faults(conflicts)}.")
    return [sentence for sentence in sentences if sentence]


@lru_cache(maxsize=8)
def _find_conflicts(folder: Path, codes: tuple[str, ...]) -> tuple[str, ...]:
    found = (read_language(folder / code)[0] for code in codes)
    return tuple(find_word_conflicts([language for language in found if language is not None]))


@lru_cache(maxsize=64)
def _find_folder_faults(folder: Path, code: str) -> tuple[str, ...]:
    try:
        tag = normalise_tag(code)
    except ValueError as error:
        return (str(error),)
    if tag != code:
        return (f"the folder must be called {tag}",)
    language, file_faults = read_language(folder / code)
    faults = list(file_faults)
    if language is not None and language.direction != Locale.parse(code).text_direction:
        faults.append(f"{code}/language.toml: {code} is not written {language.direction}")
    if code != SOURCE_LANGUAGE:
        source = read_language(folder / SOURCE_LANGUAGE)[0] if language else None
        asked = dict(iterate_command_words(source)) if source else {}
        understood = dict(iterate_command_words(language)) if language else {}
        faults += find_catalogue_faults(folder / code, asked, understood)
    return tuple(faults)


def _describe_language_fault(code: str) -> str:
    if code not in list_language_folders():
        return f"VOUCHLINE_LANGUAGES names {code}, but there is no folder languages/{code}."
    faults = find_language_faults(code)
    if not faults:
        return ""
    if code == SOURCE_LANGUAGE:
        return f"The source language {code} is not complete: {_join_faults(faults)}."
    return f"VOUCHLINE_LANGUAGES names {code}, which is not complete: {_join_faults(faults)}."


def _join_faults(faults: Sequence[str]) -> str:
    more = len(faults) - _MAX_LISTED
    listed = "; ".join(faults[:_MAX_LISTED])
    return f"{listed}; and {more} more ('flask languages check' lists all)" if more > 0 else listed
