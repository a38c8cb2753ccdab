from datetime import date

import pytest

from components.support.days import last_usable_day, parse_day
from components.support.errors import StepFailed


@pytest.mark.parametrize("text", ["2012/02/29", "2012-02-29"])
def test_a_day_is_written_with_slashes_or_hyphens(text):
    assert parse_day(text) == date(2012, 2, 29)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2013/02/29",
        "2012/2/9",
        "2012/02-09",
        "20120209",
        "09.02.2012",
        "2012-02-09T00:00:00",
        "٢٠١٢-٠٢-٠٩",
        "2012-W06-4",
    ],
)
def test_what_is_no_day_is_none(text):
    assert parse_day(text) is None


def test_as_of_goes_before_the_schedule():
    assert last_usable_day("2015-06-30", "2026-11-23T02:00:00Z") == date(2015, 6, 30)


@pytest.mark.parametrize(
    ("scheduled", "last"),
    [
        ("2026-11-23T02:00:00Z", date(2026, 11, 22)),
        ("2026-03-01t00:00:00.123456789z", date(2026, 2, 28)),
        ("2026-11-23T23:30:00-08:00", date(2026, 11, 22)),
        ("2026-01-01 02:00:00+01:00", date(2025, 12, 31)),
        ("2016-12-31T23:59:60Z", date(2016, 12, 30)),
        ("2026-11-23", date(2026, 11, 22)),
    ],
)
def test_a_scheduled_run_knows_the_days_before_its_date(scheduled, last):
    assert last_usable_day("", scheduled) == last


def test_without_either_every_day_may_be_used():
    assert last_usable_day(" ", "") is None


@pytest.mark.parametrize("text", ["{{$.pipeline_job_schedule_time_utc}}", "{{workflow.scheduledTime}}"])
def test_a_placeholder_that_no_backend_filled_in_is_no_schedule_and_is_said(text, caplog):
    assert last_usable_day("", text) is None
    assert "does not say when this run was scheduled" in caplog.text
    assert last_usable_day("2015-06-30", text) == date(2015, 6, 30)


@pytest.mark.parametrize(
    "as_of", ["yesterday", "2015-02-30", "2015/12/31", "20151231", "2015-12-31T00:00:00Z"]
)
def test_an_ill_formed_as_of_is_quoted(as_of):
    with pytest.raises(StepFailed, match="as_of") as failure:
        last_usable_day(as_of, "")
    assert repr(as_of) in str(failure.value)


@pytest.mark.parametrize(
    "scheduled",
    ["soon", "2026-11-23T25:00:00Z", "2026-02-30T01:00:00Z", "2026-11-23T02:00:00", "0001-01-01T00:00:00Z"],
)
def test_an_ill_formed_schedule_is_quoted(scheduled):
    with pytest.raises(StepFailed, match="scheduled_time") as failure:
        last_usable_day("", scheduled)
    assert repr(scheduled) in str(failure.value)
