"""``python -m bench.drain``: how fast workers drain the outbox, compared with the provider's
limit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func
from sqlmodel import select

from bench import provider, stores
from messaging import outbox
from messaging.models import MessageState, OutboxMessage
from messaging.outbox import NewMessage
from tests import databases, factories

LATENCY_MS, HANDS = 50, 16
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print a table for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=3000)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--databases", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--paced", type=int, default=100, help="texts due each second")
    chosen = parser.parse_args()
    for kind in chosen.databases:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            place = stack.enter_context(stores.of(kind, folder))
            address = stack.enter_context(provider.running(LATENCY_MS))
            print(f"\n{place.version}: {chosen.texts} texts, {LATENCY_MS} ms each at the provider")
            print("| workers | texts/s | allowed by the provider |\n|---:|---:|---:|")
            for count in chosen.workers:
                name = f"drain{count}"
                rate = drained(place.new(name), folder / name, address, count, chosen.texts)
                print(f"| {count} | {rate:.0f} | {count * HANDS * 1000 // LATENCY_MS} |")
            share, worst = paced(place.new("paced"), folder / "paced", address, chosen.paced)
            print(f"{chosen.paced} due a second, one worker: {share:.2%} within 10 s,", end=" ")
            print(f"99 % within {worst} ms")


def drained(url: str, folder: Path, address: str, workers: int, texts: int) -> float:
    """Return texts per second, from the start of the first to the end of the last."""
    store, now = _filled(url), datetime.now(UTC)
    _put(store, [now] * texts)
    with _workers(url, folder, address, workers):
        _wait(store, texts)
    with store.unit() as session:
        first, last = session.exec(
            select(func.min(OutboxMessage.first_tried_at), func.max(OutboxMessage.settled_at))
        ).one()
    return texts / (last - first).total_seconds()


def paced(url: str, folder: Path, address: str, rate: int, seconds: int = 20) -> tuple[float, int]:
    """Return the share sent within 10 s of their time, and the 99th percentile of delays in ms."""
    store = _filled(url)
    with _workers(url, folder, address, 1):
        begin = datetime.now(UTC) + timedelta(seconds=4)
        due = [begin + timedelta(seconds=n / rate) for n in range(rate * seconds)]
        _put(store, due)
        _wait(store, len(due))
    with store.unit() as session:
        waited = sorted(session.exec(select(OutboxMessage.waited_ms)))
    return sum(ms <= 10_000 for ms in waited) / len(waited), waited[len(waited) * 99 // 100 - 1]


def _filled(url: str) -> databases.Store:
    databases.prepare(url)
    return databases.opened(url, wait_seconds=60)


def _put(store: databases.Store, due: list[datetime]) -> None:
    with store.unit() as session:
        who = factories.a_customer(session, due[0])
        until = due[-1] + timedelta(hours=1)
        for at in due:
            draft = NewMessage(who.id, "booked", factories.PHONE, "We ring you at ten.", at, until)
            outbox.queue_message(session, draft, at)


@contextmanager
def _workers(url: str, folder: Path, address: str, count: int) -> Iterator[None]:
    folder.mkdir()
    environment = {
        **os.environ,
        "VOUCHLINE_DATABASE_URL": url,
        "VOUCHLINE_INSTANCE": str(folder),
        "VOUCHLINE_MASTER_KEYS": databases.MASTER_KEYS,
        "VOUCHLINE_MESSAGING": "twilio",
        "VOUCHLINE_WORKER_CONCURRENCY": str(HANDS),
        "VOUCHLINE_TEXTS_PER_NUMBER": "1000000/hour",
        "VOUCHLINE_SPENDING_PER_HOUR": "0",
        "VOUCHLINE_SPENDING_PER_DAY": "0",
        "VOUCHLINE_LOG_LEVEL": "error",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_FROM_NUMBER": "+442079460123",
        "TWILIO_API_BASE": address,
    }
    command = [sys.executable, "-m", "flask", "--app", "app", "worker"]
    running = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def _wait(store: databases.Store, texts: int) -> None:
    late = time.monotonic() + 300
    sent = select(func.count()).where(OutboxMessage.state == MessageState.SENT)
    while time.monotonic() < late:
        with store.unit(read_only=True) as session:
            if session.exec(sent).one() >= texts:
                return
        time.sleep(0.25)
    raise RuntimeError("the outbox was not emptied")


if __name__ == "__main__":
    main()
