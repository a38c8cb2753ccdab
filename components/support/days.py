"""Days: how the data writes them, and which is the last that a run may use."""

from __future__ import annotations

import logging
import re
from datetime import date, time, timedelta

from components.support.errors import StepFailed
from pipelines.sdk.errors import Finding

_IN_DATA = re.compile(r"([0-9]{4})([-/])([0-9]{2})\2([0-9]{2})")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RFC3339 = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"[Tt ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_UNFILLED = re.compile(r"\{\{.*\}\}")


def parse_day(text: str) -> date | None:
    """The day that a cell names, as 2012/01/31 or 2012-01-31; None where it names none."""
    found = _IN_DATA.fullmatch(text)
    return _day(int(found[1]), int(found[3]), int(found[4])) if found else None


def last_usable_day(as_of: str, scheduled_time: str) -> date | None:
    """The last day, inclusive, whose data a run may use.

    A run that is scheduled for some night knows the days before it. Counting from the schedule and not from
    the clock makes a late or repeated run give the same answer.

    Args:
        as_of: that day as 2015-12-31; empty to go by the schedule.
        scheduled_time: the run's scheduled time, in RFC 3339 (2026-11-23T02:00:00Z); its date is taken as
            it is written, in its own offset. Empty for a run that no schedule started; a placeholder that
            the backend left as it is, as older KFP servers do, counts as empty.

    Returns:
        `as_of`; without it the day before the scheduled date; without either None, and every day may be used.

    Raises:
        StepFailed: one of them cannot be read.
    """
    as_of, scheduled_time = as_of.strip(), scheduled_time.strip()
    if as_of:
        day = parse_day(as_of) if _ISO.fullmatch(as_of) else None
        if day is None:
            mend = "write a day such as 2015-12-31, or nothing"
            raise StepFailed(Finding(f"{as_of!r} is not a date", "as_of", mend))
        return day
    if _UNFILLED.fullmatch(scheduled_time):
        logging.warning("the backend does not say when this run was scheduled; as_of is not limited by it")
    elif scheduled_time:
        day = _scheduled_day(scheduled_time)
        if day is None or day == date.min:
            mend = "give a time such as 2026-11-23T02:00:00Z, or nothing, or set as_of"
            raise StepFailed(Finding(f"{scheduled_time!r} is not a time in RFC 3339", "scheduled_time", mend))
        return day - timedelta(days=1)
    return None


def _scheduled_day(text: str) -> date | None:
    found = _RFC3339.fullmatch(text)
    if not found:
        return parse_day(text) if _ISO.fullmatch(text) else None
    try:
        time.fromisoformat(found["time"].replace(":60", ":59"))  # RFC 3339 knows leap seconds
    except ValueError:
        return None
    return parse_day(found["day"])


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
