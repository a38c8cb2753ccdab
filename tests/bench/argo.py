"""`make bench`, the half about Argo: from IR to YAML, long chains, and what the launcher costs a step."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kfp import compiler, dsl

from tests.bench import launcher
from tests.bench.pipelines import add

ROOT = Path(__file__).resolve().parents[2]
TRAIN = ROOT / "compiled" / "train.kfp.yaml"
ROUNDS, CHAIN_ROUNDS = 9, 3
CHAINS = (125, 250, 500, 1000, 2000)


def once(file: Path) -> dict[str, Any]:
    """Compiles a file in a process of its own; see argo_once."""
    command = [sys.executable, "-m", "tests.bench.argo_once", str(file)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rounds(file: Path, times: int) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Compiles a file several times; what is the same each time, and the seconds, fastest first."""
    done = [once(file) for _ in range(times)]
    seconds = [{name: each[name] for name in ("read", "emit", "write")} for each in done]
    return done[0], sorted(seconds, key=lambda each: sum(each.values()))


def train() -> None:
    """The train pipeline: reading, and everything after it."""
    facts, measured = rounds(TRAIN, ROUNDS)
    print(
        f"compiled/train.argo.yaml: {facts['lines_besides_config_maps']} lines besides ConfigMaps, ", end=""
    )
    print(f"{facts['lines']} with them; {facts['steps']} steps.\n")
    print("| train pipeline, ms of CPU | reading IR | to documents | to YAML | IR to YAML beyond reading |")
    print("|---|---|---|---|---|")
    middle = measured[len(measured) // 2]
    for name, each in (("median", middle), ("best", measured[0])):
        read, emit, write = (1000 * each[part] for part in ("read", "emit", "write"))
        print(f"| {name} of {ROUNDS} | {read:.0f} | {emit:.0f} | {write:.0f} | **{emit + write:.0f}** |")


def chain(length: int, distinct: bool) -> Any:
    """A pipeline whose steps follow each other.

    Args:
        length: steps.
        distinct: whether each is another step, so that none shares a template with another.
    """

    @dsl.pipeline(name=f"chain-of-{length}")
    def pipeline():  # KFP reads annotations, and this module has them as text
        last = add(a=0, b=1)
        for number in range(1, length):
            last = add(a=last.output, b=1)
            if distinct:
                last.set_env_variable("NUMBER", str(number))

    return pipeline


def chains(folder: Path, distinct: bool) -> Iterator[str]:
    """A row for each length; growth is that of the seconds a step since the row before."""
    before = 0.0
    for length in CHAINS:
        file = folder / f"chain-{length}-{distinct}.yaml"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiler.Compiler().compile(chain(length, distinct), str(file))
        facts, measured = rounds(file, CHAIN_ROUNDS)
        middle = measured[len(measured) // 2]
        total = sum(middle.values())
        growth = f"{total / length / before:.2f}x" if before else ""
        before = total / length
        yield (
            f"| {length} {'different ' if distinct else ''}| {middle['read']:.2f} | {total:.2f} "
            f"| {1000 * total / length:.2f} | {growth} | {facts['depth']} | {facts['largest_dag']} "
            f"| {facts['largest_list']} | {facts['documents']} | {facts['largest_document'] / 1000:.0f} |"
        )


def main() -> None:
    print("\n## Argo\n")
    train()
    print(f"\nCPU seconds, medians of {CHAIN_ROUNDS} processes; growth is of the ms a step.\n")
    heads = ("steps in a chain", "reading IR, s", "all, s", "ms a step", "growth", "DAGs in DAGs")
    heads += ("tasks in a DAG (200)", "templates in a document (200)", "documents", "largest, KB")
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    with tempfile.TemporaryDirectory() as folder:
        for distinct in (False, True):
            for row in chains(Path(folder), distinct):
                print(row, flush=True)
    print()
    launcher.main()


if __name__ == "__main__":
    main()
