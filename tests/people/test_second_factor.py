"""The second factor: by RFC 6238, each code once, one step of drift, recovery codes once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlmodel import select

from people.credential_models import RecoveryCode
from people.staff import second_factor
from tests.factories import an_agent
from tests.processes import at_once

NOW = datetime(2026, 11, 24, 10, 0, 15, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP = int(NOW.timestamp()) // 30


def code(steps: int = 0) -> str:
    return pyotp.TOTP(SECRET).at(NOW + timedelta(seconds=30 * steps))


@pytest.mark.parametrize(("seconds", "expected"), [(59, "287082"), (1111111109, "081804")])
def test_codes_are_those_of_the_standard(seconds, expected):
    """RFC 6238, appendix B, at six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    at = datetime.fromtimestamp(seconds, tz=UTC)
    assert second_factor.current_totp_code(secret, at) == expected
    assert second_factor.find_matching_step(secret, expected, at, after=0) == seconds // 30


@pytest.mark.parametrize("steps", range(-4, 5))
def test_a_code_is_good_for_one_step_of_drift_either_way(steps):
    found = second_factor.find_matching_step(SECRET, code(steps), NOW, after=0)
    assert found == (STEP + steps if abs(steps) <= 1 else None)


def test_a_spent_step_and_any_before_it_are_no_good():
    assert second_factor.find_matching_step(SECRET, code(), NOW, after=STEP) is None
    assert second_factor.find_matching_step(SECRET, code(-1), NOW, after=STEP) is None
    assert second_factor.find_matching_step(SECRET, code(1), NOW, after=STEP) == STEP + 1


@pytest.mark.parametrize("typed", ["", "0", "000000 ", "é", "１２３４５６", "x" * 10_000, "\x00"])
def test_what_is_no_code_matches_nothing(typed):
    assert second_factor.find_matching_step(SECRET, typed, NOW, after=0) is None


def test_spaces_in_a_code_do_not_matter():
    spaced = f" {code()[:3]} {code()[3:]}\t"
    assert second_factor.find_matching_step(SECRET, spaced, NOW, after=0) == STEP


def test_a_recovery_code_works_once_for_its_owner_however_it_is_typed(store):
    with store.unit() as session:
        owner, other = an_agent(session, NOW), an_agent(session, NOW)
        codes = second_factor.issue_recovery_codes(session, owner.id)
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    with store.unit() as session:
        typed = codes[0].upper().replace("-", " ")
        assert not second_factor.spend_recovery_code(session, other.id, typed, NOW)
        assert second_factor.spend_recovery_code(session, owner.id, typed, NOW)
        assert not second_factor.spend_recovery_code(session, owner.id, codes[0], NOW)
        assert second_factor.spend_recovery_code(session, owner.id, codes[1], NOW)
        for none in ("", "-", codes[2][:-1], codes[2] + "2"):
            assert not second_factor.spend_recovery_code(session, owner.id, none, NOW)
        second_factor.issue_recovery_codes(session, owner.id)
        assert not second_factor.spend_recovery_code(session, owner.id, codes[3], NOW)
    kept = b"".join(row.code_hash for row in store.all(select(RecoveryCode)))
    assert not any(one_code.replace("-", "").encode() in kept for one_code in codes)


@pytest.mark.both
def test_of_many_who_use_one_recovery_code_at_once_one_gets_in(store):
    with store.unit() as session:
        owner = an_agent(session, NOW).id
        spare = second_factor.issue_recovery_codes(session, owner)[0]

    def spend() -> bool:
        with store.unit() as session:
            return second_factor.spend_recovery_code(session, owner, spare, NOW)

    told = at_once([spend] * 8, lambda: store.engine.dispose(close=False))
    assert sum(told) == 1
