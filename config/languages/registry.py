"""The languages in ``languages/``: each folder is read once, when it is first asked for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from config.languages.model import Language, NamesFile
from config.languages.reader import read_language, read_toml_file
from config.languages.tags import list_fallback_tags, normalise_tag

FOLDER = Path(__file__).resolve().parents[2] / "languages"
#: The language of the sentences in the code: it has a folder, but no catalogue.
SOURCE_LANGUAGE = "en"


class SourceLanguageBroken(Exception):
    """The files of the source language cannot be used, so there is nothing to fall back to."""


def list_language_folders() -> tuple[str, ...]:
    """Return the codes of all folders, complete or not, the source language first."""
    return _list_folders(FOLDER)


def resolve_language(tag: str) -> str:
    """Return the folder for a normalised tag: its own, else that of a wider tag; the tag itself if
    there is none."""
    folders = list_language_folders()
    return next((each for each in list_fallback_tags(tag) if each in folders), tag)


def language_for(locale: str) -> Language:
    """Return the language for the tag of a customer or reader: its own or a wider tag's, else the
    source language."""
    return _find_language(FOLDER, locale)


def canary_names_for(language: str) -> NamesFile:
    """Return common names where a language is spoken, else the source language's. They are there
    for more languages than we speak."""
    return _load_names(FOLDER, language) or _load_source_names(FOLDER)


@lru_cache(maxsize=8)
def _list_folders(folder: Path) -> tuple[str, ...]:
    codes = (path.name for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._")
    return tuple(sorted(codes, key=lambda code: (code != SOURCE_LANGUAGE, code)))


@lru_cache(maxsize=8)
def load_usable_languages(folder: Path) -> tuple[Language, ...]:
    """Return the languages in ``folder`` whose files are complete, but for the catalogue; the
    source language first. Raises ``SourceLanguageBroken``."""
    found = (read_language(folder / code)[0] for code in _list_folders(folder))
    usable = tuple(language for language in found if language is not None)
    if not usable or usable[0].code != SOURCE_LANGUAGE:
        raise SourceLanguageBroken(f"languages/{SOURCE_LANGUAGE} is not complete")
    return usable


@lru_cache(maxsize=256)
def _find_language(folder: Path, locale: str) -> Language:
    usable = {language.code: language for language in load_usable_languages(folder)}
    try:
        tags = list_fallback_tags(normalise_tag(locale))
    except ValueError:
        tags = []
    return next((usable[tag] for tag in tags if tag in usable), usable[SOURCE_LANGUAGE])


@lru_cache(maxsize=64)
def _load_names(folder: Path, language: str) -> NamesFile | None:
    known = language in _list_folders(folder)
    return read_toml_file(folder / language / "names.toml", NamesFile)[0] if known else None


def _load_source_names(folder: Path) -> NamesFile:
    names = _load_names(folder, SOURCE_LANGUAGE)
    if names is None:
        raise SourceLanguageBroken(f"languages/{SOURCE_LANGUAGE}/names.toml is not complete")
    return names
