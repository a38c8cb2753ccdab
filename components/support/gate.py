"""The gate: whether a challenger may take the champion's place. Pure functions on numbers.

Policy under `enforce`:
- the challenger must beat the baseline;
- it must beat the champion; a tie keeps the champion;
- a champion that learned from any day of the hold-out is not compared, for it would win by memory; nor is one
  that cannot be loaded. Nothing replaces a champion that it was not compared with: in both cases the champion
  stays, and the reason says how to replace it deliberately.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal, get_args

from components.support.metrics import Metric

Mode = Literal["off", "report", "enforce"]
MODES: tuple[Mode, ...] = get_args(Mode)
REPLACE = "to replace it all the same, run once with gate=report"

# MLflow takes 8000 characters in a tag; a range has 22.
MOST_RANGES = 300


@dataclass(frozen=True)
class Champion:
    """The model that serves.

    Args:
        version: of the registered model.
        model_id: MLflow's id of it.
        value: of the gate's metric on the hold-out; None where it was not compared.
        obstacle: why it was not compared; empty where it was.
    """

    version: str
    model_id: str
    value: float | None
    obstacle: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the gate says.

    Args:
        passed: whether the challenger is deployed.
        reason: why, in one sentence.
    """

    passed: bool
    reason: str


def judge(
    mode: Mode, metric: Metric, model_id: str, value: float, baseline: float, champion: Champion | None
) -> Verdict:
    """Let the challenger through, or not.

    Args:
        mode: `enforce` blocks, `report` only says what `enforce` would have done, `off` does not judge.
        metric: by which is judged.
        model_id: of the challenger.
        value: of the metric, challenger on the hold-out.
        baseline: of the metric, baseline on the same hold-out.
        champion: None where there is none.

    Raises:
        ValueError: there is no such mode.
    """
    if mode not in MODES:
        raise ValueError(f"gate {mode!r} is none of {', '.join(MODES)}")
    if mode == "off":
        return Verdict(True, "the gate is off")
    verdict = _enforced(metric, model_id, value, baseline, champion)
    if mode == "report" and not verdict.passed:
        return Verdict(True, f"the gate only reports, it would have blocked: {verdict.reason}")
    return verdict


def _enforced(
    metric: Metric, model_id: str, value: float, baseline: float, champion: Champion | None
) -> Verdict:
    ours = f"{metric.name} {value:.3f}"
    if not metric.prefers(value, baseline):
        return Verdict(False, f"{ours} does not beat the baseline's {baseline:.3f}")
    beaten = f"{ours} beats the baseline's {baseline:.3f}"
    if champion is None:
        return Verdict(True, f"{beaten}; there is no champion yet")
    name = f"champion version {champion.version}"
    if champion.model_id == model_id:
        return Verdict(False, f"{name} is this very model")
    if champion.value is None:
        return Verdict(False, f"{name} was not compared: {champion.obstacle}; {REPLACE}")
    if metric.prefers(value, champion.value):
        return Verdict(True, f"{beaten} and the {champion.value:.3f} of {name}")
    if metric.prefers(champion.value, value):
        return Verdict(False, f"{ours} does not beat the {champion.value:.3f} of {name}")
    return Verdict(False, f"{ours} ties with {name}, which stays")


def best(scores: Iterable[tuple[str, float]], metric: Metric) -> str:
    """Id of the candidate with the best score; of several, the first.

    Raises:
        ValueError: there are no candidates.
    """
    chosen: tuple[str, float] | None = None
    for model_id, value in scores:
        if chosen is None or metric.prefers(value, chosen[1]):
            chosen = model_id, value
    if chosen is None:
        raise ValueError("there are no candidates")
    return chosen[0]


def day_ranges(days: Iterable[date]) -> str:
    """Days in a form that fits in a tag: `2012-01-01/2012-03-05,2012-03-07/2014-01-01`.

    Where there are too many gaps the shortest are closed: a day too many makes the gate stricter, not laxer.
    """
    ordered = sorted(set(days))
    if not ordered:
        return ""
    steps = [(after - before).days for before, after in pairwise(ordered)]
    gaps = sorted((i for i, step in enumerate(steps) if step > 1), key=lambda i: -steps[i])[: MOST_RANGES - 1]
    starts = [0, *(i + 1 for i in sorted(gaps))]
    ends = [*(start - 1 for start in starts[1:]), len(ordered) - 1]
    return ",".join(
        f"{ordered[s].isoformat()}/{ordered[e].isoformat()}" for s, e in zip(starts, ends, strict=True)
    )


def days_in_common(ranges: str, days: Iterable[date]) -> list[date]:
    """Which of the days lie in ranges that `day_ranges` wrote, in order.

    Raises:
        ValueError: the ranges are not of that form.
    """
    known: set[date] = set()
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("/")
        start, end = date.fromisoformat(first), date.fromisoformat(last)
        known.update(start + timedelta(days=n) for n in range((end - start).days + 1))
    return sorted(known & set(days))
