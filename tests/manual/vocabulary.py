"""``python -m tests.manual.vocabulary``: finds words that are out, in the docs and in the code.

Reads pages of Markdown (without code) and of each Python file what people read: docstrings,
comments, help and descriptions, names of log events, and the sentences of commands and settings.
``words.toml`` lists the words. Prints each finding, and exits with 1 if there is one.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.manual.python_prose import python_prose

ROOT = Path(__file__).resolve().parents[2]
WORDS = Path(__file__).with_name("words.toml")
#: What other people wrote, what is built, and what translators and customers' pages own.
SKIPPED = ("build", "instance", "node_modules", "translations", "templates", "static")
_FENCE = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
_INLINE_CODE = re.compile(r"`+[^`]*`+")
_LINK_TARGET = re.compile(r"(?<=\])\([^)\s]*\)|^\[\w+\]: .*$", re.MULTILINE)
#: Between two words of a phrase: also the end of a line, and what begins the next.
_GAP = r"\s+(?:[#*>]+\s+)?"
_SENTENCE_END = re.compile(r"[.:;!?](?=\s|$)|\n\s*\n|\n\s*[-*|#]")


@dataclass(frozen=True)
class OutWord:
    """A wording that is out: its pattern, a better wording, and the reason."""

    pattern: re.Pattern[str]
    better: str
    reason: str


@dataclass(frozen=True)
class Finding:
    """A word that is out, in its sentence."""

    path: str
    line: int
    found: str
    sentence: str
    word: OutWord

    def __str__(self) -> str:
        return (
            f"{self.path}:{self.line}: {self.sentence}\n"
            f"    “{self.found}”: better “{self.word.better}” ({self.word.reason})"
        )


def load_words(path: Path = WORDS) -> list[OutWord]:
    """Load the list. Raises ``KeyError`` if an entry lacks a part."""
    return [
        OutWord(
            re.compile(rf"\b(?:{entry['pattern'].replace(' ', _GAP)})\b", re.IGNORECASE),
            entry["better"],
            entry["reason"],
        )
        for entry in tomllib.loads(path.read_text())["word"]
    ]


def check_text(path: str, text: str, words: list[OutWord], first_line: int = 1) -> list[Finding]:
    """Return the findings in a text that begins at ``first_line`` of its file."""
    return [
        Finding(
            path,
            first_line + text.count("\n", 0, match.start()),
            " ".join(match[0].split()),
            sentence_around(text, match.start(), match.end()),
            word,
        )
        for word in words
        for match in word.pattern.finditer(text)
    ]


def sentence_around(text: str, begin: int, end: int) -> str:
    """Return the sentence that contains these characters, on one line."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    start = max((at for at in ends if at <= begin), default=0)
    stop = min((at for at in ends if at >= end), default=len(text))
    return " ".join(text[start:stop].split())


def markdown_prose(text: str) -> str:
    """Return a page with its code blanked, so that lines keep their numbers."""
    for pattern in (_FENCE, _INLINE_CODE, _LINK_TARGET):
        text = pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    return text


def check_file(path: Path, words: list[OutWord]) -> list[Finding]:
    """Return the findings in a page or a Python file, in the order of lines."""
    name, text = str(path.relative_to(ROOT)), path.read_text()
    if path.suffix == ".md":
        return check_text(name, markdown_prose(text), words)
    return [
        finding
        for line, prose in python_prose(
            text, sentences=name.startswith(("config/", "channels/cli/"))
        )
        for finding in check_text(name, _INLINE_CODE.sub("", prose), words, line)
    ]


def checked_files() -> Iterator[Path]:
    """Yield the pages and Python files of the project, this check and its list left out."""
    for top in sorted(ROOT.iterdir()):
        if top.name in SKIPPED or top.name.startswith("."):
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.suffix in (".md", ".py") and Path(__file__).parent not in path.parents:
                yield path


def main() -> None:
    """Print all findings on standard error."""
    words = load_words()
    findings = [finding for path in checked_files() for finding in check_file(path, words)]
    sys.exit("\n".join(map(str, findings)) or None)


if __name__ == "__main__":
    main()
