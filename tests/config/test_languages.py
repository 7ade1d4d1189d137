"""Languages: a complete folder is used; one that lacks something is refused with what it lacks."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError

import pytest
from pydantic import ValidationError

from config.languages import registry, vocabulary
from config.languages.checks import find_conflicts_among, find_language_faults, find_setting_faults
from config.settings import Settings
from tests import made_up_language
from tests.made_up_language import edit

# --- The shipped languages ----------------------------------------------------------


def test_the_languages_of_an_installation_by_default_are_complete():
    spoken = Settings(_env_file=None).languages  # type: ignore[call-arg]
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
