"""The environments that servers run in: one each, made from pinned versions where there is none yet."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.sdk.errors import EnvironmentProblem, Finding

ROOT: Final = Path(__file__).resolve().parents[3]
PEERS: Final = Path(__file__).with_name("peers")
_IMAGES: Final = ROOT / "platform" / "images"


@dataclass(frozen=True)
class Environment:
    """Packages for a server.

    Args:
        name: of the environment.
        requirements: pinned packages, as pip reads them.
    """

    name: str
    requirements: str


def of_peer(name: str) -> Environment:
    """What a peer needs: `peers/NAME.txt`."""
    return Environment(name, (PEERS / f"{name}.txt").read_text())


def of_image() -> Environment:
    """What the server's image has: mlflow-skinny and the rest of `server.txt`, as the lock pins them."""
    command = [
        sys.executable,
        _IMAGES / "part_of_lock.py",
        ROOT / "requirements.lock",
        _IMAGES / "server.txt",
    ]
    return Environment("server-image", _checked([str(part) for part in command]))


def made(environment: Environment, folder: Path) -> Path:
    """The Python of an environment; the environment is made if it is not there.

    Args:
        environment: which.
        folder: of all of them.

    Raises:
        EnvironmentProblem: no suitable Python, or the packages cannot be installed.
    """
    python = _python()
    key = hashlib.sha256(f"{python.resolve()}\n{environment.requirements}".encode()).hexdigest()[:12]
    place = folder / f"{environment.name}-{key}"
    if not (place / "made").exists():
        print(f"making the environment of {environment.name} in {place}", file=sys.stderr, flush=True)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "requirements.txt").write_text(environment.requirements)
        for command in _commands(python, place):
            _checked(command)
        (place / "made").touch()
    return place / "bin" / "python"


def _python() -> Path:
    # MLServer refuses 3.13. All have the same, so that none is compared with another Python.
    if sys.version_info < (3, 13):
        return Path(sys.executable)
    found = shutil.which("python3.12") or shutil.which("python3.11")
    if not found:
        mend = "install one of them, or run the benchmark's own Python from one"
        raise EnvironmentProblem(Finding("MLServer needs Python 3.11 or 3.12; there is none", mend=mend))
    return Path(found)


def _commands(python: Path, place: Path) -> list[list[str]]:
    # Bytecode is compiled here: without it the first start takes five times the CPU, and none that counts.
    wanted = ["-r", str(place / "requirements.txt")]
    inside = str(place / "bin" / "python")
    if shutil.which("uv"):
        install = ["uv", "pip", "install", "--quiet"]
        return [
            ["uv", "venv", "--quiet", "--allow-existing", "--python", str(python), str(place)],
            # Copies: servers would share the pages of files that are links to one, and seem to take less.
            [*install, "--link-mode", "copy", "--compile-bytecode", "--python", inside, *wanted],
        ]
    return [
        [str(python), "-m", "venv", str(place)],
        [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted],
    ]


def _checked(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join(done.stderr.splitlines()[-12:])
        raise EnvironmentProblem(Finding(f"{' '.join(command)} failed:\n{said}"))
    return done.stdout
