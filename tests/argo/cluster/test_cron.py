"""Cron lines as Argo's controller (robfig/cron v3) reads them; expected times are that library's own."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from pipelines.sdk.argo.cluster import cron
from pipelines.sdk.errors import UsageError

START = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)


def times(line: str, zone: str = "UTC", after: datetime = START, count: int = 3) -> list[str]:
    found = islice(cron.upcoming(cron.parse(line, zone), after), count)
    return [each.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") for each in found]


def refused(line: str, zone: str = "UTC") -> str:
    with pytest.raises(UsageError) as caught:
        cron.parse(line, zone)
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0 2 * * *", ["2026-03-28T02:00", "2026-03-29T02:00", "2026-03-30T02:00"]),
        ("*/20 13 * * *", ["2026-03-27T13:00", "2026-03-27T13:20", "2026-03-27T13:40"]),
        ("50/5 0 1 JAN *", ["2027-01-01T00:50", "2027-01-01T00:55", "2028-01-01T00:50"]),
        ("0 12 * * mon-tue", ["2026-03-30T12:00", "2026-03-31T12:00", "2026-04-06T12:00"]),
        ("0 0 29 2 *", ["2028-02-29T00:00"]),
        ("30 6 1,15 * 0", ["2026-03-29T06:30", "2026-04-01T06:30", "2026-04-05T06:30"]),
    ],
)
def test_next_times_are_those_of_argo(line, expected):
    assert times(line, count=len(expected)) == expected


def test_a_step_on_the_day_restricts_it_so_that_a_weekday_beside_it_is_an_alternative():
    # Other crons take the star in `*/2` for "any day" and would want an odd day that is a Monday.
    assert times("0 0 */2 * 1") == ["2026-03-29T00:00", "2026-03-30T00:00", "2026-03-31T00:00"]


def test_a_time_that_the_clock_skips_is_left_out():
    assert times("30 2 * * *", "Europe/Zurich", count=2) == ["2026-03-28T01:30", "2026-03-30T00:30"]


def test_a_time_that_the_clock_repeats_comes_twice():
    october = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    assert times("30 2 * * *", "Europe/Zurich", october) == [
        "2026-10-25T00:30",
        "2026-10-25T01:30",
        "2026-10-26T01:30",
    ]


def test_next_times_are_told_in_the_zone_of_the_schedule():
    zurich = next(cron.upcoming(cron.parse("0 2 * * *", "Europe/Zurich"), START))
    assert f"{zurich:%H:%M %Z}" == "02:00 CET"


def test_a_schedule_in_the_hour_that_changes_is_warned_of_with_both_days():
    remarks = cron.clock_changes(cron.parse("30 2 * * *", "Europe/Zurich"), START)
    assert remarks == [
        "on 2026-03-29 the clock time 02:30 does not exist, and that run is left out",
        "on 2026-10-25 the clock time 02:30 comes twice, and so does the run",
    ]


@pytest.mark.parametrize(
    ("line", "zone"),
    [("0 4 * * *", "Europe/Zurich"), ("30 2 * * *", "UTC"), ("*/5 * * * *", "Europe/Zurich")],
)
def test_other_schedules_are_not_warned_of(line, zone):
    assert cron.clock_changes(cron.parse(line, zone), START) == []


@pytest.mark.parametrize(
    ("line", "field", "why"),
    [
        ("60 2 * * *", "minute", "60 is not between 0 and 59"),
        ("0 24 * * *", "hour", "24 is not between 0 and 23"),
        ("0 2 0 * *", "day of the month", "0 is not between 1 and 31"),
        ("0 2 * 13 *", "month", "13 is not between 1 and 12"),
        ("0 2 * * 7", "day of the week", "Sunday is 0"),
        ("0 2 L * *", "day of the month", "no last day"),
        ("0 2 15W * *", "day of the month", "no nearest weekday"),
        ("0 2 * * 1#2", "day of the week", "no nth day"),
        ("0 2 ? * *", "day of the month", "write *"),
        ("0 9-5 * * *", "hour", "goes backwards"),
        ("*/0 2 * * *", "minute", "a step is 1 or more"),
        ("1, 2 * * *", "minute", "'' is not a value"),
        ("*/5/2 2 * * *", "minute", "'5/2' is not a step"),
        ("-1 2 * * *", "minute", "'' is not a value"),
        ("0 2 * foo *", "month", "'foo' is not a value"),
        ("٣ 2 * * *", "minute", "is not a value"),
    ],
)
def test_a_field_that_argo_would_refuse_is_named(line, field, why):
    told = refused(line)
    assert f"field '{field}'" in told and why in told


def test_every_wrong_field_is_told_at_once():
    told = refused("60 24 * * *", "Mars/Base")
    assert "minute" in told and "hour" in told and "Mars/Base" in told


@pytest.mark.parametrize(
    ("line", "hint"), [("@daily", "@daily"), ("0 0 2 * * *", "seconds"), ("0 2 * *", "five"), ("", "five")]
)
def test_a_line_without_five_fields_is_refused(line, hint):
    assert hint in refused(line)


def test_letters_of_months_and_weekdays_are_not_taken_for_last_and_nearest():
    assert times("0 2 * jul wed", count=1) == ["2026-07-01T02:00"]


def test_a_day_that_no_month_has_is_refused():
    assert "never comes" in refused("0 2 30 feb *")


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Zuerich", "Europe/Zurich"),
        ("europe/zurich", "Europe/Zurich"),
        ("", "IANA"),
        ("../etc", "no time zone"),
    ],
)
def test_a_zone_that_does_not_exist_is_refused_with_the_one_that_was_meant(zone, hint):
    assert hint in refused("0 2 * * *", zone)
