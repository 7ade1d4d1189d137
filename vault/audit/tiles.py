"""The stored hashes of the tree, in tiles of 256, so that a proof reads few rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session

from storage.upsert import insert_on_conflict
from vault.audit.merkle import HASH_BYTES, node_hash
from vault.audit.models import AuditTile

TILE_WIDTH, TILE_BITS = 256, 8
_TABLE = AuditTile.__table__  # type: ignore[attr-defined]


class Tiles:
    """Reads nodes (:data:`vault.audit.merkle.Node`), and appends leaves at the right edge."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """Return the hash of a complete node. Raises ``KeyError`` if it is not stored."""
        tile, below = divmod(level, TILE_BITS)
        first = index << below
        hashes = self._read_tile(tile, first // TILE_WIDTH)
        at = first % TILE_WIDTH
        part = [hashes[n * HASH_BYTES :][:HASH_BYTES] for n in range(at, at + (1 << below))]
        if not all(len(item) == HASH_BYTES for item in part):
            raise KeyError((level, index))
        return fold_node_hashes(part)

    def read_leaf_hashes(self, place: int) -> list[bytes]:
        """Return the hashes of the leaves of tile ``place``; as many as there are."""
        hashes = self._read_tile(0, place)
        return [hashes[n : n + HASH_BYTES] for n in range(0, len(hashes), HASH_BYTES)]

    def append_leaves(self, size: int, leaves: Sequence[bytes]) -> None:
        """Append leaves after the first ``size``."""
        level, begin, new = 0, size, list(leaves)
        while new:
            whole = self._append_to_level(level, begin, new)
            level, begin, new = level + 1, begin // TILE_WIDTH, whole

    def _append_to_level(self, level: int, begin: int, hashes: list[bytes]) -> list[bytes]:
        """Append hashes to a level from position ``begin`` on; return the nodes over the tiles that
        became full."""
        full, at = [], begin
        while hashes:
            place, inside = divmod(at, TILE_WIDTH)
            kept = self._read_tile(level, place) if inside else b""
            some, hashes = hashes[: TILE_WIDTH - inside], hashes[TILE_WIDTH - inside :]
            tile = kept[: inside * HASH_BYTES] + b"".join(some)
            self._write_tile(level, place, tile)
            at += len(some)
            if len(tile) == TILE_WIDTH * HASH_BYTES:
                full.append(
                    fold_node_hashes([tile[n : n + HASH_BYTES] for n in range(0, len(tile), 32)])
                )
        return full

    def _read_tile(self, level: int, place: int) -> bytes:
        found = self._read.get((level, place))
        if found is None:
            statement = select(_TABLE.c.hashes).where(
                _TABLE.c.level == level, _TABLE.c.place == place
            )
            found = self._session.connection().execute(statement).scalar() or b""
            if len(self._read) > 4 * TILE_WIDTH:
                self._read.clear()
            self._read[level, place] = found
        return found

    def _write_tile(self, level: int, place: int, hashes: bytes) -> None:
        self._read[level, place] = hashes
        row = {"level": level, "place": place, "hashes": hashes}
        statement = insert_on_conflict(self._session, _TABLE, row).on_conflict_do_update(
            index_elements=["level", "place"], set_={"hashes": hashes}
        )
        self._session.connection().execute(statement)


def fold_node_hashes(hashes: Sequence[bytes]) -> bytes:
    """Return the node over a power of two of hashes."""
    nodes = list(hashes)
    while len(nodes) > 1:
        pairs = zip(nodes[::2], nodes[1::2], strict=True)
        nodes = [node_hash(left, right) for left, right in pairs]
    return nodes[0]
