"""Verifies an exported case with only the file and the public key of the audit log."""

from __future__ import annotations

import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from config.domain_errors import DomainError
from incidents.error_codes import IncidentErrorCode
from incidents.export.archive import (
    CASE_FILE,
    CHECKPOINT_FILE,
    HTML_FILE,
    MANIFEST_FILE,
    MANIFEST_TITLE,
    PROOFS_FILE,
    README_FILE,
)
from vault.audit import proofs
from vault.audit.proofs import InvalidProof
from vault.audit.signed_notes import InvalidNote, VerifierKey, open_signed_text

_SIGNED_PARTS = {README_FILE, HTML_FILE, CASE_FILE, PROOFS_FILE, CHECKPOINT_FILE}
MAX_BYTES = 256 * 1024 * 1024


class InvalidExport(DomainError):
    """The file is not as it was exported."""


def verify_export_file(path: Path, key: VerifierKey) -> str:
    """Verify the file and describe it in a sentence. Raises :class:`InvalidExport`."""
    try:
        parts = _read_archive_parts(path)
        reference, made_at = _verify_export_manifest(parts, key)
        count = _verify_entry_proofs(parts, key)
    except (InvalidNote, InvalidProof) as error:
        raise InvalidExport(error.code, **error.parameters) from None
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError):
        raise InvalidExport(IncidentErrorCode.EXPORT_NOT_ZIP) from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InvalidExport(IncidentErrorCode.EXPORT_UNREADABLE) from None
    return (
        f"case {reference} as it was exported at {made_at}, with {count:,} audit entries, all of"
        " them in the signed log."
    )


def _read_archive_parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if sorted(names) != sorted({*_SIGNED_PARTS, MANIFEST_FILE}):
            raise InvalidExport(IncidentErrorCode.EXPORT_PARTS_WRONG)
        if sum(info.file_size for info in infos) > MAX_BYTES:
            raise InvalidExport(IncidentErrorCode.EXPORT_TOO_LARGE)
        return {name: archive.read(name) for name in names}


def _verify_export_manifest(parts: dict[str, bytes], key: VerifierKey) -> tuple[str, str]:
    title, reference, made_at, *lines = (
        open_signed_text(parts[MANIFEST_FILE].decode(), key).rstrip("\n").split("\n")
    )
    if title != MANIFEST_TITLE:
        raise InvalidExport(IncidentErrorCode.EXPORT_WRONG_MANIFEST)
    digests = {name: digest for digest, _, name in (line.partition(" ") for line in lines)}
    if set(digests) != _SIGNED_PARTS:
        raise InvalidExport(IncidentErrorCode.EXPORT_MANIFEST_INCOMPLETE)
    for name, digest in digests.items():
        if sha256(parts[name]).hexdigest() != digest:
            raise InvalidExport(IncidentErrorCode.EXPORT_PART_CHANGED, part=name)
    return reference, made_at


def _verify_entry_proofs(parts: dict[str, bytes], key: VerifierKey) -> int:
    """Verify that every entry cited by the case is proven under the file's one checkpoint; return
    how many are proven."""
    entry_proofs: list[dict[str, Any]] = json.loads(parts[PROOFS_FILE])
    checkpoint = parts[CHECKPOINT_FILE].decode()
    proven = set()
    for item in entry_proofs:
        if item["checkpoint"] != checkpoint:
            raise InvalidExport(IncidentErrorCode.EXPORT_OTHER_CHECKPOINT)
        proofs.verify_proof(item, key, None)
        proven.add(int(json.loads(item["entry"])["id"]))
    case = json.loads(parts[CASE_FILE])
    cited = {item["entry"] for item in case["evidence"] if "entry" in item}
    if missing := cited - proven:
        raise InvalidExport(IncidentErrorCode.EXPORT_ENTRY_NOT_PROVEN, entry=min(missing))
    return len(proven)
