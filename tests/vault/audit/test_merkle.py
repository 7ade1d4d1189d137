"""The tree against the definitions of RFC 9162, written naively, and against known roots."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.audit import merkle

#: The inputs and roots that the certificate transparency projects test their trees with.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
INPUTS += ["606162636465666768696a6b6c6d6e6f"]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def slow_root(leaves: list[bytes]) -> bytes:
    """MTH of section 2.1.1."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + slow_root(leaves[:k]) + slow_root(leaves[k:])).digest()


def leaves_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(n.to_bytes(4, "big")) for n in range(size)]


def node_of(leaves: list[bytes]) -> merkle.NodeHash:
    def node(level: int, index: int) -> bytes:
        part = leaves[index << level : (index + 1) << level]
        assert len(part) == 1 << level, "only whole nodes have a hash"
        return slow_root(part)

    return node


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_known_roots(size, root):
    leaves = [merkle.leaf_hash(bytes.fromhex(item)) for item in INPUTS[:size]]
    frontier = merkle.Frontier()
    for leaf in leaves:
        frontier.append_leaf(leaf)
    assert frontier.root.hex() == merkle.compute_root(node_of(leaves), size).hex() == root


@pytest.mark.parametrize("size", [*range(1, 70), 127, 128, 129, 255, 256, 257])
def test_roots_are_those_of_the_definition(size):
    leaves = leaves_of(size)
    frontier = merkle.Frontier()
    for leaf in leaves:
        frontier.append_leaf(leaf)
    assert frontier.root == merkle.compute_root(node_of(leaves), size) == slow_root(leaves)


@given(st.integers(1, 200), st.data())
def test_each_leaf_is_shown_to_be_in_and_at_no_other_place(size, data):
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    path = merkle.build_inclusion_proof(node_of(leaves), index, size)
    root = slow_root(leaves)
    assert merkle.verify_inclusion(leaves[index], index, size, path, root)
    other = data.draw(st.integers(-1, size + 1))
    assert merkle.verify_inclusion(leaves[index], other, size, path, root) == (other == index)
    assert not merkle.verify_inclusion(
        leaves[index - 1] if size > 1 else b"x", index, size, path, root
    )
    assert not merkle.verify_inclusion(leaves[index], index, size, [*path, root], root)
    assert not (path and merkle.verify_inclusion(leaves[index], index, size, path[:-1], root))


@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_growth_is_shown_and_nothing_else_is(one, other, data):
    old, size = sorted((one, other))
    leaves = leaves_of(size)
    proof = merkle.build_consistency_proof(node_of(leaves), old, size)
    roots = slow_root(leaves[:old]), slow_root(leaves)
    assert merkle.verify_consistency(old, roots[0], size, roots[1], proof)
    at = data.draw(st.integers(0, old - 1))
    changed = [*leaves[:at], merkle.leaf_hash(b"another"), *leaves[at + 1 :]]
    assert not merkle.verify_consistency(old, slow_root(changed[:old]), size, roots[1], proof)
    rewritten = merkle.build_consistency_proof(node_of(changed), old, size)
    assert not merkle.verify_consistency(old, roots[0], size, slow_root(changed), rewritten)
    if proof:
        assert not merkle.verify_consistency(old, roots[0], size, roots[1], proof[:-1])
        assert not merkle.verify_consistency(old, roots[0], size, roots[1], [*proof, proof[0]])


def test_there_is_no_proof_of_what_is_not_there():
    node = node_of(leaves_of(5))
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ValueError, match="no leaf"):
            merkle.build_inclusion_proof(node, index, size)
    for old, size in ((0, 5), (6, 5)):
        with pytest.raises(ValueError, match="does not begin"):
            merkle.build_consistency_proof(node, old, size)
        assert not merkle.verify_consistency(old, b"", size, b"", [])


def test_a_node_never_passes_for_a_leaf():
    """CVE-2012-2459 and its kin: the same leaves doubled have another root."""
    three, four = leaves_of(3), [*leaves_of(3), leaves_of(3)[-1]]
    assert slow_root(three) != slow_root(four)
    left, right = leaves_of(2)
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)
