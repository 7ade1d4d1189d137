"""``flask languages``: what is complete and what is missing, for translators."""

from __future__ import annotations

import sys

import click
from babel import Locale, UnknownLocaleError
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from config.languages import registry
from config.languages.catalogue import load_template_keys
from config.languages.checks import find_conflicts_among, find_language_faults
from config.languages.registry import SOURCE_LANGUAGE, language_for, list_language_folders
from config.languages.tags import normalise_tag

languages_group = AppGroup("languages", help="Languages, one folder each in languages/.")


@languages_group.command("check")
@click.argument("codes", metavar="[CODE]...", nargs=-1)
@with_appcontext
def check_languages_command(codes: tuple[str, ...]) -> None:
    """Print for each folder in languages/, or only for each CODE like de or pt-BR, whether it is
    complete, and what is missing.

    Fails if a CODE is not complete, or without one, a language of VOUCHLINE_LANGUAGES.
    """
    in_use = current_app.config["VOUCHLINE_SETTINGS"].languages
    chosen = [_folder_of_argument(code) for code in codes]
    for code in chosen or list_language_folders():
        head = f"{code:<10} {_name_language(code)}{' (in use)' if code in in_use else ''}"
        brief = code not in (*chosen, *in_use) and _holds_only_names(code)
        click.echo(f"{head}: {'only names of canaries' if brief else _describe_folder(code)}")
    conflicts = [
        fault
        for fault in find_conflicts_among(list_language_folders())
        if not chosen or any(code in fault.replace(",", "").split() for code in chosen)
    ]
    for conflict in conflicts:
        click.echo(f"✗ {conflict}.")
    required = chosen or [SOURCE_LANGUAGE, *in_use]
    if conflicts or any(find_language_faults(code) for code in required):
        sys.exit(1)


def _folder_of_argument(text: str) -> str:
    try:
        code = normalise_tag(text)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    if code not in list_language_folders():
        raise click.ClickException(f"There is no folder languages/{code}.")
    return code


def _holds_only_names(code: str) -> bool:
    return [path.name for path in (registry.FOLDER / code).iterdir()] == ["names.toml"]


def _describe_folder(code: str) -> str:
    """Return one line for a complete language, and a line for each fault of another."""
    faults = find_language_faults(code)
    if faults:
        lines = "".join(f"\n  ✗ {fault}" for fault in faults)
        return f"not complete, {len(faults)} to fix:{lines}"
    language = language_for(code)
    messages = (
        "the language of the source"
        if code == SOURCE_LANGUAGE
        else f"{len(load_template_keys(registry.FOLDER)):,} messages"
    )
    return (
        f"✓ complete: {messages}, {len(language.reply_words)} reply words,"
        f" voice {language.voice.tag}, written {language.direction}"
    )


def _name_language(code: str) -> str:
    try:
        return Locale.parse(code).get_display_name(SOURCE_LANGUAGE) or code
    except (ValueError, UnknownLocaleError):
        return "no language"
