"""`python -m tests.fuzz.parsers --seconds 600`: fuzz the server's parsers with atheris.

A finding ends the run: any exception but `Refused`, a refusal that is not short. What takes longer than a
second is told, and the process's memory after each minute of its own time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGETS = ["json", "csv", "v1", "v2", "binary", "socket"]
SLOW_SECONDS = 1.0
LONGEST = 65_536
MEGABYTES = 2048


def main() -> int:
    """Fuzz each target in a process of its own; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.parsers", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="for each target (default: %(default)s)")
    parser.add_argument("--target", choices=TARGETS, help="one alone")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        _fuzz(options.target, options.seconds)
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("atheris is not installed: pip install atheris", file=sys.stderr)
        return 2
    failed = 0
    for target in [options.target] if options.target else TARGETS:
        command = [sys.executable, "-m", "tests.fuzz.parsers", "--here", "--target", target]
        print(f"== {target}, {options.seconds} seconds", flush=True)
        failed |= subprocess.run([*command, "--seconds", str(options.seconds)]).returncode
    return 1 if failed else 0


def _fuzz(target: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(
        include=["pipelines.sdk.serving.protocols", "pipelines.sdk.serving.http"]
    ):
        from tests.fuzz import targets
    from tests.fuzz import seeds

    told = time.process_time()

    def once(data: bytes) -> None:
        nonlocal told
        started = time.process_time()
        targets.run(target, data)
        now = time.process_time()
        if now - started > SLOW_SECONDS:
            print(f"slow: {now - started:.1f} s for {data[:200]!r} of {len(data)} bytes", flush=True)
        if now - told > 60:
            told = now
            print(f"memory: {_resident()} MB", flush=True)

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        changed = seeds.mutated(data, seed) if seed % 4 else None
        return (changed or atheris.Mutate(data, size))[:size]

    folder = tempfile.mkdtemp(prefix="fuzz-")
    corpus = Path(folder, "corpus")
    corpus.mkdir()
    seeds.write(target, corpus)
    limits = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-rss_limit_mb={MEGABYTES}",
        "-timeout=20",
    ]
    quiet = ["-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={folder}/"]
    structured = {} if target in ("csv", "binary", "socket") else {"custom_mutator": mutate}
    print(f"memory: {_resident()} MB; corpus and findings in {folder}", flush=True)
    atheris.Setup([sys.argv[0], *limits, *quiet, str(corpus)], once, **structured)
    atheris.Fuzz()


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


if __name__ == "__main__":
    sys.exit(main())
