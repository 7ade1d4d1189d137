"""Logs: one JSON object a line, and no run of digits that could be a number or a code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.logging_setup import scrub_digits
from storage.column_types import new_id

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import logging, structlog
from config.logging_setup import set_up_logging
set_up_logging({level!r})
log = structlog.get_logger("t")
log.debug("fine")
log.info("text", to="+44 7400 123456", id="{id}")
try:
    raise ValueError("no customer 07400123456")
except ValueError:
    log.exception("failed")
logging.getLogger("library").warning("code 482915 for %s", "+447400123456")
logging.getLogger("library").info("quiet")
"""


def scrubbed(text: str) -> str:
    return str(scrub_digits(None, "info", {"x": text})["x"])


@pytest.mark.parametrize(
    "text",
    [
        "482915",
        "code 482 915.",
        "482-915",
        "4829 1576",
        "+447400123456",
        "00447400123456",
        "07400 123456",
        "(07400) 123456",
        "to=+44 7400-123-456,",
        "'07400123456'",
        "tel:+447400123456",
        "a 1234567890123456 b",
    ],
)
def test_what_could_be_a_number_or_a_code_is_blanked(text):
    assert "[digits]" in scrubbed(text)
    assert not any(part in scrubbed(text) for part in ("482", "7400", "3456", "1576", "915"))


def test_ids_times_and_counts_are_left():
    row = str(new_id())
    for text in (row, "12345", "took 31 ms", "port 5000", "booked", "RFC 4226"):
        assert scrubbed(text) == text
    line = {"timestamp": "2026-11-24T10:02:30.123456Z", "count": 1234567, "at": None}
    assert scrub_digits(None, "info", dict(line)) == line


@settings(max_examples=300, deadline=None)
@given(st.integers(10**5, 10**12), st.sampled_from(["", " ", ".", ",", "'", "(", "=", ":", "\n"]))
def test_no_long_number_between_marks_gets_through(number, mark):
    assert str(number) not in scrubbed(f"x {mark}{number}{mark} y")


@pytest.mark.parametrize("level", ["debug", "info", "error"])
def test_a_process_writes_json_alone_and_at_its_level(level):
    row = str(new_id())
    program = PROGRAM.format(level=level, id=row)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    events = [line["event"] for line in lines]
    said = {"debug": ["fine", "text"], "info": ["text"], "error": []}[level]
    warned = ["code [digits] for [digits]"] if level != "error" else []
    assert events == [*said, "failed", *warned]
    assert {"level", "timestamp"} <= set(lines[0])
    assert "ValueError" in next(line for line in lines if line["event"] == "failed")["exception"]
    # The clock and the row's own number may hold any digits.
    told = "".join(str(line | {"timestamp": ""}) for line in lines).replace(row, "")
    for secret in ("7400", "482915"):
        assert secret not in told
    assert (row in done.stderr) == (level != "error")
