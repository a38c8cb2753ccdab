"""The last words of a log."""

from __future__ import annotations

from pathlib import Path

TAIL_BYTES = 8_192


def tail(log: Path, lines: int = 1) -> str:
    """The last lines of a log that say something; '' where there are none.

    Args:
        log: the file; only its last 8 KiB count.
        lines: how many.
    """
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join([line.rstrip() for line in text.splitlines() if line.strip()][-lines:])
