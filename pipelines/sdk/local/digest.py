"""What a file or folder holds, as one number."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

CHUNK_BYTES = 1 << 20


class Unstable(Exception):
    """The content changes while it is read, cannot be read, or nobody waits for the answer any more."""


def never() -> bool:
    """For those who do not want to be able to stop."""
    return False


def digest(path: Path, stopped: Callable[[], bool] = never) -> str:
    """SHA-256 of a file, or of a folder's names and files; '' where nothing is there.

    Links count as what they lead to.

    Args:
        path: of the file or folder.
        stopped: asked now and then whether to give up.

    Raises:
        Unstable: see there.
    """
    if not path.exists():
        return ""
    total = hashlib.sha256()
    try:
        for name, entry in _entries(path):
            total.update(name.encode("utf-8", "surrogateescape") + b"\0")
            total.update(_file(entry, stopped) if entry.is_file() else b"-")
    except OSError as error:
        raise Unstable(str(error)) from error
    return total.hexdigest()


def signature(path: Path) -> tuple[object, ...]:
    """What changes when somebody writes to a file or folder; cheap, for it reads no content."""
    try:
        return tuple((name, *_stat(entry)) for name, entry in _entries(path)) if path.exists() else ()
    except OSError:
        return (None,)


def _file(path: Path, stopped: Callable[[], bool]) -> bytes:
    before, content = _stat(path), hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if stopped():
                raise Unstable("stopped")
            content.update(chunk)
    if _stat(path) != before:
        raise Unstable(f"{path} changes while it is read")
    return content.digest()


def _stat(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _entries(root: Path) -> Iterator[tuple[str, Path]]:
    """All files and folders, by name, in one order."""
    if not root.is_dir():
        yield "", root
        return
    seen: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back up
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield f"{Path(folder).relative_to(root)}/", Path(folder)
        for name in sorted(files):
            path = Path(folder, name)
            if path.exists():
                yield str(path.relative_to(root)), path
            else:
                yield f"{path.relative_to(root)} -> {path.readlink()}", Path(folder)
