"""Domain errors are codes below channels, and each code has a sentence in channels/error_texts.

The rules read the sources, so that they also hold for errors that no test raises.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from channels import error_texts
from channels.error_codes import ChannelErrorCode
from config.domain_errors import ErrorCode
from incidents.error_codes import IncidentErrorCode
from people.error_codes import PeopleErrorCode
from procedures.error_codes import ProcedureErrorCode
from scheduling.error_codes import SchedulingErrorCode
from vault.error_codes import VaultErrorCode
from verification.error_codes import VerificationErrorCode

ROOT = Path(__file__).resolve().parent.parent
BELOW_CHANNELS = (
    "storage",
    "vault",
    "messaging",
    "people",
    "scheduling",
    "verification",
    "incidents",
    "procedures",
)
ENUMERATIONS: tuple[type[ErrorCode], ...] = (
    PeopleErrorCode,
    SchedulingErrorCode,
    VerificationErrorCode,
    IncidentErrorCode,
    ProcedureErrorCode,
    VaultErrorCode,
    ChannelErrorCode,
)
CODES = [code for enumeration in ENUMERATIONS for code in enumeration]

#: Errors whose text only the people who run the server read, in a terminal or a log, in English:
#: keys and rows that somebody changed, a log that was cut, a destination that cannot be reached, a
#: driver's error.
OPERATORS_ERRORS = {
    "DestinationUnreachable",
    "KeyForged",
    "KeyUnavailable",
    "LogTampered",
    "OperationalError",
    "PoolTimeout",
    "Tampered",
    "LogFault",
}
#: Errors that only a wrong call in our own code causes, or a setting that config refuses first.
PROGRAMMERS_ERRORS = {
    ("incidents/reports/followup_questions.py", "ValueError"),
    ("messaging/sending_limits.py", "ValueError"),
    ("storage/column_types.py", "ValueError"),
    ("storage/compiled_statements.py", "NoResultFound"),
    ("storage/engine.py", "ValueError"),
    ("storage/migrate.py", "ValueError"),  # the operator's command
    ("vault/audit/merkle.py", "ValueError"),
    ("vault/destinations.py", "ValueError"),
}


@dataclass(frozen=True)
class Use:
    """A use of a code in the sources: where, and the names of the values given beside it."""

    code: str
    place: str
    parameters: frozenset[str]


@cache
def parsed(folder: str) -> list[tuple[str, ast.Module]]:
    """The modules of a package with their paths."""
    files = sorted((ROOT / folder).rglob("*.py"))
    return [(str(file.relative_to(ROOT)), ast.parse(file.read_text())) for file in files]


def sentences_raised(module: ast.Module) -> Iterator[tuple[str, int, str]]:
    """Yield the exception, the line and the text of each sentence that a module raises."""
    constants = module_constants(module)
    for node in ast.walk(module):
        if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
            continue
        call = node.exc
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            if text := find_sentence(argument, constants):
                yield name, node.lineno, text


def module_constants(module: ast.Module) -> dict[str, ast.expr]:
    """The values of a module's constants by name."""
    found: dict[str, ast.expr] = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
    return found


def find_sentence(expression: ast.expr, constants: dict[str, ast.expr]) -> str:
    """Return a text of several words within an expression, or in a constant that it names."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if " " in node.value.strip():
                return node.value
        elif isinstance(node, ast.JoinedStr) and " " in ast.unparse(node):
            return ast.unparse(node)
        elif isinstance(node, ast.Name) and node.id in constants:
            others = {name: value for name, value in constants.items() if name != node.id}
            if text := find_sentence(constants[node.id], others):
                return text
    return ""


def is_exempt(path: str, name: str) -> bool:
    return name in OPERATORS_ERRORS or (path, name) in PROGRAMMERS_ERRORS


@pytest.mark.parametrize("folder", BELOW_CHANNELS)
def test_no_sentence_is_raised_below_channels(folder):
    raised = [
        f"{path}:{line}: {text}"
        for path, module in parsed(folder)
        for name, line, text in sentences_raised(module)
        if not is_exempt(path, name)
    ]
    assert raised == []


def test_every_exemption_is_needed():
    raised = {
        (path, name)
        for folder in BELOW_CHANNELS
        for path, module in parsed(folder)
        for name, _, _ in sentences_raised(module)
    }
    assert raised >= PROGRAMMERS_ERRORS
    assert {name for _, name in raised} >= OPERATORS_ERRORS


@pytest.mark.parametrize(
    "source",
    [
        'raise NotFound("There is no such case.")',
        'raise NotFound(f"There is no {case}.")',
        'SAID = "There is no such case."\nraise NotFound(SAID)',
        'SAID = {1: "Nobody has it."}\nraise NotFound(SAID[state])',
        'raise NotFound(Code.GONE, problem="It is gone.")',
    ],
)
def test_the_rule_finds_a_sentence_in_each_form(source):
    assert [name for name, _, _ in sentences_raised(ast.parse(source))] == ["NotFound"]


def test_codes_are_unique_and_are_their_names():
    assert len({str(code) for code in CODES}) == len(CODES)
    assert [code for code in CODES if code != code.name.lower()] == []
    assert all(re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", code) for code in CODES)


def test_every_code_has_a_sentence_and_no_sentence_is_without_a_code():
    assert set(error_texts.SENTENCES) == set(CODES)


@cache
def code_uses() -> list[Use]:
    """Each use of a code outside the enumerations and the tables of sentences."""
    found = []
    names = {enumeration.__name__ for enumeration in ENUMERATIONS}
    for folder in (*BELOW_CHANNELS, "channels"):
        for path, module in parsed(folder):
            if not path.startswith("channels/error_texts/"):
                found += list(_uses_in(path, module, names))
    return found


def _uses_in(path: str, module: ast.Module, names: set[str]) -> Iterator[Use]:
    given: dict[ast.expr, frozenset[str]] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            keywords = frozenset(str(keyword.arg) for keyword in node.keywords)
            given.update(dict.fromkeys(node.args, keywords))
    for node in ast.walk(module):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in names
        ):
            place = f"{path}:{node.lineno}"
            yield Use(node.attr.lower(), place, given.get(node, frozenset()))


def test_every_code_is_used():
    assert {str(code) for code in CODES} - {use.code for use in code_uses()} == set()


def test_the_parameters_of_each_sentence_are_those_that_are_given_with_its_code():
    wanted = {
        str(code): frozenset(re.findall(r"%\((\w+)\)s", sentence))
        for code, sentence in error_texts.SENTENCES.items()
    }
    wrong = [
        f"{use.place}: {use.code} is given {sorted(use.parameters)}, not {sorted(wanted[use.code])}"
        for use in code_uses()
        if use.parameters != wanted[use.code]
    ]
    assert wrong == []


def test_a_sentence_has_no_sign_of_its_own_that_is_read_as_a_placeholder():
    for code, sentence in error_texts.SENTENCES.items():
        assert "%" not in re.sub(r"%\(\w+\)s", "", sentence), code
