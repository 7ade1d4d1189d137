"""The export file: a ZIP whose manifest lists the SHA-256 of each part and is signed, as a note,
with the key of the audit log."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from sqlmodel import Session

from incidents.export.case_data import ExportedCase
from vault.audit import checkpoints

MANIFEST_FILE, CASE_FILE, PROOFS_FILE, CHECKPOINT_FILE = (
    "MANIFEST",
    "case.json",
    "proofs.json",
    "checkpoint.txt",
)
HTML_FILE, README_FILE = "case.html", "README.txt"
MANIFEST_TITLE = "Vouchline case export 1"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def build_export_archive(
    session: Session, found: ExportedCase, page: str, readme: str, origin: str, now: datetime
) -> bytes:
    """Build the ZIP. ``page`` is the case for people to read, and ``readme`` explains the file."""
    parts = {
        README_FILE: readme.encode(),
        HTML_FILE: page.encode(),
        CASE_FILE: _encode_export_part(found.data),
        PROOFS_FILE: _encode_export_part(found.proofs),
        CHECKPOINT_FILE: found.checkpoint.encode(),
    }
    signer = checkpoints.log_signer(session, origin)
    note = signer.sign_note(build_export_manifest(found.case.reference, now, parts))
    return _zip_export_parts({MANIFEST_FILE: note.encode(), **parts})


def build_export_manifest(reference: str, at: datetime, parts: Mapping[str, bytes]) -> str:
    """Build the text to sign: title, reference, time, and the digest of each part."""
    lines = [f"{sha256(data).hexdigest()} {name}" for name, data in sorted(parts.items())]
    return "\n".join([MANIFEST_TITLE, reference, at.isoformat(), *lines]) + "\n"


def _encode_export_part(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode()


def _zip_export_parts(parts: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
