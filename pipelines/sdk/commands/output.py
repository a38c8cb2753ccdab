"""Results on standard output, for people and programs that may stop reading."""

from __future__ import annotations

import os
import sys


def to_stdout(text: str) -> None:
    """Prints a result.

    A reader that has gone (`| head`) has had enough: that is no error, and nothing more is printed.

    Args:
        text: the whole of it; a newline is added.

    Raises:
        OSError: where it cannot be written for another reason, a full disk for example.
    """
    if sys.stdout is None:  # closed by whoever started us
        return
    encoding = sys.stdout.encoding or "utf-8"
    shown = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        sys.stdout.write(f"{shown}\n")
        sys.stdout.flush()
    except OSError as error:
        silence()
        if not isinstance(error, BrokenPipeError):
            raise


def silence() -> None:
    """Sends what is still to be printed nowhere, so that the end of the process does not fail over it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
