"""A made-up language for a test to break."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.languages import registry
from tests import made_up_language


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("prepared")
    languages = made_up_language.make_languages_folder(top, messages=made_up_language.FEW_MESSAGES)
    made_up_language.add_language(languages, "eo")
    return languages


@pytest.fixture
def folder(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a complete made-up language, for a test to change before it is read."""
    languages = shutil.copytree(prepared, tmp_path / "languages")
    monkeypatch.setattr(registry, "FOLDER", languages)
    return Path(languages) / "eo"
