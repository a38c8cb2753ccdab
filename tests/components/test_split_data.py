from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from components.ingest_data import ingest_data
from components.split_data import split_data
from components.support.errors import StepFailed
from components.support.split import SUPERVISED, split, supervised
from components.support.weather import read_table, write_table

FIRST = date(2012, 1, 1)


def weather(days):
    """A table in which the temperature of a day is its number since the first."""
    days = list(days)
    return pd.DataFrame(
        {
            "date": pd.Series([FIRST + timedelta(days=number) for number in days], dtype="datetime64[ns]"),
            "precipitation": 0.1,
            "temp_max": [float(number) for number in days],
            "temp_min": [number - 5.0 for number in days],
            "wind": 3.3,
            "weather": "sun",
        }
    )


@pytest.fixture
def run(output):
    def run(data, **arguments):
        parts = [output(name) for name in ("train", "validation", "holdout")]
        names = dict(zip(("train", "validation", "holdout"), parts, strict=True))
        return split_data.python_func(data=data, **names, **arguments), *parts

    return run


def test_four_years_become_two_for_training_and_one_each_for_choosing_and_judging(run, output):
    data = output("data")
    ingest_data.python_func(data=data)
    result, train, validation, holdout = run(data, horizon=1, validation_days=365, holdout_days=365)
    assert result == (728, 365, 365, "2013-12-29", "2014-12-31", "2015-12-31")
    table = read_table(holdout.path)
    assert tuple(table.columns) == SUPERVISED
    last = table.iloc[-1]
    assert (str(last["date"].date()), last["temp"], last["target"]) == ("2015-12-30", 5.6, 5.6)
    assert table["target_date"].dtype == table["date"].dtype == "datetime64[ns]"
    for part, rows in zip((train, validation, holdout), result, strict=False):
        assert part.metadata["rows"] == rows == len(read_table(part.path))
        assert len(part.metadata["data_hash"]) == 64
    assert train.metadata["first_day"] == "2012-01-01"
    assert validation.metadata["last_target_day"] == "2014-12-30"


def test_the_same_data_gives_the_same_bytes(run, output):
    data = output("data")
    write_table(weather(range(60)), data.path)
    hashes = []
    for _ in range(2):
        _, *parts = run(data, validation_days=10, holdout_days=10)
        hashes.append([part.metadata["data_hash"] for part in parts])
        for part in parts:
            Path(part.path).unlink()
    assert hashes[0] == hashes[1]


def test_a_missing_day_takes_the_rows_it_would_answer_and_moves_no_other():
    table = supervised(weather([0, 1, 2, 4, 5, 8]), horizon=2)
    assert table[["temp", "target"]].to_numpy().tolist() == [[0.0, 2.0], [2.0, 4.0]]
    assert (table["target_date"] - table["date"]).unique().tolist() == [pd.Timedelta(days=2)]


def test_numbers_survive_a_file_to_the_last_bit(tmp_path):
    table = weather(range(3))
    table["temp_max"] = [0.1 + 0.2, 1e-17, 123456.789012345678]
    write_table(table, tmp_path / "table")
    pd.testing.assert_frame_equal(read_table(tmp_path / "table"), table, check_exact=True)


def test_a_table_that_is_none_names_the_cell(tmp_path):
    (tmp_path / "table").write_text("date,temp\n2012-01-01,1\n2012-01-02,warm\n")
    with pytest.raises(StepFailed, match=r"line 3, column temp: could not convert string to float: 'warm'"):
        read_table(tmp_path / "table")


def test_all_arguments_that_are_too_small_are_named_at_once():
    with pytest.raises(StepFailed) as failure:
        split(weather(range(100)), horizon=0, validation_days=-1, holdout_days=0)
    assert [finding.where for finding in failure.value.findings] == [
        "horizon",
        "validation_days",
        "holdout_days",
    ]


@pytest.mark.parametrize("days", [0, 1, 26])
def test_too_few_days_say_how_many_there_are_and_are_needed(days):
    with pytest.raises(StepFailed, match=rf"has {days} days?\b.* and 27 are needed"):
        split(weather(range(days)), horizon=2, validation_days=10, holdout_days=10)


def test_one_day_is_a_day():
    with pytest.raises(StepFailed, match=r"has 1 day \("):
        split(weather(range(1)), horizon=1, validation_days=10, holdout_days=10)


@pytest.mark.parametrize("horizon", [1, 7])
def test_nothing_that_happened_from_the_hold_out_on_reaches_what_models_learn_from(horizon):
    known = weather(range(100))
    before = split(known, horizon, validation_days=20, holdout_days=20)
    late = known["date"] >= before.holdout["date"].min()
    for column in ("temp_max", "temp_min", "precipitation", "wind"):
        known.loc[late, column] = 99.0
    after = split(known, horizon, validation_days=20, holdout_days=20)

    assert after.train.equals(before.train)
    assert after.validation.equals(before.validation)
    assert (after.holdout["target"] == 99.0).all()


def test_as_many_days_as_are_needed_are_enough():
    parts = split(weather(range(27)), horizon=2, validation_days=10, holdout_days=10)
    assert (len(parts.train), len(parts.validation), len(parts.holdout)) == (1, 10, 10)


def test_a_number_of_days_beyond_all_calendars_is_too_many():
    with pytest.raises(StepFailed, match="are needed"):
        split(weather(range(100)), horizon=1, validation_days=1, holdout_days=10**18)


def test_a_part_without_rows_is_named():
    days = [*range(30), *range(60, 100)]
    with pytest.raises(StepFailed, match="no row is left for validation"):
        split(weather(days), horizon=1, validation_days=20, holdout_days=45)


def test_a_missing_column_and_a_repeated_day_are_clear_errors():
    with pytest.raises(StepFailed, match="lacks the columns temp_max, wind"):
        split(weather(range(50)).drop(columns=["wind", "temp_max"]), 1, 5, 5)
    with pytest.raises(StepFailed, match="2012-01-03 is there twice"):
        split(weather([0, 1, 2, 2, *range(3, 50)]), 1, 5, 5)


numbers = st.integers(1, 12)


@settings(deadline=None)
@given(
    days=st.sets(st.integers(0, 120), min_size=30),
    order=st.randoms(use_true_random=False),
    horizon=numbers,
    validation_days=numbers,
    holdout_days=numbers,
)
def test_no_part_shares_a_day_with_another(days, order, horizon, validation_days, holdout_days):
    shuffled = sorted(days)
    order.shuffle(shuffled)
    try:
        parts = split(weather(shuffled), horizon, validation_days, holdout_days)
    except StepFailed:
        assume(False)
    tables = (parts.train, parts.validation, parts.holdout)
    for earlier, later in pairwise(tables):
        assert earlier["target_date"].max() < later["date"].min()
    for table in tables:
        assert table["date"].is_monotonic_increasing
        assert set(table["temp"]) | set(table["target"]) <= set(map(float, days))
        assert (table["target"] - table["temp"] == horizon).all()
        assert ((table["target_date"] - table["date"]).dt.days == horizon).all()
    assert len(parts.validation) <= validation_days
    assert len(parts.holdout) <= holdout_days


@settings(deadline=None, max_examples=50)
@given(spare=st.integers(0, 20), horizon=numbers, validation_days=numbers, holdout_days=numbers)
def test_without_gaps_each_part_has_the_days_asked_for(spare, horizon, validation_days, holdout_days):
    needed = 1 + 3 * horizon + validation_days + holdout_days
    parts = split(weather(range(needed + spare)), horizon, validation_days, holdout_days)
    assert (len(parts.train), len(parts.validation), len(parts.holdout)) == (
        1 + spare,
        validation_days,
        holdout_days,
    )
    assert parts.holdout["target_date"].max() == pd.Timestamp(FIRST) + pd.Timedelta(days=needed + spare - 1)
