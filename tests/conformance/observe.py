"""What a run leaves on disk."""

from pathlib import Path
from typing import Any


def content(path: str | Path) -> Any:
    """Text of a file, a mapping of names to texts for a folder, None where there is neither."""
    path = Path(path)
    if path.is_dir():
        return files(path)
    return path.read_text() if path.is_file() else None


def files(folder: str | Path) -> dict[str, str]:
    """Every file below a folder, by its name from there."""
    folder = Path(folder)
    return {
        str(each.relative_to(folder)): each.read_text()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }
