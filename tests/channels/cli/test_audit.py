"""``flask audit``: checkpoints, verification and proofs, as an auditor would use them."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import update
from sqlmodel import select

from tests.channels.support import context, unit
from vault.audit import audit_log
from vault.models import AuditEntry


@pytest.fixture
def run(app):
    """Runs ``flask audit`` with these words."""
    return lambda *words: app.test_cli_runner().invoke(args=["audit", *words])


@pytest.fixture
def entries(app, clock):
    with unit(app) as session:
        for _ in range(20):
            audit_log.record_act(session, audit_log.OPERATOR, "x.y", clock.now)


def first_id(app) -> int:
    with unit(app) as session:
        return session.exec(select(AuditEntry.id).order_by(AuditEntry.id)).first()


def kept(app, tmp_path, run):
    """A checkpoint and the key, kept elsewhere."""
    path = tmp_path / "kept"
    path.write_text(run("checkpoint").stdout)
    return path, run("key").stdout.strip()


def test_a_good_log_is_good_by_a_checkpoint_that_was_kept(app, entries, run, tmp_path):
    path, key = kept(app, tmp_path, run)
    told = run("verify", "--checkpoint", str(path), "--key", key)
    assert told.exit_code == 0, told.output
    assert "Good: 20 entries, 20 of them covered by 1 checkpoint." in told.output


def test_the_file_of_the_instance_folder_can_be_brought_as_it_is(app, entries, run, clock):
    run("checkpoint")
    with unit(app) as session:
        audit_log.record_act(session, audit_log.OPERATOR, "x.y", clock.now)
    run("checkpoint")
    (place,) = context(app).places
    told = run("verify", "--checkpoint", place.name.removeprefix("file:"))
    assert "21 of them covered by 2 checkpoints" in told.output


def test_a_bad_log_ends_with_1_and_names_the_entry(app, entries, run, tmp_path):
    path, key = kept(app, tmp_path, run)
    bad = first_id(app) + 7
    with unit(app) as session:
        session.connection().execute(
            update(AuditEntry).where(AuditEntry.id == bad).values(purpose="ordinary")
        )
    told = run("verify", "--checkpoint", str(path), "--key", key)
    assert told.exit_code == 1
    assert f"The first bad entry: entry {bad} (place 7)." in told.output
    assert run("verify").exit_code == 1


@pytest.mark.parametrize("text", ["", "x", "a\n\nb", "a\n1\nx\n\n— a b\n\nmore"])
def test_a_file_that_holds_no_checkpoints_is_said(entries, run, tmp_path, text):
    run("checkpoint")
    path = tmp_path / "kept"
    path.write_text(text)
    told = run("verify", "--checkpoint", str(path))
    assert told.exit_code == 1
    assert "Error: " in told.output
    assert "Traceback" not in told.output


def test_a_key_that_is_none_and_another_log_s_key_are_said(entries, run, tmp_path, app):
    path, _ = kept(app, tmp_path, run)
    assert "not an Ed25519 key" in run("verify", "--checkpoint", str(path), "--key", "x").output
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert run("verify", "--checkpoint", str(path), "--key", other).exit_code == 1


def test_an_entry_is_proven_with_nothing_but_the_key(app, entries, run, tmp_path):
    _, key = kept(app, tmp_path, run)
    proof = tmp_path / "proof"
    proof.write_text(run("prove", str(first_id(app) + 3)).stdout)
    told = run("check-proof", str(proof), "--key", key)
    assert "Good: this is entry 3 of the 20 of that checkpoint" in told.output
    changed = json.loads(proof.read_text())
    changed["entry"] = changed["entry"].replace("x.y", "x.z")
    proof.write_text(json.dumps(changed))
    assert run("check-proof", str(proof), "--key", key).exit_code == 1
    assert "there is none such" in run("prove", "999999").output


def test_growth_is_proven_from_an_old_checkpoint(app, entries, run, tmp_path, clock):
    path, key = kept(app, tmp_path, run)
    with unit(app) as session:
        for _ in range(13):
            audit_log.record_act(session, audit_log.OPERATOR, "x.y", clock.now)
    run("checkpoint")
    proof = tmp_path / "proof"
    proof.write_text(run("prove-growth", "20").stdout)
    told = run("check-proof", str(proof), "--key", key, "--checkpoint", str(path))
    assert "the log of 33 entries begins with the 20 of before." in told.output
    assert run("check-proof", str(proof), "--key", key).exit_code == 1
    assert "No checkpoint is that large yet." in run("prove-growth", "99").output
    for junk in ("x", "[]", "{}", '{"path": 1}'):
        proof.write_text(junk)
        assert "Traceback" not in run("check-proof", str(proof), "--key", key).output


def test_an_empty_log_can_be_verified(run):
    assert "Good: 0 entries" in run("verify").output
