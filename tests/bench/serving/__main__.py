"""`python -m tests.bench.serving`: the model servers, side by side, in one run."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from pipelines.sdk.errors import EnvironmentProblem, Exit, PipelineError, UsageError, report
from tests.bench.serving import campaign, machine, servers, subject
from tests.bench.serving.campaign import Campaign, Plan, Round
from tests.bench.serving.environments import ROOT
from tests.bench.serving.report import markdown
from tests.bench.serving.results import Bare, Results

QUICK: Final = Plan(rounds=1, warm_up=0.3, seconds=1.0)
BARE: Final = "bare"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code."""
    options = _parser().parse_args(arguments)
    # Whoever ends this also ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        results = _measured(options)
    except PipelineError as error:
        sys.stderr.write(report(error) + "\n")
        return error.exit_code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    print(markdown(results))
    if options.json:
        options.json.write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")
    return Exit.RUN_FAILED if results.faults else Exit.OK


def _measured(options: argparse.Namespace) -> Results:
    if sys.platform != "linux":
        raise EnvironmentProblem("the benchmark reads /proc and waits with epoll: it runs on Linux only")
    if options.json and not options.json.parent.is_dir():
        raise UsageError(f"--json: there is no folder {options.json.parent}")
    plan = QUICK if options.quick else Plan(rounds=options.rounds)
    names = _names(options.only)
    pythons = {each: each.python(options.environments) for each in servers.ALL if each.name in names}
    rounds: list[Round] = []
    bare: list[Bare] = []
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as name:
        what = subject.make(Path(name) / "model")
        whole = Campaign(pythons, what, plan, Path(name), _say)
        able, faults = campaign.rehearse(whole)
        for number in range(plan.rounds):
            _say(f"round {number + 1} of {plan.rounds}")
            if BARE in names:
                python = pythons.get(servers.ALL[0], Path(sys.executable))
                bare += campaign.bare(number, python, what, plan.seconds)
            rounds.append(campaign.measure(replace(whole, pythons=able), number))
    return Results(
        machine=machine.described(),
        titles={each.name: each.title for each in pythons},
        peers=tuple(each.name for each in pythons if each.peer),
        asked=tuple(one for each in rounds for one in each.asked),
        started=tuple(one for each in rounds for one in each.started),
        worked=tuple(one for each in rounds for one in each.worked),
        bare=tuple(bare),
        faults=(*faults, *(fault for each in rounds for fault in each.faults)),
        responder=campaign.responder(plan.seconds),
    )


def _names(only: str) -> set[str]:
    known = [*(each.name for each in servers.ALL), BARE]
    names = set(filter(None, only.split(","))) or set(known)
    if unknown := sorted(names - set(known)):
        raise UsageError(f"--only: no server is called {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("at least one round is needed")
    return int(text)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.serving",
        description="Measure model servers side by side; the tables go to standard output.",
    )
    parser.add_argument("--quick", action="store_true", help="one short round: does it work, not how fast")
    parser.add_argument("--rounds", type=_rounds, default=Plan.rounds, help="default: %(default)s")
    parser.add_argument("--only", default="", metavar="NAMES", help="such as ours,bare; all by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every measurement, too")
    parser.add_argument(
        "--environments",
        type=Path,
        default=ROOT / ".pipelines" / "bench",
        metavar="FOLDER",
        help="of the servers' packages; made where they are not there (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
