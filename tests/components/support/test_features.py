"""The first step of every model: rows as callers send them."""

import datetime

import numpy as np
import pandas as pd
import pytest

from components.support.features import FEATURES, WeatherFeatures


@pytest.fixture(scope="module")
def features() -> WeatherFeatures:
    temp = np.linspace(-5, 30, 100)
    days = pd.date_range("2014-01-01", periods=100).strftime("%Y-%m-%d")
    rows = {"date": days, "temp": temp, "temp_min": temp - 6, "wind": 10 - temp / 5, "weather": "sun"}
    return WeatherFeatures().fit(pd.DataFrame(rows))


def row(features: WeatherFeatures, **values: object) -> dict[str, float]:
    block = features.transform(pd.DataFrame({name: [value] for name, value in values.items()}))
    return dict(zip(FEATURES, block[0].tolist(), strict=True))


def test_what_is_missing_becomes_what_usually_goes_with_that_temperature(features):
    assert row(features, temp=12.0)["temp_min"] == pytest.approx(6.0)
    assert row(features, temp=25.0)["wind"] == pytest.approx(5.0)


def test_what_is_given_stays_to_the_last_bit(features):
    assert row(features, temp=12.1, temp_min=3.3)["temp_min"] == 3.3
    assert row(features, temp=12.1)["temp"] == 12.1


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, pd.NaT])
def test_every_kind_of_nothing_is_missing(features, nothing):
    assert row(features, temp=12.0, wind=nothing) == row(features, temp=12.0)
    assert row(features, temp=12.0, date=nothing) == row(features, temp=12.0)


@pytest.mark.parametrize(
    "day",
    [
        "2015-07-01",
        "2015/07/01",
        "2015-07-01T13:00:00",
        "2015-07-01T13:00:00Z",
        datetime.date(2015, 7, 1),
        pd.Timestamp("2015-07-01"),
        np.datetime64("2015-07-01"),
    ],
)
def test_every_way_to_write_a_day_gives_the_same_season(features, day):
    angle = 2 * np.pi * 182 / 365.25
    given = row(features, temp=12.0, date=day)

    assert (given["season_sin"], given["season_cos"]) == (np.sin(angle), np.cos(angle))


def test_iso_text_gives_the_season_of_the_day_itself(features):
    days = pd.date_range("1695-12-30", "2205-01-02", freq="17D")
    tables = [pd.DataFrame({"temp": 12.0, "date": said}) for said in (days, days.strftime("%Y-%m-%d"))]

    assert np.array_equal(*map(features.transform, tables))


def test_rows_may_differ_in_what_they_lack(features):
    table = pd.DataFrame({"temp": [12, 13], "date": [None, "2015-07-01"], "wind": [3.0, None]})

    block = features.transform(table)

    assert dict(zip(FEATURES, block[0], strict=True)) == row(features, temp=12.0, wind=3.0)
    assert dict(zip(FEATURES, block[1], strict=True)) == row(features, temp=13.0, date="2015-07-01")


@pytest.mark.parametrize("kind", ["int64", "int8", "float32", "Int64", "Float64", "object"])
def test_numbers_of_any_type_are_numbers(features, kind):
    table = pd.DataFrame({"temp": pd.Series([12], dtype=kind)})

    assert features.transform(table).dtype == np.float64
    assert features.transform(table)[0, 0] == 12.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"wind": 1.0}, "'temp' is missing; there is wind"),
        ({"temp": None}, "'temp' has no value in row 1"),
        ({"temp": "warm"}, "'temp' has a value that is no number"),
        ({"temp": float("inf")}, "'temp' is infinite in row 1"),
        ({"temp": 1.0, "wind": float("-inf")}, "'wind' is infinite"),
        ({"temp": True}, "'temp' has a value that is no number, but bool"),
        ({"temp": 1.0, "wind": pd.Timestamp(0)}, "'wind' has a value that is no number, but datetime64"),
        ({"temp": 1.0, "date": "yesterday"}, "'date' has 'yesterday' in row 1"),
        ({"temp": 1.0, "date": "2015-02-30"}, "'date' has '2015-02-30'"),
    ],
)
def test_what_cannot_be_used_is_named(features, values, said):
    with pytest.raises(ValueError, match=said):
        row(features, **values)


def test_a_table_without_names_is_refused(features):
    with pytest.raises(ValueError, match="named columns, not ndarray"):
        features.transform(np.array([[12.8]]))


def test_no_rows_give_no_rows(features):
    assert features.transform(pd.DataFrame({"temp": []})).shape == (0, len(FEATURES))


def test_a_column_that_was_never_seen_is_nothing_but_itself():
    alone = WeatherFeatures().fit(pd.DataFrame({"temp": [1.0, 2.0]}))

    assert row(alone, temp=3.0)["wind"] == 0.0
