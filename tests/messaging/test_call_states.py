"""Call reports in any order, any number of times: one final state, never back."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from messaging.call_states import OVER_STATES, STATE_ORDER, STATE_RANK, CallState, furthest_state

S = CallState
TALKS = {
    S.ENDED: (S.RINGING_YOU, S.AGENT_ON, S.RINGING, S.ANSWERED, S.LIVE, S.ENDED, S.HUNG_UP),
    S.VOICEMAIL: (S.AGENT_ON, S.RINGING, S.ANSWERED, S.VOICEMAIL, S.ENDED, S.HUNG_UP),
    S.BUSY: (S.RINGING_YOU, S.AGENT_ON, S.RINGING, S.BUSY, S.HUNG_UP),
    S.NO_ANSWER: (S.RINGING_YOU, S.AGENT_ON, S.RINGING, S.NO_ANSWER, S.HUNG_UP),
    S.FAILED: (S.DIALLING, S.RINGING_YOU, S.FAILED),
    S.HUNG_UP: (S.RINGING_YOU, S.AGENT_ON, S.HUNG_UP),
}


def end_of(told) -> CallState:
    state = S.WANTED
    for item in told:
        after = furthest_state(state, item)
        assert STATE_RANK[after] >= STATE_RANK[state]
        state = after
    return state


@pytest.mark.parametrize("final", TALKS)
def test_every_order_of_the_same_reports_ends_alike(final):
    assert {end_of(order) for order in permutations(TALKS[final])} == {final}


@pytest.mark.parametrize("final", TALKS)
def test_repeats_change_nothing(final):
    told = TALKS[final]
    for again, after in product(told, range(len(told) + 1)):
        assert end_of((*told[:after], again, *told[after:])) is final


def test_nothing_leads_out_of_what_is_over_but_to_another_end():
    for over, told in product(OVER_STATES, STATE_ORDER):
        assert furthest_state(over, told) in OVER_STATES


def test_it_is_a_join():
    for a, b, c in product(STATE_ORDER, repeat=3):
        assert furthest_state(a, b) is furthest_state(b, a)
        assert furthest_state(furthest_state(a, b), c) is furthest_state(a, furthest_state(b, c))
        assert furthest_state(a, a) is a
