"""The Merkle tree of RFC 9162, section 2.1: hashes, roots and proofs, from the hashes of its nodes.

A node is named by level and index: level 0 holds the leaves, and node ``(level, index)`` covers the
``2**level`` leaves from ``index * 2**level`` on. ``Node`` returns the hash of a complete one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from hashlib import sha256

HASH_BYTES = 32
NodeHash = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry (2.1.1), prefixed as a leaf, so that no node can pass for
    one."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two nodes (2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """An append-only tree: the complete nodes at its right edge, one per set bit of its size."""

    def __init__(self) -> None:
        self.size = 0
        self._whole: list[bytes] = []

    def append_leaf(self, leaf: bytes) -> None:
        """Append a leaf by its hash."""
        found, bits = leaf, self.size
        while bits & 1:
            found, bits = node_hash(self._whole.pop(), found), bits >> 1
        self._whole.append(found)
        self.size += 1

    @property
    def root(self) -> bytes:
        """Return the hash of the whole tree."""
        return _hash_peaks(self._whole)


def _hash_peaks(whole: Sequence[bytes]) -> bytes:
    if not whole:
        return sha256().digest()
    return reduce(lambda right, left: node_hash(left, right), reversed(whole))


def compute_root(node: NodeHash, size: int) -> bytes:
    """Return the root of a tree of this many leaves."""
    return hash_leaf_span(node, 0, size) if size else sha256().digest()


def hash_leaf_span(node: NodeHash, begin: int, end: int) -> bytes:
    """Return the hash of the leaves from ``begin`` up to ``end``, exclusive, a subtree in the RFC's
    split: ``begin`` is a multiple of the least power of two that holds them."""
    whole, at = [], begin
    for level in reversed(range((end - begin).bit_length())):
        if (end - begin) >> level & 1:
            whole.append(node(level, at >> level))
            at += 1 << level
    return _hash_peaks(whole)


def _largest_power_below(size: int) -> int:
    """Return the largest power of two that is smaller."""
    return 1 << (size - 1).bit_length() - 1


def build_inclusion_proof(node: NodeHash, index: int, size: int) -> list[bytes]:
    """Return the path from leaf ``index`` to the root of a tree of ``size`` leaves (2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    path, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _largest_power_below(end - begin)
        if index < middle:
            path.append(hash_leaf_span(node, middle, end))
            end = middle
        else:
            path.append(hash_leaf_span(node, begin, middle))
            begin = middle
    return path[::-1]


def build_consistency_proof(node: NodeHash, old: int, size: int) -> list[bytes]:
    """Return the proof that the tree of ``old`` leaves is a prefix of the tree of ``size`` leaves
    (2.1.4.1)."""
    if not 0 < old <= size:
        raise ValueError(f"a tree of {size} does not begin with one of {old}")
    proof, begin, end, at_left = [], 0, size, True
    while old != end:
        middle = begin + _largest_power_below(end - begin)
        if old <= middle:
            proof.append(hash_leaf_span(node, middle, end))
            end = middle
        else:
            proof.append(hash_leaf_span(node, begin, middle))
            begin, at_left = middle, False
    if not at_left:
        proof.append(hash_leaf_span(node, begin, end))
    return proof[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Return whether a path leads from the leaf's hash to the root (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    here, last, digest = index, size - 1, leaf
    for item in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            digest = node_hash(item, digest)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            digest = node_hash(digest, item)
        here, last = here >> 1, last >> 1
    return last == 0 and digest == root


def verify_consistency(
    old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether a proof shows that the older tree is a prefix of the newer one (2.1.4.2)."""
    if not 0 < old <= size:
        return False
    if old == size:
        return not proof and old_root == root
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    here, last = old - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    first = second = path[0]
    for item in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            first, second = node_hash(item, first), node_hash(item, second)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            second = node_hash(second, item)
        here, last = here >> 1, last >> 1
    return last == 0 and first == old_root and second == root
