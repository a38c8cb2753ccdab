"""What is measured, on numbers that can be checked by hand."""

import numpy as np
import pytest

from components.support.metrics import score, season_of

TRUTH = np.array([10.0, 20.0])
FORECAST = np.array([13.0, 19.0])
BASELINE = np.array([14.0, 24.0])


def test_the_numbers_are_those_of_the_textbook():
    overall = score(TRUTH, FORECAST, BASELINE, ["2015-01-01", "2015-07-01"]).overall

    assert overall == {"mae": 2.0, "rmse": pytest.approx(5**0.5), "bias": 1.0, "skill": 0.5}


def test_seasons_are_judged_apart_and_those_without_days_left_out():
    scores = score(TRUTH, FORECAST, BASELINE, ["2015-01-01", "2015-07-01"])

    assert scores.seasons["DJF"] == {"mae": 3.0, "rmse": 3.0, "bias": 3.0, "skill": 0.25}
    assert scores.seasons["JJA"]["bias"] == -1.0
    assert set(scores.seasons) == {"DJF", "JJA"}
    assert scores.flat("challenger_")["challenger_bias_JJA"] == -1.0


def test_skill_over_a_faultless_baseline_is_zero_or_has_no_value():
    dates = ["2015-01-01", "2015-07-01"]

    assert score(TRUTH, TRUTH, TRUTH, dates).overall["skill"] == 0.0
    assert "skill" not in score(TRUTH, TRUTH + 1, TRUTH, dates).overall


@pytest.mark.parametrize(
    ("month", "season"),
    [
        (12, "DJF"),
        (1, "DJF"),
        (2, "DJF"),
        (3, "MAM"),
        (5, "MAM"),
        (6, "JJA"),
        (8, "JJA"),
        (9, "SON"),
        (11, "SON"),
    ],
)
def test_the_winter_begins_in_december(month, season):
    assert season_of(f"2015-{month:02}-01") == season
