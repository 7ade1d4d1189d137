"""Every action that is written down has words in the log, and can be filtered by."""

from __future__ import annotations

import re
from pathlib import Path

from channels.console import audit_words
from messaging.models import MessageState

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("channels", "incidents", "verification", "scheduling", "people", "messaging", "vault")
#: ``audit.record(session, actor, "thing.verb", now`` and its like, on one line or several.
_RECORD = re.compile(
    r'(?:record|record_many|_write_down|tell)\([^"()]*(?:\([^()]*\)[^"()]*)*"([a-z_]+\.[a-z_]+)"'
)
_STEP = re.compile(r'\bstep\([^"]*?, "([a-z_]+)"')


def written() -> set[str]:
    """The actions that stand in the sources."""
    found = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            text = path.read_text()
            found.update(_RECORD.findall(text))
            found.update(f"case.{each}" for each in _STEP.findall(text))
    return found


def test_every_action_in_the_sources_has_words(app):
    found = written()
    assert len(found) > 80  # the pattern still finds them
    with app.test_request_context():
        assert {each for each in found if audit_words.action(each) == each} == set()


def test_what_becomes_of_a_text_has_words(app):
    with app.test_request_context():
        for state in (MessageState.SENT, MessageState.FAILED, MessageState.EXPIRED):
            assert audit_words.action(f"text.{state}") != f"text.{state}"


def test_every_action_is_in_one_group_at_the_most(app):
    with app.test_request_context():
        members = [action for _, _, actions in audit_words.groups() for action in actions]
    assert len(members) == len(set(members))
    assert len(members) > 60
