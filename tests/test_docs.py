"""What the docs point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)")
_TEST = re.compile(r"`(?:tests/rules/)?(test_\w+\.py)`|`(tests/[\w/]+?/?)`|`(bench/[\w.-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    missing = [
        each for each in _LINK.findall(page.read_text()) if not (page.parent / each).exists()
    ]
    assert missing == []


def test_every_test_that_the_security_page_names_is_there():
    named = _TEST.findall((ROOT / "docs/security.md").read_text())
    assert len(named) > 40
    for rule, folder, other in named:
        found = ROOT / "tests/rules" / rule if rule else ROOT / (folder or other)
        assert found.exists(), found


def test_every_page_of_the_docs_is_in_the_readmes_list():
    listed = set(re.findall(r"docs/[\w-]+\.md", (ROOT / "README.md").read_text()))
    listed |= {f"docs/{name}" for page in PAGES for name in _LINK.findall(page.read_text())}
    assert {str(page.relative_to(ROOT)) for page in ROOT.glob("docs/*.md")} <= listed
