"""Folders for what is downloaded: removed with their process, or after it where it was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

_PREFIX: Final = "served-model-"
_LOCK: Final = "lock"
_YOUNG_SECONDS: Final = 60  # a folder that is being made has no lock yet


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder, removed in the end by the process that made it, and not by what was forked from that.

    A container that was killed for its memory starts again with the same /tmp: those that are left of
    processes which are gone are removed first.
    """
    _sweep(Path(tempfile.gettempdir()))
    owner, folder = os.getpid(), Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        # Held by all processes that share this open file: as long as a worker lives, the folder does.
        with (folder / _LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            inside = folder / "model"
            inside.mkdir()
            yield inside
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(base: Path) -> None:
    for folder in base.glob(f"{_PREFIX}*"):
        try:
            with (folder / _LOCK).open("rb") as lock:
                if _is_abandoned(lock):
                    shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # somebody else's, or gone by now
            continue


def _is_abandoned(lock: IO[bytes]) -> bool:
    if time.time() - os.fstat(lock.fileno()).st_mtime < _YOUNG_SECONDS:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
