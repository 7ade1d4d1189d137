"""The check of words: finds them where people read, and says what is better."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.manual.python_prose import python_prose
from tests.manual.vocabulary import WORDS, check_text, load_words, markdown_prose

ROOT = Path(__file__).resolve().parents[2]
WORDS_OUT = load_words()


def found(text: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.found) for finding in check_text("a.md", text, WORDS_OUT)]


@pytest.mark.parametrize(
    ("text", "line", "phrase"),
    [
        ("A text waits for decent hours.", 1, "decent hours"),
        ("First line.\nIt takes\ntwo people.", 2, "It takes two"),
        ("> What anybody can set\n> off is limited.", 1, "set > off"),
        ("The call is\n# called off", 2, "called off"),
        ("Nothing is done, and it comes to nothing.", 1, "comes to nothing"),
    ],
)
def test_a_phrase_is_found_across_the_end_of_a_line(text, line, phrase):
    assert (line, phrase) in found(text)


@pytest.mark.parametrize("text", ["indecently", "It takes a minute.", "purser", "set offices up"])
def test_whole_words_count(text):
    assert found(text) == []


def test_code_in_a_page_is_not_read_and_lines_keep_their_numbers():
    page = "A\n\n```\nset off\n```\n\n`decent_hours`, `set off`, [x](set-off.md)\n\nset off\n"
    assert found(markdown_prose(page)) == [(9, "set off")]


SOURCE = '''"""Mended."""
import click
# a comment that is
# called off
x = "a sentence that is mended"  # set off

@click.option("--x", help="mend it: a purse")
def f():
    """Purse."""
    log.error("no purse left", key="a purse of its own")
    click.echo(f"{x} is mended by turns")
'''


def test_what_people_read_of_a_python_file():
    read = dict(python_prose(SOURCE, sentences=False))
    assert set(read) == {1, 3, 5, 7, 9, 10}
    assert read[5] == "# set off"
    assert read[3] == "# a comment that is\n# called off"
    assert read[10] == "no purse left"
    sentences = [text for _, text in python_prose(SOURCE, sentences=True)]
    assert "a sentence that is mended" in sentences
    assert " is mended by turns" in sentences


def test_a_finding_has_file_line_sentence_and_the_better_word():
    (finding,) = check_text("docs/a.md", "Fine. It waits for decent hours. Fine.", WORDS_OUT)
    assert str(finding).startswith("docs/a.md:1: It waits for decent hours.\n")
    assert "calling hours" in str(finding)


def test_each_entry_has_all_its_parts():
    entries = tomllib.loads(WORDS.read_text())["word"]
    assert len(entries) > 30
    assert all(entry.keys() == {"pattern", "better", "reason"} for entry in entries)
    assert all(all(entry.values()) for entry in entries)


def test_docs_and_code_are_clean():
    command = [sys.executable, "-m", "tests.manual.vocabulary"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
