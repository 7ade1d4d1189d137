"""What people read of a Python file: docstrings, comments, help, log events, sentences."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator

_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_READ_ARGUMENTS = ("help", "short_help", "description", "summary", "epilog")
_LOG_METHODS = ("debug", "info", "warning", "error", "exception", "critical")


def python_prose(source: str, *, sentences: bool) -> Iterator[tuple[int, str]]:
    """Yield each text with the line that it begins at.

    ``sentences`` includes every string of several words, for files whose strings people read.
    """
    yield from _comments(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _Documented):
            yield from _docstring(node)
        elif isinstance(node, ast.Call):
            yield from _read_strings(node)
        elif sentences and isinstance(node, ast.Constant):
            yield from _strings(node)


def _docstring(node: _Documented) -> Iterator[tuple[int, str]]:
    text = ast.get_docstring(node, clean=False)
    if text:
        yield node.body[0].lineno, text


def _read_strings(call: ast.Call) -> Iterator[tuple[int, str]]:
    """Yield the help and descriptions among a call's arguments, and the event of a log call."""
    for argument in call.keywords:
        if argument.arg in _READ_ARGUMENTS:
            yield from _strings(argument.value)
    if isinstance(call.func, ast.Attribute) and call.func.attr in _LOG_METHODS and call.args:
        yield from _strings(call.args[0])


def _strings(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
        yield node.lineno, node.value


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield comments; whole lines that follow each other are one text."""
    begin, lines = 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        whole_line = token.line.lstrip().startswith("#")
        if lines and (token.start[0] != begin + len(lines) or not whole_line):
            yield begin, "\n".join(lines)
            lines = []
        if not lines:
            begin = token.start[0]
        lines.append(token.string)
    if lines:
        yield begin, "\n".join(lines)
