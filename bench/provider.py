"""A text provider that accepts each text after a fixed time, with unlimited concurrency."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

_CREATED = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


@contextmanager
def running(latency_ms: int) -> Iterator[str]:
    """Run the provider in a separate process; yield its address."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(latency_ms, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join(10)


def _main(latency_ms: int, tell: Connection) -> None:
    asyncio.run(_serve(latency_ms / 1000, tell))


async def _serve(latency: float, tell: Connection) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await _taken(reader):
            await asyncio.sleep(latency)
            shown = json.dumps({"sid": f"SM{os.urandom(16).hex()}", "status": "queued"}).encode()
            writer.write(_CREATED % (len(shown), shown))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1024)
    tell.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _taken(reader: asyncio.StreamReader) -> bool:
    """Read one request; return false at the end of the stream."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return False
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    await reader.readexactly(length)
    return True
