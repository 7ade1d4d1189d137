"""Work in a process of its own that is killed, as by kill -9, after a chosen number of acts."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, event

from messaging.dispatch.worker import Worker
from messaging.providers.base import OutboundMessage, Rejected, Unavailable
from tests import databases

_FORK = multiprocessing.get_context("fork")


@dataclass
class Post:
    """A provider that keeps what any process gives it in a file, and can be asked.

    ``stumbles`` says how the next tries go wrong: ``Unavailable`` before it took the letter,
    ``Rejected`` for good, whatever else after it took it.
    """

    path: Path
    stumbles: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    act: Callable[[], None] = lambda: None
    name = "post"

    def send_message(self, letter: OutboundMessage, now: datetime) -> str:
        self.act()
        self.asked.append("send")
        problem = self.stumbles.pop(0) if self.stumbles else None
        if isinstance(problem, (Unavailable, Rejected)):
            raise problem
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(handle, f"{letter.reference}\n".encode())
        os.close(handle)
        self.act()
        if problem:
            raise problem
        return f"post-{letter.reference}"

    def find_message(self, letter: OutboundMessage) -> str | None:
        self.act()
        self.asked.append("find")
        return f"post-{letter.reference}" if str(letter.reference) in self.taken() else None

    def look_up_line_type(self, phone: str) -> str:
        self.asked.append("line_kind")
        return self.kinds.get(phone, "mobile")

    def taken(self) -> list[str]:
        """What it took, in order; a letter given twice stands there twice."""
        return self.path.read_text().split() if self.path.exists() else []


@dataclass(eq=False)
class Fuse:
    """Counts acts (statements, commits, calls of the provider) and kills the process at one."""

    left: int

    def __call__(self, *_: object) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def into(self, engine: Engine) -> None:
        """Before and after each statement, and before each commit."""
        for name in ("begin", "before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(engine, name, self)


def until_killed(url: str, acts: int, work: Callable[[databases.Store, Fuse], None]) -> bool:
    """Do ``work``, killed before the act after so many; whether it was killed."""
    child = _FORK.Process(target=_work, args=(url, acts, work), daemon=True)
    child.start()
    child.join(60)
    assert child.exitcode in (0, -signal.SIGKILL), child.exitcode
    return child.exitcode != 0


def _work(url: str, acts: int, work: Callable[[databases.Store, Fuse], None]) -> None:
    store, fuse = databases.opened(url), Fuse(acts)
    store.ring.load_all_keys()  # reads the keys, which is no act of the work's
    fuse.into(store.engine)
    work(store, fuse)


def worker_until_killed(url: str, path: Path, now: datetime, acts: int, rounds: int = 1) -> bool:
    """Rounds of a worker's, killed before the act after so many; whether it was killed."""

    def work(store: databases.Store, fuse: Fuse) -> None:
        worker = Worker(store.engine, store.ring, [Post(path, act=fuse)], lambda: now)
        for _ in range(rounds):
            worker.run_once()

    return until_killed(url, acts, work)
