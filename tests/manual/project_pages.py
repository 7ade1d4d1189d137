"""A hook of MkDocs: adds files outside ``docs/`` that pages link to, and points the links there.

A page of the project (``SECURITY.md``) becomes the page ``project/SECURITY.md`` of the manual, any
other file a text file. A link to a missing file is left as it is, and MkDocs reports it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
DOCS, PROJECT = "docs/", "project/"
#: Pages of the project that are in the manual although no page needs to link to them.
ALWAYS = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
_LINK = re.compile(r"(?P<before>\]\(|^\[\w+\]: )(?P<target>[^)\s#]+)", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z]+:|/")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of the project that pages link to, and those that these link to."""
    waiting = [*ALWAYS, *(DOCS + file.src_uri for file in files.documentation_pages())]
    seen = set()
    while waiting:
        path = waiting.pop()
        if path in seen or not (ROOT / path).is_file():
            continue
        seen.add(path)
        if not path.startswith(DOCS):
            files.append(File.generated(config, site_path(path), abs_src_path=str(ROOT / path)))
        if path.endswith(".md"):
            waiting += linked_paths(path, (ROOT / path).read_text())
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the page with its links as the manual has them."""
    here = repository_path(page.file.src_uri)

    def point(match: re.Match[str]) -> str:
        target = match["target"]
        if _ELSEWHERE.match(target):
            return match[0]
        there = site_path(resolve(here, target))
        relative = posixpath.relpath(there, posixpath.dirname(page.file.src_uri) or ".")
        return match["before"] + relative

    return _LINK.sub(point, markdown)


def linked_paths(path: str, text: str) -> Iterator[str]:
    """Yield the paths of the files that a page links to, from the project's root."""
    for match in _LINK.finditer(text):
        if not _ELSEWHERE.match(match["target"]):
            yield resolve(path, match["target"])


def resolve(path: str, target: str) -> str:
    """Return the path of a link's target from the project's root."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def site_path(path: str) -> str:
    """Return where the manual has a file of the project."""
    if path.startswith(DOCS):
        return path.removeprefix(DOCS)
    return PROJECT + path + ("" if path.endswith(".md") else ".txt")


def repository_path(src_uri: str) -> str:
    """Return where the project has a page of the manual."""
    return (
        src_uri.removeprefix(PROJECT)
        if src_uri.startswith(PROJECT)
        else posixpath.join(DOCS, src_uri)
    )
