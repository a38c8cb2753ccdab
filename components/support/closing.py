"""What has to be done at the end whatever else fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def attempt(what: str, call: Callable[[], T]) -> T | None:
    """What `call` returns; None, and a warning in the log, where it fails.

    Args:
        what: was attempted, as in "could not ...".
        call: without arguments.
    """
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - the next thing to be done is due all the same
        logging.warning("could not %s: %s", what, error)
        return None
