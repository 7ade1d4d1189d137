"""A catalogue that is not translated, not compiled, or says something else is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po, write_po

from config.languages.checks import find_language_faults
from tests import made_up_language
from tests.made_up_language import FEW_MESSAGES, edit


def change_messages(folder: Path, number: int, change: Callable[[Message], None]) -> list[str]:
    """Change the first messages, and compile; return them."""
    path = folder / "LC_MESSAGES/messages.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=folder.name)
    chosen = sorted((m for m in catalogue if isinstance(m.id, str) and m.id), key=lambda m: m.id)
    for message in chosen[:number]:
        change(message)
    with path.open("wb") as file:
        write_po(file, catalogue)
    made_up_language.compile_catalogue(folder)
    return [message.id for message in chosen[:number]]


def untranslate(message: Message) -> None:
    message.string = ""


def make_fuzzy(message: Message) -> None:
    message.flags.add("fuzzy")


@pytest.mark.parametrize(
    ("change", "what"), [(untranslate, "are not translated"), (make_fuzzy, "are marked fuzzy")]
)
@pytest.mark.parametrize("number", [1, 3, 5])
def test_messages_without_a_translation_are_counted_and_the_first_named(
    folder, number, change, what
):
    changed = change_messages(folder, number, change)
    (found,) = find_language_faults("eo")
    start = rf"eo/LC_MESSAGES/messages.po: {number} of {FEW_MESSAGES} messages {what}: "
    assert re.match(start, found)
    assert all(f'"{name[:39]}' in found for name in changed[:3])
    assert found.endswith("…") == (number > 3)


def test_a_message_that_is_new_in_the_source_is_named(folder):
    with (folder.parent / "messages.pot").open("a") as file:
        file.write('\nmsgid "Quite new"\nmsgstr ""\n')
    (found,) = find_language_faults("eo")
    assert """messages are not in it ('make translations' adds them): "Quite new\"""" in found


def test_a_plural_without_one_of_its_forms_is_named(folder):
    path = folder / "LC_MESSAGES/messages.po"
    path.write_text(re.sub(r'(?m)^msgstr\[1\] ".*"$', 'msgstr[1] ""', path.read_text(), count=1))
    made_up_language.compile_catalogue(folder)
    assert "1 of" in find_language_faults("eo")[0]
    assert "are not translated" in find_language_faults("eo")[0]


def test_a_translation_that_loses_a_value_is_named(folder):
    def lose(message: Message) -> None:
        message.string = "Zu"

    changed = change_messages(folder, 1, lose)
    assert "%(" in changed[0]
    (found,) = find_language_faults("eo")
    assert f'1 of {FEW_MESSAGES} translations change the placeholders: "{changed[0][:39]}' in found


def test_a_text_that_asks_for_a_word_nobody_understands_is_named(folder):
    asking = "Not you? Text SCAM, or REFUSE"
    with (folder.parent / "messages.pot").open("a") as file:
        file.write(f'\nmsgid "{asking}"\nmsgstr ""\n')
    made_up_language.translate_all(folder)
    path = folder / "LC_MESSAGES/messages.po"
    assert "Text ZUZUSCAM, or ZUZUREFUSE" in path.read_text()
    edit(path, "ZUZUREFUSE", "zuzurefuse")
    made_up_language.compile_catalogue(folder)
    assert find_language_faults("eo") == [
        f"eo/LC_MESSAGES/messages.po: 1 of {FEW_MESSAGES + 1} translations do not name their"
        f' command of words.toml in capitals: "{asking}"'
    ]


def test_a_catalogue_that_was_changed_and_not_compiled_is_refused(folder):
    edit(folder / "LC_MESSAGES/messages.po", f'msgstr "{made_up_language.PREFIX}', 'msgstr "Other ')
    assert find_language_faults("eo") == [
        "eo/LC_MESSAGES/messages.mo is older than messages.po: run 'make translations'"
    ]


def test_without_the_template_nothing_can_be_known(folder):
    (folder.parent / "messages.pot").unlink()
    assert find_language_faults("eo") == ["messages.pot is missing or cannot be read"]
