"""What a ranking says beside how likely each source is."""

from __future__ import annotations

import pytest

from incidents.leak_tracing.model_types import AccessRecords, Call, FirstAccess, StepTimeline
from incidents.leak_tracing.ranking import rank_sources
from incidents.leak_tracing.tracer import Tracer

DAY = 20_000


@pytest.mark.parametrize("at", [0.0, 0.1, 0.5, 0.999])
def test_what_is_expected_by_chance_is_the_same_by_the_day_and_by_the_hour(at):
    by_day = StepTimeline.from_unit_counts({DAY - 1: 24, DAY: 24, DAY + 1: 24})
    by_hour = StepTimeline.from_unit_counts(
        {(DAY - 1) * 24 + hour: 1 for hour in range(72)}, per_day=24
    )
    found = []
    for line in (by_day, by_hour):
        tracer = Tracer(AccessRecords(1000, {"ana": line}, line, {}), DAY + 2)
        tracer.add_report(Call("c1", DAY + at), {"ana": FirstAccess(DAY - 1)})
        found.append(rank_sources(tracer).people[0].expected)
    assert found == [pytest.approx(0.048)] * 2
