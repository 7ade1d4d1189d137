"""``python -m bench.house``: figures on the layout and naming of the code.

Counts the product's own modules (no tests, no benchmarks, no migrations). Exits with 1 if a
figure misses its target, so that regressions are seen.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median, quantiles

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = ("build", "instance", "node_modules")
OUTSIDE = ("tests/", "bench/", "storage/migrations/")
#: Words of a private language that documentation elsewhere does not use.
OUT_WORDS = re.compile(r"\b(whoever|whom|anew)\b", re.IGNORECASE)
_TEXTS = (".py", ".md", ".html", ".txt")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Figure:
    """One line of the table: ``target`` describes the target, ``met`` tells whether it is met."""

    name: str
    value: str
    target: str = ""
    met: bool = True


def source_files() -> list[str]:
    """Return the paths of all files of the project, without what is built or installed."""
    return [
        str(path.relative_to(ROOT))
        for top in sorted(ROOT.iterdir())
        if top.name not in NOT_OURS and not top.name.startswith(".")
        for path in ([top] if top.is_file() else sorted(top.rglob("*")))
        if path.is_file() and "__pycache__" not in path.parts
    ]


def product_modules(paths: Sequence[str]) -> dict[str, ast.Module]:
    """Return the product's parsed modules by path."""
    return {
        path: ast.parse((ROOT / path).read_text())
        for path in paths
        if path.endswith(".py") and not path.startswith(OUTSIDE)
    }


def functions_of(modules: dict[str, ast.Module]) -> list[_Function]:
    """Return all functions and methods except dunder methods."""
    return [
        node
        for module in modules.values()
        for node in ast.walk(module)
        if isinstance(node, _Function) and not node.name.startswith("__")
    ]


def measure_names(functions: Sequence[_Function]) -> Iterator[Figure]:
    """Yield figures on function names."""
    names = [function.name for function in functions]
    public = [name for name in names if not name.startswith("_")]
    one_word = sum("_" not in name for name in public) / len(public)
    times = Counter(names)
    unique = sum(times[name] == 1 for name in names) / len(names)
    yield Figure("public functions named by one word", f"{one_word:.0%}", "< 25 %", one_word < 0.25)
    yield Figure("function names that are unique", f"{unique:.0%}", "> 75 %", unique > 0.75)
    yield Figure("length of a function's name, mean", f"{mean(map(len, names)):.1f}")


def measure_sizes(
    modules: dict[str, ast.Module], functions: Sequence[_Function]
) -> Iterator[Figure]:
    """Yield figures on the lengths of files and functions."""
    files = [len((ROOT / path).read_text().splitlines()) for path in modules]
    lengths = [(node.end_lineno or node.lineno) - node.lineno + 1 for node in functions]
    for what, lines in (("file", files), ("function", lengths)):
        ninth = quantiles(lines, n=10)[8]
        spread = f"{median(lines):.0f} / {ninth:.0f} / {max(lines)}"
        yield Figure(f"lines a {what}, median / 90 % / longest", spread)
    documented = sum(ast.get_docstring(node) is not None for node in functions) / len(functions)
    yield Figure("functions with a docstring", f"{documented:.0%}")


def measure_tree(paths: Sequence[str], modules: dict[str, ast.Module]) -> Iterator[Figure]:
    """Yield figures on folders and module names."""
    stems = [Path(path).stem for path in modules]
    ing = sum(stem.endswith("ing") for stem in stems) / len(stems)
    folders = Counter(
        str(Path(path).parent)
        for path in paths
        if path.endswith(".py") and not path.startswith("storage/migrations/")
    )
    folder, most = folders.most_common(1)[0]
    yield Figure("modules named by an -ing form", f"{ing:.1%}", "< 3 %", ing < 0.03)
    yield Figure(f"files in one folder, most ({folder})", str(most), "<= 25", most <= 25)
    arrows = top_imports(modules)
    circles = sum((upper, lower) in arrows for lower, upper in arrows) // 2
    yield Figure("pairs of top packages that import each other", str(circles), "0", circles == 0)


def top_imports(modules: dict[str, ast.Module]) -> set[tuple[str, str]]:
    """Return pairs of top packages of which the first imports from the second."""
    tops = {path.partition("/")[0] for path in modules if "/" in path}
    pairs = set()
    for path, module in modules.items():
        for node in ast.walk(module):
            if isinstance(node, ast.ImportFrom) and node.module:
                top = node.module.partition(".")[0]
                if top in tops and "/" in path and top != path.partition("/")[0]:
                    pairs.add((path.partition("/")[0], top))
    return pairs


def measure_words(paths: Sequence[str]) -> Iterator[Figure]:
    """Count unwanted words in code, docs and pages."""
    here = Path(__file__).name
    count = sum(
        len(OUT_WORDS.findall((ROOT / path).read_text()))
        for path in paths
        if path.endswith(_TEXTS) and not path.endswith(here)
    )
    yield Figure("whoever, whom, anew", str(count), "0", count == 0)


def main() -> None:
    """Print the table."""
    paths = source_files()
    modules = product_modules(paths)
    functions = functions_of(modules)
    figures = [
        *measure_sizes(modules, functions),
        *measure_names(functions),
        *measure_tree(paths, modules),
        *measure_words(paths),
    ]
    print(f"{len(modules)} modules, {len(functions)} functions\n")
    print("| | measured | target |\n|---|---|---|")
    for figure in figures:
        missed = "" if figure.met else " (missed)"
        print(f"| {figure.name} | {figure.value} | {figure.target}{missed} |")
    sys.exit(not all(figure.met for figure in figures))


if __name__ == "__main__":
    main()
