"""Languages: a complete folder is used; one that lacks something is refused with what it lacks."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po, write_po
from pydantic import ValidationError

from app import create_app
from config import settings_checks
from config.languages import registry, tags, vocabulary
from config.languages.checks import find_conflicts_among, find_language_faults, find_setting_faults
from config.settings import Settings
from tests import made_up_language

MESSAGES = 30


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("prepared")
    languages = made_up_language.make_languages_folder(top, messages=MESSAGES)
    made_up_language.add_language(languages, "eo")
    return languages


@pytest.fixture
def folder(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a complete made-up language, for a test to change before it is read."""
    languages = shutil.copytree(prepared, tmp_path / "languages")
    monkeypatch.setattr(registry, "FOLDER", languages)
    return Path(languages) / "eo"


def settings(**changes: object) -> Settings:
    return Settings(_env_file=None, **changes)  # type: ignore[call-arg, arg-type]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


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


# --- The shipped languages ----------------------------------------------------------


def test_the_languages_of_an_installation_by_default_are_complete():
    spoken = settings().languages
    assert spoken == ("en", "de", "es")
    assert find_setting_faults(spoken) == []


def test_no_word_has_two_meanings_in_all_folders_together():
    assert find_conflicts_among(registry.list_language_folders()) == []


def test_the_source_language_comes_first():
    assert registry.list_language_folders()[0] == registry.SOURCE_LANGUAGE
    assert registry.load_usable_languages(registry.FOLDER)[0].code == registry.SOURCE_LANGUAGE


def test_a_voice_is_named_only_for_providers_that_exist():
    providers = {path.name for path in (registry.FOLDER.parent / "messaging/providers").iterdir()}
    for language in registry.load_usable_languages(registry.FOLDER):
        assert set(language.voice.providers) <= providers


# --- A made-up language ---------------------------------------------------------------


def test_a_complete_folder_is_a_language(folder):
    assert find_setting_faults(("en", "eo")) == []
    found = registry.language_for("eo")
    assert (found.code, found.direction, found.voice.tag) == ("eo", "ltr", "eo-001")
    assert (found.voice_name_for("twilio"), found.voice_name_for("other")) == ("eo-Zu", "eo-001")
    assert list(found.reply_words) == made_up_language.REPLY_WORDS
    assert vocabulary.customer_vocabulary().commands["zuzumove"] == "move"


def test_a_language_cannot_be_changed(folder):
    found = registry.language_for("eo")
    with pytest.raises(FrozenInstanceError):
        found.code = "xx"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        found.dates.day_time = "d"
    with pytest.raises(TypeError):
        found.voice.providers["x"] = "y"  # type: ignore[index]
    with pytest.raises(TypeError):
        vocabulary.customer_vocabulary().commands["x"] = "y"  # type: ignore[index]


FILES = ("language.toml", "words.toml", "reply_words.txt", "names.toml")
FILES += ("LC_MESSAGES/messages.po", "LC_MESSAGES/messages.mo")


@pytest.mark.parametrize("name", FILES)
def test_a_folder_without_a_file_is_refused_and_says_which(folder, name):
    (folder / name).unlink()
    assert find_setting_faults(("en", "eo")) == [
        f"VOUCHLINE_LANGUAGES names eo, which is not complete: eo/{name} is missing."
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_such_file_is_refused(folder, name):
    (folder / name).write_bytes(b"\xff\xfe = [broken")
    assert re.search(f"eo/{name} cannot be read: .", find_setting_faults(("eo",))[0])


KEYS = [
    *[("language.toml", key) for key in ("direction",)],
    *[("language.toml", f"dates.{key}") for key in ("day_time", "day_time_year", "full_date")],
    ("language.toml", "voice.tag"),
    ("words.toml", "carriers"),
    *[
        ("words.toml", f"commands.{key}")
        for key in ("check", "scam", "move", "refuse", "phrase", "page")
    ],
    *[("words.toml", f"answers.{key}") for key in ("skip", "none", "hidden")],
    *[
        ("words.toml", f"answers.knew.{key}")
        for key in ("name", "phone", "ticket", "product", "address")
    ],
    ("names.toml", "first"),
    ("names.toml", "last"),
]


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_a_file_without_a_key_is_refused_and_says_which(folder, name, key):
    path = folder / name
    line = rf"(?m)^{key.rpartition('.')[2]} = .*\n"
    assert len(re.findall(line, path.read_text())) == 1
    path.write_text(re.sub(line, "", path.read_text()))
    assert find_language_faults("eo") == [f"eo/{name}: {key} is missing"]
    assert registry.language_for("eo").code == "en"


@pytest.mark.parametrize("table", ["dates", "voice", "voice.providers"])
def test_a_file_without_a_table_is_refused_and_says_which(folder, table):
    path = folder / "language.toml"
    tables = re.split(r"(?m)^(?=\[)", path.read_text())
    path.write_text("".join(t for t in tables if not t.startswith(f"[{table}")))
    assert find_language_faults("eo") == [f"eo/language.toml: {table} is missing"]


@pytest.mark.parametrize("table", ["commands", "answers", "answers.knew"])
def test_words_without_a_table_are_refused(folder, table):
    path = folder / "words.toml"
    tables = re.split(r"(?m)^(?=\[)", path.read_text())
    path.write_text("".join(t for t in tables if not t.startswith(f"[{table}")))
    assert find_language_faults("eo") == [f"eo/words.toml: {table} is missing"]


WRONG = [
    ("language.toml", '"ltr"', '"up"', "direction must be 'ltr' or 'rtl'"),
    ("language.toml", '"ltr"', '"rtl"', "eo is not written rtl"),
    ("language.toml", '"ltr"', "1", "direction must be"),
    ("language.toml", '"d. MMM, EEE, HH:mm"', "5", "dates.day_time must be text in quotes"),
    ("language.toml", "d. MMM, EEE, HH:mm", "d. MMM, EEE", "has no hour, minute"),
    ("language.toml", "d. MMM, EEE, HH:mm", "d. 'MMM', EEE, HH:mm", "has no month"),
    ("language.toml", "d. MMM y, EEE", "d. MMM, EEE", "has no year"),
    ("language.toml", "y MMMM d", "dddd y M", "is no pattern"),
    ("language.toml", "eo-001", "Esperanto, male", "is no language tag like en-GB"),
    ("language.toml", "[dates]", "speed = 1\n[dates]", "speed is no key that is read"),
    ("words.toml", '["zuzucheck"]', '"zuzucheck"', "commands.check must be a list"),
    ("words.toml", '["zuzucheck"]', "[]", "commands.check: has 0 and needs at least 1"),
    ("words.toml", '["zuzucheck"]', '["zuzu check"]', '"zuzu check" is not one word of letters'),
    ("words.toml", '["zuzucheck"]', '["Zúzu", "ZUZU"]', "commands.check: zuzu twice"),
    ("words.toml", '["zuzucheck"]', "[7]", "commands.check.0 must be text in quotes"),
    ("words.toml", "[commands]", "[commands]\nhelp = ['x']", "commands.help is no key"),
    ("reply_words.txt", "zubb", "Zubb", "Zubb: write words of 2 to 10 letters, in lower case"),
    ("reply_words.txt", "zubb", "z", "z: write words of 2 to 10 letters"),
    ("reply_words.txt", "zubb", "zubbbbbbbbb", "write words of 2 to 10 letters"),
    ("reply_words.txt", "zubb", "zu-bb", "zu-bb: write words of 2 to 10 letters"),
    ("reply_words.txt", "zubb", "zubc", "zubc twice"),
    ("reply_words.txt", "zubb\nzubc", "# zubb\nzubc # x", "has 99 and needs at least 100"),
    ("names.toml", '"Zubb", ', "", "first: has 19 and needs at least 20"),
    ("names.toml", '"Zubb"', '"Zubc"', "first: Zubc twice"),
    ("names.toml", '"Zubb"', '" Zubb"', "first.0 must not begin or end with a space"),
]


@pytest.mark.parametrize(("name", "old", "new", "sentence"), WRONG)
def test_a_wrong_value_is_refused_and_named(folder, name, old, new, sentence):
    edit(folder / name, old, new)
    (found,) = find_language_faults("eo")
    assert found.startswith(f"eo/{name}: ")
    assert sentence in found


# --- The catalogue ----------------------------------------------------------------------


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
    start = rf"eo/LC_MESSAGES/messages.po: {number} of {MESSAGES} messages {what}: "
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
    assert f'1 of {MESSAGES} translations change the placeholders: "{changed[0][:39]}' in found


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
        f"eo/LC_MESSAGES/messages.po: 1 of {MESSAGES + 1} translations do not name their command"
        f' of words.toml in capitals: "{asking}"'
    ]


def test_a_catalogue_that_was_changed_and_not_compiled_is_refused(folder):
    edit(folder / "LC_MESSAGES/messages.po", f'msgstr "{made_up_language.PREFIX}', 'msgstr "Other ')
    assert find_language_faults("eo") == [
        "eo/LC_MESSAGES/messages.mo is older than messages.po: run 'make translations'"
    ]


def test_without_the_template_nothing_can_be_known(folder):
    (folder.parent / "messages.pot").unlink()
    assert find_language_faults("eo") == ["messages.pot is missing or cannot be read"]


# --- Words of several languages -----------------------------------------------------------

CONFLICTS = [
    ("words.toml", "zuzuscam", "mover", '"mover" is the command move in es and the command scam'),
    ("words.toml", "zuzuscam", "Betrüg", None),
    ("words.toml", "zuzuscam", "betrug", None),  # the same meaning as in German
    ("words.toml", "zuzuscam", "weiter", '"weiter" is a word that carriers take in de'),
    ("words.toml", "zuzuskip", "STOP", '"stop" is a word that carriers take in en'),
    ("words.toml", "zuzuskip", "zuzuhidden", "the answer skip in eo and the answer hidden in eo"),
    ("words.toml", "zuzuname", "check", '"check" is the command check in en and the answer name'),
    ("words.toml", "zuzuname", "numero", "the answer phone in es and the answer name in eo"),
    ("words.toml", "zuzustop", "apple", '"apple" is a reply word in en and a word that carriers'),
    ("reply_words.txt", "zubb", "scam", '"scam" is the command scam in en and a reply word in eo'),
    ("reply_words.txt", "zubb", "página", '"pagina" is the command page in es and a reply word'),
    ("reply_words.txt", "zubb", "yes", '"yes" is a word that carriers take in en and a reply word'),
    ("reply_words.txt", "zubb", "nada", '"nada" is the answer none in es and a reply word in eo'),
    ("reply_words.txt", "zubb", "apple", None),  # a reply word in both
]


@pytest.mark.parametrize(("name", "old", "new", "sentence"), CONFLICTS)
def test_a_word_means_one_thing_in_all_languages(folder, name, old, new, sentence):
    edit(folder / name, old, new)
    found = find_conflicts_among(("en", "de", "es", "eo"))
    assert len(found) == (0 if sentence is None else 1)
    assert found == [] or sentence in found[0]


def test_languages_in_use_that_contradict_each_other_are_refused(folder):
    edit(folder / "words.toml", "zuzuscam", "apple")
    assert find_setting_faults(("eo",)) == [
        'The languages contradict each other: "apple" is a reply word in en and the command scam'
        " in eo."
    ]


def test_a_folder_that_is_not_in_use_refuses_no_start(folder):
    edit(folder / "words.toml", "zuzuscam", "mover")
    assert find_conflicts_among(("en", "de", "es")) == []
    assert vocabulary.customer_vocabulary().commands["mover"] == "scam"  # eo comes before es


# --- The setting --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("de,en", ("de", "en")),
        ("DE en-GB", ("de", "en")),
        ("es-MX", ("es",)),
        ("es_MX, es, ES-es", ("es",)),
        ("eo", ("eo",)),
        ("pt-BR", ("pt",)),  # there are names of its canaries
        ("sv", ("sv",)),
        ("zh-Hant", ("zh_Hant",)),
        ("zh-tw", ("zh_Hant_TW",)),
    ],
)
def test_tags_are_folders_their_own_or_that_of_the_language(folder, written, spoken):
    assert settings(languages=written).languages == spoken


def test_a_folder_of_a_region_comes_before_that_of_its_language(folder):
    shutil.copytree(folder, folder.parent / "es_MX")
    assert settings(languages="es-MX es-AR").languages == ("es_MX", "es")
    assert find_setting_faults(("es_MX",)) == []
    assert registry.language_for("es_MX").voice.tag == "eo-001"
    assert registry.language_for("es_AR").voice.tag == "es-ES"


@pytest.mark.parametrize("written", ["klingon", "de,x", "123", "e n", "german", "und-XX", "-"])
def test_what_is_no_tag_is_refused_with_how_to_write_one(written):
    with pytest.raises(
        ValidationError, match="is no language tag: write tags like en, de or pt-BR"
    ):
        settings(languages=written)


def test_no_language_at_all_is_refused():
    with pytest.raises(ValidationError, match="name at least one language"):
        settings(languages="")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("sv", "VOUCHLINE_LANGUAGES names sv, but there is no folder languages/sv."),
        ("zh-Hant", "VOUCHLINE_LANGUAGES names zh_Hant, but there is no folder languages/zh_Hant."),
        ("fr", "VOUCHLINE_LANGUAGES names fr, which is not complete: fr/language.toml is missing"),
        ("fr-CA", "VOUCHLINE_LANGUAGES names fr, which is not complete: fr/language.toml is miss"),
    ],
)
def test_a_language_that_cannot_be_spoken_stops_the_start_anywhere(written, sentence, tmp_path):
    """Was accepted on 8e19743, and spoke English."""
    chosen = settings(languages=f"en {written}", instance=tmp_path)
    with pytest.raises(SystemExit) as told:
        create_app(chosen)
    assert sentence in str(told.value.code)
    assert list(tmp_path.iterdir()) == []
    (found,) = [f for f in settings_checks.check_settings(chosen) if "LANGUAGES" in f.sentence]
    assert (found.level, found.sentence[-1]) == ("refuse", ".")


def test_the_source_language_has_to_be_complete_whatever_is_spoken(folder):
    (folder.parent / "en/words.toml").unlink()
    assert find_setting_faults(("eo",)) == [
        "The source language en is not complete: en/words.toml is missing."
    ]
    with pytest.raises(registry.SourceLanguageBroken):
        registry.language_for("eo")


def test_many_faults_are_shortened(folder):
    path = folder / "words.toml"
    path.write_text(re.sub(r'"zuzu\w+"', "7", path.read_text()))
    (found,) = find_setting_faults(("eo",))
    assert found.count("must be text in quotes") == 8
    assert "more ('flask languages check' lists all)." in found


@pytest.mark.parametrize(("name", "sentence"), [("es-AR", "called es_AR"), ("x!", "no language")])
def test_a_folder_has_to_be_called_by_its_tag(folder, name, sentence):
    folder.rename(folder.parent / name)
    assert sentence in find_language_faults(name)[0]


# --- Tags -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "match"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_ch", "de"),
        ("de-DE-x-private", "de"),
        ("pt-BR", "pt_BR"),
        ("pt", "pt_BR"),
        ("pt-PT", "pt_BR"),
        ("zh-TW", "zh_Hant"),
        ("zh-HK", "zh_Hant"),
        ("zh-Hant-HK", "zh_Hant"),
        ("zh-CN", "zh_Hans"),
        ("zh", "zh_Hans"),
        ("und_DE", "de"),
        ("fr", None),
        ("*", None),
        ("", None),
        ("und_xx", None),
    ],
)
def test_the_best_match_of_a_tag(wanted, match):
    assert tags.match_language(wanted, ("en_GB", "de", "pt_BR", "zh_Hans", "zh_Hant")) == match
