"""Signed notes and checkpoints, as C2SP specifies them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault.audit.signed_notes import (
    Checkpoint,
    InvalidNote,
    NoteSigner,
    open_checkpoint,
    parse_verifier_key,
)

#: The key and note of the signed-note specification's own package (Go's x/mod/sumdb/note).
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
SIGNER = NoteSigner("bank.example/audit", bytes(range(32)))
POINT = Checkpoint("bank.example/audit", 42, sha256(b"root").digest())


def test_a_note_of_the_specification_is_read():
    key = parse_verifier_key(PETER_KEY)
    assert str(key) == PETER_KEY
    signed = b64decode(PETER_SIGNATURE)
    assert signed[:4] == key.key_id
    assert key.verify_signature(PETER_TEXT, signed[4:])
    assert not key.verify_signature(PETER_TEXT.replace("think", "know"), signed[4:])


def test_a_checkpoint_is_written_as_the_specification_says():
    note = SIGNER.sign_note(str(POINT))
    lines = note.split("\n")
    assert lines[:4] == [
        "bank.example/audit",
        "42",
        b64encode(POINT.root).decode(),
        "",
    ]
    assert lines[4].startswith("— bank.example/audit ")
    assert lines[5:] == [""]
    signed = b64decode(lines[4].rsplit(" ", 1)[1])
    key = SIGNER.verifier
    name, key_id, public = str(key).split("+", 2)
    raw = b64decode(public)
    assert raw[:1] == b"\x01"
    assert sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == key_id == signed[:4].hex()
    text = "\n".join(lines[:3]) + "\n"
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signed[4:], text.encode())


def test_a_checkpoint_is_opened_with_others_signatures_beside_ours():
    note = SIGNER.sign_note(str(POINT))
    assert open_checkpoint(note, SIGNER.verifier) == POINT
    witnessed = note + NoteSigner("witness.example", bytes(32)).sign_note("x\n").split("\n\n")[1]
    assert open_checkpoint(witnessed, SIGNER.verifier) == POINT
    extended = SIGNER.sign_note(f"{POINT}more\n")
    assert open_checkpoint(extended, SIGNER.verifier) == POINT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n42\n", "\n43\n"),
        ("\n42\n", "\n042\n"),
        ("bank.example/audit\n42", "other.example/audit\n42"),
        ("\n\n", "\n"),
        ("— ", "- "),
        ("42\n", "42\n\n"),
    ],
)
def test_a_changed_note_is_found(old, new):
    note = SIGNER.sign_note(str(POINT))
    assert old in note
    with pytest.raises(InvalidNote):
        open_checkpoint(note.replace(old, new, 1), SIGNER.verifier)


@pytest.mark.parametrize(
    "note", ["", "\n", "\n\n", "x", "a\n\n— b c\n", "x" * 100_000, "é\n\n— é é\n"]
)
def test_what_is_no_note_is_said(note):
    with pytest.raises(InvalidNote):
        open_checkpoint(note, SIGNER.verifier)


def test_another_key_of_the_same_name_is_not_ours():
    note = NoteSigner("bank.example/audit", bytes(32)).sign_note(str(POINT))
    with pytest.raises(InvalidNote, match="note_signature_missing"):
        open_checkpoint(note, SIGNER.verifier)


@pytest.mark.parametrize(
    "text", ["", "a+b", PETER_KEY[:-4], PETER_KEY.replace("c74f20a3", "c74f20a4"), "a+b+c"]
)
def test_a_key_that_is_none_is_said(text):
    with pytest.raises(InvalidNote):
        parse_verifier_key(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "x\n"])
def test_a_log_has_a_name_that_notes_can_hold(name):
    with pytest.raises(InvalidNote):
        NoteSigner(name, bytes(32))
