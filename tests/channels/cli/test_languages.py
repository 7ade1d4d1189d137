"""``flask languages check``: what is complete and what is missing, for translators."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from channels.cli.languages import languages_group

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def check(app):
    """Run the command on these arguments."""

    def run_it(*arguments: str) -> Result:
        with app.app_context():
            return CliRunner().invoke(languages_group, ["check", *arguments])

    return run_it


@pytest.mark.settings(languages="de, en")
def test_all_folders_are_listed_and_only_those_in_use_decide(check):
    found = check()
    assert found.exit_code == 0
    lines = found.output.splitlines()
    assert lines[0].startswith(
        "en         English (in use): ✓ complete: the language of the source"
    )
    assert lines[1].startswith("de         German (in use): ✓ complete: 1,")
    assert lines[2].startswith("es         Spanish: ✓ complete: 1,")
    assert "fr         French: only names of canaries" in lines


def test_it_explains_a_language_for_which_nothing_else_starts(tmp_path):
    flask = [str(Path(sys.executable).parent / "flask"), "--app", "app"]
    settings = {"VOUCHLINE_INSTANCE": str(tmp_path), "VOUCHLINE_LANGUAGES": "en fr"}
    found = subprocess.run(
        [*flask, "languages", "check"],
        check=False,
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 1
    assert "fr         French (in use): not complete, 5 to fix:" in found.stdout
    assert "  ✗ fr/reply_words.txt is missing" in found.stdout


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("de", 0, "German (in use): ✓ complete"),
        ("DE-at", 1, "There is no folder languages/de_AT."),
        ("fr", 1, "fr         French: not complete, 5 to fix:"),
        ("sv", 1, "There is no folder languages/sv."),
        ("klingon", 2, '"klingon" is no language tag: write tags like en, de or pt-BR.'),
    ],
)
def test_one_folder_can_be_asked_for(check, code, status, said):
    found = check(code)
    assert found.exit_code == status
    assert said in found.output
