"""Reads the files of a language's folder, and says what is missing or wrong in sentences."""

from __future__ import annotations

import tomllib
import unicodedata
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.languages.model import (
    MIN_REPLY_WORDS,
    Language,
    LanguageFile,
    NamesFile,
    WordsFile,
)
from config.languages.words import is_one_word, plain_word

REPLY_WORD_LENGTHS = range(2, 11)
_Model = TypeVar("_Model", bound=BaseModel)
#: What is said of an error of pydantic, by its type; of any other, its own message.
_SAYINGS = {
    "missing": "is missing",
    "extra_forbidden": "is no key that is read",
    "string_type": "must be text in quotes",
    "tuple_type": "must be a list in square brackets",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must not begin or end with a space",
}


@lru_cache(maxsize=64)
def read_language(folder: Path) -> tuple[Language | None, tuple[str, ...]]:
    """Read the files of a folder, but for the catalogue. Return the language, ``None`` if it is not
    complete, and what is missing or wrong."""
    settings, faults = read_toml_file(folder / "language.toml", LanguageFile)
    words, word_faults = read_toml_file(folder / "words.toml", WordsFile)
    replies, reply_faults = read_reply_words(folder / "reply_words.txt")
    _, name_faults = read_toml_file(folder / "names.toml", NamesFile)
    faults += [*word_faults, *reply_faults, *name_faults]
    if settings is None or words is None or faults:
        return None, tuple(faults)
    found = Language(
        folder.name, settings.direction, settings.dates, settings.voice, words, replies
    )
    return found, ()


def read_toml_file(path: Path, model: type[_Model]) -> tuple[_Model | None, list[str]]:
    """Read a TOML file of a folder. Return its values, ``None`` if they are not valid, and the
    faults."""
    where = f"{path.parent.name}/{path.name}"
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))), []
    except FileNotFoundError:
        return None, [f"{where} is missing"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return None, [f"{where} cannot be read: {error}"]
    except ValidationError as error:
        return None, [f"{where}: {_say_error(item)}" for item in error.errors(include_url=False)]


def read_reply_words(path: Path) -> tuple[tuple[str, ...], list[str]]:
    """Read a list of words: separated by spaces or lines; ``#`` begins a comment. Return the words
    and the faults."""
    where = f"{path.parent.name}/{path.name}"
    try:
        text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return (), [f"{where} is missing"]
    except (OSError, UnicodeDecodeError) as error:
        return (), [f"{where} cannot be read: {error}"]
    words = tuple(word for line in text.splitlines() for word in line.partition("#")[0].split())
    return words, [f"{where}: {fault}" for fault in _reply_word_faults(words)]


def _reply_word_faults(words: tuple[str, ...]) -> list[str]:
    faults = []
    if len(words) < MIN_REPLY_WORDS:
        faults.append(f"has {len(words)} and needs at least {MIN_REPLY_WORDS}")
    unfit = [word for word in words if not _is_reply_word(word)]
    if unfit:
        faults.append(f"{_name_first(unfit)}: write words of 2 to 10 letters, in lower case")
    twice = [word for word, times in Counter(map(plain_word, words)).items() if times > 1]
    if twice:
        faults.append(f"{_name_first(twice)} twice (case and accents do not count)")
    return faults


def _is_reply_word(word: str) -> bool:
    fits = is_one_word(word) and len(plain_word(word)) in REPLY_WORD_LENGTHS
    return fits and word == word.lower()


def _name_first(words: list[str]) -> str:
    more = f" and {len(words) - 3} more" if len(words) > 3 else ""
    return f"{', '.join(words[:3])}{more}"


def _say_error(error: ErrorDetails) -> str:
    """Return an error of pydantic as half a sentence that begins with the key."""
    key = ".".join(str(part) for part in error["loc"])
    saying = _SAYINGS.get(error["type"])
    said = (
        error["msg"].removeprefix("Value error, ")
        if saying is None
        else saying.format(**error.get("ctx", {}))
    )
    return f"{key} {said}" if saying else f"{key}: {said}"
