"""`make pods`: runs every conformance case and the train pipeline, and writes README.md's tables of pods.

Without `--write` the tables are printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipelines.sdk import ir
from tests.bench.pods import NIGHTS, README, around, count, row, tables
from tests.conformance import harness
from tests.conformance.test_conformance import CASES

ROOT = README.parent


def case_rows() -> Iterator[str]:
    """Runs each conformance case."""
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES):
            ran = harness.run_case(case, Path(folder), Path(folder) / str(number))
            plan = ir.read_file(str(harness.compiled(case.pipeline, Path(folder))))
            yield row(case.name, count(plan, ran.report["tasks"]))


def night_rows() -> Iterator[str]:
    """Runs the train pipeline twice: the first model has no champion to beat, the second has."""
    plan = ir.read_file(str(ROOT / "compiled" / "train.kfp.yaml"))
    command = [sys.executable, "pipelines/train.py"]
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "PIPELINES_HOME": home}
        try:
            for name in NIGHTS:
                done = subprocess.run(
                    [*command, "run", "--json"], cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE
                )
                yield row(name, count(plan, json.loads(done.stdout)["tasks"]))
        finally:
            subprocess.run([*command, "serve", "--stop"], cwd=ROOT, env=env, check=True)


def main() -> None:
    made = tables(night_rows(), case_rows())
    if "--write" in sys.argv[1:]:
        before, _, after = around()
        README.write_text(before + made + after, encoding="utf-8")
    else:
        print(made)


if __name__ == "__main__":
    main()
