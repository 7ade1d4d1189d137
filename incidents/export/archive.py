"""The file itself: a ZIP whose manifest names each part by its SHA-256 and is signed, as a note, by
the key of the audit log."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from sqlmodel import Session

from incidents.export.case_data import Collected
from vault.audit import checkpoints

MANIFEST, CASE, PROOFS, CHECKPOINT = "MANIFEST", "case.json", "proofs.json", "checkpoint.txt"
PAGE, README = "case.html", "README.txt"
TITLE = "Vouchline case export 1"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(
    session: Session, found: Collected, page: str, readme: str, origin: str, now: datetime
) -> bytes:
    """The ZIP; ``page`` and ``readme`` are the case and what this is, for people."""
    parts = {
        README: readme.encode(),
        PAGE: page.encode(),
        CASE: _json(found.data),
        PROOFS: _json(found.proofs),
        CHECKPOINT: found.checkpoint.encode(),
    }
    signer = checkpoints.signer(session, origin)
    note = signer.sign(manifest(found.case.reference, now, parts))
    return _zipped({MANIFEST: note.encode(), **parts})


def manifest(reference: str, at: datetime, parts: Mapping[str, bytes]) -> str:
    """What is signed: title, reference, time, and each part by its digest."""
    lines = [f"{sha256(data).hexdigest()} {name}" for name, data in sorted(parts.items())]
    return "\n".join([TITLE, reference, at.isoformat(), *lines]) + "\n"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode()


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
