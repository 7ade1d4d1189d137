"""Checks a language's catalogue: everything is translated, compiled, and keeps its placeholders."""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import PoFileError, read_po

from config.languages.words import WORD_PATTERN, plain_word

TEMPLATE_FILE = "messages.pot"
_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w*\}|%(?!\()")
_UNREADABLE = (OSError, ValueError, PoFileError, struct.error)
_MAX_NAMED, _MAX_SHOWN = 3, 40
#: A message by its context and its forms, singular and plural; mostly there is one form.
MessageKey = tuple[str, ...]


def find_catalogue_faults(
    folder: Path, source_commands: Mapping[str, str], own_commands: Mapping[str, str]
) -> list[str]:
    """Return what is missing or wrong in the catalogue of a language's folder. The commands are by
    word, of the source language and of this one."""
    source = folder / "LC_MESSAGES" / "messages.po"
    compiled = source.with_suffix(".mo")
    missing = [path for path in (source, compiled) if not path.is_file()]
    if missing:
        return [f"{_relative_name(path)} is missing" for path in missing]
    template = load_template_keys(folder.parent)
    if not template:
        return [f"{TEMPLATE_FILE} is missing or cannot be read"]
    try:
        catalogue = _read_po_file(source)
    except _UNREADABLE as error:
        return [f"{_relative_name(source)} cannot be read: {error}"]
    translated = _translations_of(catalogue)
    faults = [
        *_untranslated_faults(template, catalogue, translated),
        *_placeholder_faults(translated),
        *_command_faults(translated, source_commands, own_commands),
    ]
    return [f"{_relative_name(source)}: {fault}" for fault in faults] or _compilation_faults(
        compiled, translated
    )


@lru_cache(maxsize=8)
def load_template_keys(folder: Path) -> frozenset[MessageKey]:
    """Return what has to be translated, by the template in the folder of all languages; nothing if
    that cannot be read."""
    try:
        catalogue = _read_po_file(folder / TEMPLATE_FILE)
    except _UNREADABLE:
        return frozenset()
    return frozenset(_key_of_message(message) for message in catalogue if message.id)


def _read_po_file(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def _untranslated_faults(
    template: frozenset[MessageKey], catalogue: Catalog, translated: Collection[MessageKey]
) -> list[str]:
    entries = {_key_of_message(message): message for message in catalogue if message.id}
    fuzzy = {key for key, message in entries.items() if message.fuzzy}
    groups = {
        "are not in it ('make translations' adds them)": template - entries.keys(),
        "are marked fuzzy": template & fuzzy,
        "are not translated": (template & entries.keys()) - fuzzy - set(translated),
    }
    return [
        f"{len(keys):,} of {len(template):,} messages {what}: {_name_messages(keys)}"
        for what, keys in groups.items()
        if keys
    ]


def _placeholder_faults(translated: dict[MessageKey, MessageKey]) -> list[str]:
    """Return the fault that a translation names other values than its message: filling it in would
    fail, or leave something out."""
    changed = {
        key
        for key, forms in translated.items()
        if any(Counter(_PLACEHOLDER.findall(form)) != _placeholders_of(key) for form in forms)
    }
    if not changed:
        return []
    what = f"{len(changed):,} of {len(translated):,} translations change the placeholders"
    return [f"{what}: {_name_messages(changed)}"]


def _placeholders_of(key: MessageKey) -> Counter[str]:
    return Counter(_PLACEHOLDER.findall(key[-1]))


def _command_faults(
    translated: dict[MessageKey, MessageKey],
    source_commands: Mapping[str, str],
    own_commands: Mapping[str, str],
) -> list[str]:
    """Return the fault that a text asks for a word that would not be understood as its original
    is."""
    changed = {
        key
        for key, forms in translated.items()
        if (asked := _asked_commands(key[-1], source_commands))
        and any(not asked <= _asked_commands(form, own_commands) for form in forms)
    }
    if not changed:
        return []
    return [
        f"{len(changed):,} of {len(translated):,} translations do not name their command of"
        f" words.toml in capitals: {_name_messages(changed)}"
    ]


def _asked_commands(text: str, commands: Mapping[str, str]) -> set[str]:
    """Return the commands whose words a text has in capitals; a script without any has but one
    kind of letters."""
    capitals = (plain_word(word) for word in WORD_PATTERN.findall(text) if word == word.upper())
    return {commands[word] for word in capitals if word in commands}


def _compilation_faults(compiled: Path, translated: dict[MessageKey, MessageKey]) -> list[str]:
    try:
        with compiled.open("rb") as file:
            current = _translations_of(read_mo(file)) == translated
    except _UNREADABLE as error:
        return [f"{_relative_name(compiled)} cannot be read: {error}"]
    if current:
        return []
    return [f"{_relative_name(compiled)} is older than messages.po: run 'make translations'"]


def _translations_of(catalogue: Catalog) -> dict[MessageKey, MessageKey]:
    """Return the translations that are complete and not fuzzy, as they are compiled."""
    return {
        _key_of_message(message): _forms_of(message.string)
        for message in catalogue
        if message.id and not message.fuzzy and all(_forms_of(message.string))
    }


def _key_of_message(message: Message) -> MessageKey:
    return (message.context or "", *_forms_of(message.id))


def _forms_of(text: str | tuple[str, ...] | list[str] | None) -> MessageKey:
    return (text or "",) if isinstance(text, str | None) else tuple(text)


def _name_messages(keys: Collection[MessageKey]) -> str:
    """Return the first messages by the alphabet, shortened."""
    first = sorted(key[1] for key in keys)[:_MAX_NAMED]
    named = ", ".join(
        f'"{text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"}"' for text in first
    )
    return f"{named} …" if len(keys) > _MAX_NAMED else named


def _relative_name(path: Path) -> str:
    return "/".join(path.parts[-3:])
