"""Days and times as people write them in options."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

DAY_PARAMETER = "as_of"
"""The parameter that says up to which day a run may know the data; `backfill` sets it."""


def day(text: str) -> date:
    """Reads a day.

    Raises:
        ValueError: where it is none; the message says how to write one.
    """
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no day: write it as 2015-06-30") from None


def moment(text: str) -> str:
    """Reads a time of RFC 3339, and gives it as KFP writes it: in UTC, to the second.

    Raises:
        ValueError: where it is none, or has no time zone; the message says how to write one.
    """
    try:
        read = datetime.fromisoformat(text)
        if read.tzinfo is None or len(text) < len("2015-06-30T02:00Z"):
            raise ValueError
        return read.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time: write it as 2015-06-30T02:00:00Z") from None
