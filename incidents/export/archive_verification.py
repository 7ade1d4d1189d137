"""Checks an exported case with nothing but the file and the public key of the audit log."""

from __future__ import annotations

import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from incidents.export.archive import CASE, CHECKPOINT, MANIFEST, PAGE, PROOFS, README, TITLE
from vault.audit import proofs
from vault.audit.proofs import NotProven
from vault.audit.signed_notes import NotValid, Verifier, signed_text

_PARTS = {README, PAGE, CASE, PROOFS, CHECKPOINT}
MOST_BYTES = 256 * 1024 * 1024


class NotGenuine(ValueError):
    """The file is not as it was made; the message says what is wrong."""


def check(path: Path, key: Verifier) -> str:
    """What the file is, in a sentence. Raises :class:`NotGenuine`."""
    try:
        parts = _opened(path)
        reference, made_at = _signed(parts, key)
        count = _proven(parts, key)
    except (NotValid, NotProven) as error:
        raise NotGenuine(str(error)) from None
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError):
        raise NotGenuine("This is no ZIP file, or it is damaged.") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, NotGenuine):
            raise
        raise NotGenuine("A part of this file cannot be read.") from None
    return (
        f"case {reference} as it was exported at {made_at}, with {count:,} audit entries, all of"
        " them in the signed log."
    )


def _opened(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        names = [each.filename for each in infos]
        if sorted(names) != sorted({*_PARTS, MANIFEST}):
            raise NotGenuine("This file does not hold the parts of an exported case.")
        if sum(each.file_size for each in infos) > MOST_BYTES:
            raise NotGenuine("This file is too large.")
        return {each: archive.read(each) for each in names}


def _signed(parts: dict[str, bytes], key: Verifier) -> tuple[str, str]:
    title, reference, made_at, *lines = (
        signed_text(parts[MANIFEST].decode(), key).rstrip("\n").split("\n")
    )
    if title != TITLE:
        raise NotGenuine("The manifest is of something else.")
    told = {name: digest for digest, _, name in (line.partition(" ") for line in lines)}
    if set(told) != _PARTS:
        raise NotGenuine("The manifest does not name the parts of an exported case.")
    for name, digest in told.items():
        if sha256(parts[name]).hexdigest() != digest:
            raise NotGenuine(f"{name} is not as it was signed.")
    return reference, made_at


def _proven(parts: dict[str, bytes], key: Verifier) -> int:
    """Every entry that the case cites is proven, under the one checkpoint of the file."""
    found: list[dict[str, Any]] = json.loads(parts[PROOFS])
    checkpoint = parts[CHECKPOINT].decode()
    proven = set()
    for each in found:
        if each["checkpoint"] != checkpoint:
            raise NotGenuine("A proof is of another checkpoint.")
        proofs.checked(each, key, None)
        proven.add(int(json.loads(each["entry"])["id"]))
    case = json.loads(parts[CASE])
    cited = {each["entry"] for each in case["evidence"] if "entry" in each}
    if missing := cited - proven:
        raise NotGenuine(f"Entry {min(missing)} is cited and not proven.")
    return len(proven)
