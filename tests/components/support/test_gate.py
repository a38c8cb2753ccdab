"""The gate's rules, on plain numbers."""

from datetime import date, timedelta

import pytest

from components.support.gate import Champion, best, day_ranges, days_in_common, judge
from components.support.metrics import METRICS

MAE, SKILL, BIAS = METRICS["mae"], METRICS["skill"], METRICS["bias"]
DAY = date(2014, 1, 1)


def days(*offsets: int) -> list[date]:
    return [DAY + timedelta(days=offset) for offset in offsets]


@pytest.mark.parametrize(
    ("metric", "challenger", "champion", "baseline", "passes"),
    [
        (MAE, 1.0, 2.0, 3.0, True),
        (MAE, 2.0, 1.0, 3.0, False),
        (MAE, 1.0, 1.0, 3.0, False),
        (MAE, 3.0, 4.0, 3.0, False),  # ties with the baseline
        (SKILL, 0.2, 0.1, 0.0, True),
        (SKILL, 0.1, 0.2, 0.0, False),
        (BIAS, -0.1, 0.2, 0.3, True),
        (BIAS, -0.2, 0.1, 0.3, False),
        (BIAS, -0.2, 0.2, 0.3, False),  # a tie: both as far from zero
    ],
)
def test_each_metric_knows_which_way_is_better(metric, challenger, champion, baseline, passes):
    verdict = judge("enforce", metric, "m-new", challenger, baseline, Champion("7", "m-old", champion))

    assert verdict.passed is passes


def test_reporting_says_that_it_would_have_blocked_only_where_it_would():
    good = judge("report", MAE, "m-new", 1.0, 2.0, None)
    bad = judge("report", MAE, "m-new", 3.0, 2.0, None)

    assert good.passed and "blocked" not in good.reason
    assert bad.passed and "would have blocked" in bad.reason


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="off, report, enforce"):
        judge("maybe", MAE, "m-new", 1.0, 2.0, None)  # type: ignore[arg-type]


def test_of_equal_candidates_the_first_is_chosen():
    assert best([("a", 2.0), ("b", 1.0), ("c", 1.0)], MAE) == "b"


def test_ranges_hold_every_day_and_no_other():
    some = days(0, 1, 2, 5, 7, 8)

    assert day_ranges(some) == "2014-01-01/2014-01-03,2014-01-06/2014-01-06,2014-01-08/2014-01-09"
    assert days_in_common(day_ranges(some), days(*range(-5, 20))) == some
    assert day_ranges([]) == "" and days_in_common("", some) == []


def test_too_many_gaps_are_closed_from_the_shortest_and_the_tag_stays_short():
    scattered = days(*range(0, 2000, 2), 3000)

    ranges = day_ranges(scattered)

    assert len(ranges) < 8000
    assert set(scattered) <= set(days_in_common(ranges, days(*range(3001))))
    assert ranges.endswith("2022-03-20/2022-03-20")  # the long gap stays open
