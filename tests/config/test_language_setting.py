"""``VOUCHLINE_LANGUAGES``: tags are folders, and what cannot be spoken stops the start."""

from __future__ import annotations

import re
import shutil

import pytest
from pydantic import ValidationError

from app import create_app
from config import settings_checks
from config.languages import registry, tags
from config.languages.checks import find_language_faults, find_setting_faults
from config.settings import Settings


def settings(**changes: object) -> Settings:
    return Settings(_env_file=None, **changes)  # type: ignore[call-arg, arg-type]


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
