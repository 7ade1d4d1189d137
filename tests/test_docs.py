"""What the docs point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*/*.md")])
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)")
_TEST = re.compile(
    r"`(?:tests/security_rules/(?:\w+/)?)?(test_\w+\.py)`|`(tests/[\w/]+?/?)`|`(bench/[\w.-]+)`"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    missing = [
        match_ for match_ in _LINK.findall(page.read_text()) if not (page.parent / match_).exists()
    ]
    assert missing == []


def test_every_test_that_the_security_page_names_is_there():
    named = _TEST.findall((ROOT / "docs/developers/security.md").read_text())
    assert len(named) > 40
    for rule, folder, other in named:
        if rule:
            assert len(list(ROOT.glob(f"tests/security_rules/*/{rule}"))) == 1, rule
        else:
            assert (ROOT / (folder or other)).exists(), folder or other


ADVERSARIES = (
    *("a stranger", "a customer", "a scammer with a stolen list", "an agent", "a supervisor"),
    *("an investigator", "one approver", "the provider", "who reads the database"),
    *("who writes to the database", "who runs the server"),
)
_CELL = re.compile(r"held (\[\w+\](, \[\w+\])*)(: .+)?|not promised: .+")


def promises() -> list[tuple[list[str], list[list[str]]]]:
    """The tables of adversaries by promises: the columns, and the rows with their names."""
    page = (ROOT / "docs/developers/security.md").read_text()
    tables = re.findall(r"^\| who \|(.+)\|\n\|[-|]+\n((?:\| \*\*.+\n)+)", page, re.M)
    return [
        (
            [part.strip() for part in head.split("|")],
            [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()],
        )
        for head, rows in tables
    ]


def test_each_promise_is_answered_for_each_adversary():
    named = []
    for columns, rows in promises():
        named += [column.partition(" ")[0] for column in columns]
        assert [row[0].strip("*") for row in rows] == list(ADVERSARIES)
        for row in rows:
            assert len(row) == len(columns) + 1
            assert [cell for cell in row[1:] if not _CELL.fullmatch(cell)] == []
    wanted = [*(f"C{n}" for n in range(1, 8)), *(f"I{n}" for n in range(1, 8))]
    assert named == [*wanted, *(f"M{n}" for n in range(1, 7)), "N1", "T1", "F1"]


def test_each_test_that_holds_a_promise_is_there():
    page = (ROOT / "docs/developers/security.md").read_text()
    known = dict(
        re.findall(r"^\[(\w+)\]: \.\./\.\./(tests/security_rules/\w+/\w+\.py)$", page, re.M)
    )
    used = {
        name
        for _, rows in promises()
        for row in rows
        for name in re.findall(r"\[(\w+)\](?!\()", " ".join(row))
    }
    assert used == set(known)
    assert [path for path in known.values() if not (ROOT / path).exists()] == []
