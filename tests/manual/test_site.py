"""The built manual: complete, and without anything from another site."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: What a browser fetches by itself; a link that a reader follows is not among it.
_LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")}


class Loaded(HTMLParser):
    """Collects the addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if (tag, name) in _LOADED]


def build(folder: Path, *, site: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("mkdocs")), "build", "--site-dir", str(site)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("manual")
    done = build(ROOT, site=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_of_docs_is_built_for_a_phone_too(site):
    pages = [path.relative_to(ROOT / "docs") for path in ROOT.glob("docs/**/*.md")]
    assert len(pages) > 25
    for page in pages:
        text = (site / page.with_suffix(".html")).read_text()
        assert 'name="viewport"' in text, page
        assert "```" not in text, f"{page}: a block of code that is indented is not rendered"


def test_nothing_comes_from_another_site(site):
    for page in site.rglob("*.html"):
        loaded = Loaded()
        loaded.feed(page.read_text())
        assert loaded.addresses
        assert [a for a in loaded.addresses if re.match(r"(https?:)?//", a)] == [], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", sheet.read_text()), sheet


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("[x](no-such-page.md)", "no-such-page.md"),
        ("[x](is-this-call-real.md#no-such-part)", "no-such-part"),
        ("[x](../../no_such_file.py)", "no_such_file.py"),
    ],
)
def test_a_broken_link_fails_the_build(tmp_path, link, complaint):
    for name in ("docs", "tests/manual"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("mkdocs.yml", "README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    page = tmp_path / "docs/advisers/own-pages.md"
    page.write_text(page.read_text() + f"\n{link}\n")
    done = build(tmp_path, site=tmp_path / "site")
    assert done.returncode != 0
    assert complaint in done.stderr
