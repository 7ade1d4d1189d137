"""Serves the floor with the product's own server configuration; only the application differs."""

from __future__ import annotations

from functools import partial
from typing import Any

from config import server
from config.settings import Settings


def main() -> None:
    """Serve ``bench.floor`` in place of ``app``."""
    real: Any = server.Granian
    server.Granian = partial(_with_floor, real)
    server.run_server(Settings(), "127.0.0.1")


def _with_floor(real: Any, _: str, **options: Any) -> Any:
    return real("bench.floor", **options)


if __name__ == "__main__":
    main()
