"""Real processes that act at the same moment, for races over one store."""

from __future__ import annotations

import gc
import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from typing import Any

_FORK = multiprocessing.get_context("fork")
_WAIT_SECONDS = 120


def at_once(
    acts: Sequence[Callable[[], Any]], prepare: Callable[[], None], wait: float = _WAIT_SECONDS
) -> list[Any]:
    """Run each act in a process of its own, all let go together; gives what each returned.

    ``prepare`` runs in each process first, to give up the connections it was born with. What an
    act returns must be plain values. An act has ``wait`` seconds. Raises ``AssertionError`` with
    the trace of one that failed.
    """
    gate = _FORK.Barrier(len(acts))
    pipes = [_FORK.Pipe(duplex=False) for _ in acts]
    children = [
        _FORK.Process(target=_act, args=(act, prepare, gate, out), daemon=True)
        for act, (_, out) in zip(acts, pipes, strict=True)
    ]
    gc.freeze()  # a child that collects what it was born with copies all of it first
    for child in children:
        child.start()
    gc.unfreeze()
    answers = [_answer(ours, wait) for ours, _ in pipes]
    for child in children:
        child.join(_WAIT_SECONDS)
    failed = [text for ok, text in answers if not ok]
    assert not failed, failed[0]
    return [value for _, value in answers]


def _act(act: Callable[[], Any], prepare: Callable[[], None], gate: Any, out: Any) -> None:
    try:
        prepare()
        gate.wait(_WAIT_SECONDS)
        out.send((True, act()))
    except BaseException:
        gate.abort()
        out.send((False, traceback.format_exc()))


def _answer(ours: Any, wait: float) -> tuple[bool, Any]:
    if not ours.poll(wait):
        return False, "a process did not answer"
    answer: tuple[bool, Any] = ours.recv()
    return answer
