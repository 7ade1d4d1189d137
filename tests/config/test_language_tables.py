"""What belongs to a language is in its folder: no table in the code is by language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.languages.registry import list_language_folders

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = ("tests", "bench", "build", "instance", "node_modules")


def product_files() -> list[Path]:
    tops = [top for top in ROOT.iterdir() if top.name not in OUTSIDE and top.name[0] != "."]
    return sorted(
        path
        for top in tops
        for path in ([top] if top.is_file() else top.rglob("*"))
        if path.suffix == ".py"
    )


def names_language(node: ast.expr | None) -> bool:
    """Whether it is the code of a language, like ``"de"``, ``"pt_BR"`` or ``"pt-BR"``."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    return node.value.replace("-", "_").partition("_")[0] in list_language_folders()


def language_tables(source: str) -> Iterator[int]:
    """The lines where something depends on the language: a table of two languages or more, or a
    comparison with one."""
    for node in ast.walk(ast.parse(source)):
        if is_language_table(node):
            yield node.lineno


def is_language_table(node: ast.AST) -> bool:
    if isinstance(node, ast.Dict):
        return sum(map(names_language, node.keys)) > 1
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return sum(word.arg in list_language_folders() for word in node.keywords) > 1
    if isinstance(node, ast.List | ast.Tuple):
        return len(pairs_of(node)) > 1
    if isinstance(node, ast.MatchValue):
        return names_language(node.value)
    if isinstance(node, ast.Compare):
        return any(map(names_language, [node.left, *node.comparators]))
    return False


def pairs_of(node: ast.List | ast.Tuple) -> list[ast.expr]:
    """The pairs of a language and something in a list of pairs."""
    pairs = [each for each in node.elts if isinstance(each, ast.Tuple) and len(each.elts) > 1]
    return [pair for pair in pairs if names_language(pair.elts[0])]


def test_no_table_in_the_code_is_by_language():
    files = product_files()
    assert len(files) > 400
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in files
        for line in language_tables(path.read_text())
    ]
    assert found == [], "put it into languages/, one folder a language"


@pytest.mark.parametrize(
    "source",
    [
        'X = {"en": "a", "de": "b"}',
        'X = {"pt-BR": 1, "es_MX": 2, "other": 3}',
        'X = dict(en="a", es="b")',
        'X = (("de", "Montag"), ("es", "lunes"))',
        'def f(locale): return "long" if locale == "de" else "short"',
        "match locale:\n    case 'de': pass",
    ],
)
def test_the_search_finds(source):
    assert list(language_tables(source)) == [source.count("\n") + 1]


@pytest.mark.parametrize(
    "source", ['X = ("en", "de", "es")', 'X = {"en": 1}', 'X = {"a": "de", "b": "es"}', 'f("de")']
)
def test_the_search_passes(source):
    assert list(language_tables(source)) == []
