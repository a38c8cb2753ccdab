"""What a run cost, estimated from what Argo says its pods had reserved, and for how long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.sdk.argo.cluster.nodes import nodes, path
from pipelines.sdk.errors import Finding, UsageError

# Argo counts seconds of one unit of each resource; these are the units that are not 1
# (`resourcesDuration`: 100Mi for memory, 10Gi for storage).
_GIB_OF_A_UNIT = {"memory": 100 / 1024, "storage": 10.0, "ephemeral-storage": 10.0}

PRICES: Mapping[str, float] = {"cpu": 0.04, "memory": 0.005, "nvidia.com/gpu": 2.5}
"""Of a core, a GiB and a piece, for an hour: about what clouds ask; `--price` sets others."""

_ITERATION = re.compile(r"\.\d+(?=/|$)")


@dataclass(frozen=True)
class Usage:
    """What a step has used, all its pods together.

    Args:
        step: its path, without the numbers of iterations.
        pods: how many it had.
        hours: of a core, a GiB or a piece, by resource.
    """

    step: str
    pods: int
    hours: Mapping[str, float]

    def cost(self, prices: Mapping[str, float]) -> float:
        """At these prices; what has none costs nothing."""
        return sum(hours * prices.get(resource, 0.0) for resource, hours in self.hours.items())


@dataclass
class _Sum:
    pods: int = 0
    hours: dict[str, float] = field(default_factory=dict)


def usage(workflow: Mapping[str, Any]) -> list[Usage]:
    """What each step of a run has used, in the order of their names.

    Groups have sums of their own in the status; pods alone are counted here, each attempt of a step as well.

    Raises:
        EnvironmentProblem: see `nodes.nodes`.
    """
    found = nodes(workflow)
    sums: dict[str, _Sum] = {}
    for node in found.values():
        if node["type"] != "Pod":
            continue
        total = sums.setdefault(without_iterations(path(node, found)), _Sum())
        total.pods += 1
        for resource, seconds in (node.get("resourcesDuration") or {}).items():
            hours = float(seconds) * _GIB_OF_A_UNIT.get(resource, 1.0) / 3600
            total.hours[resource] = total.hours.get(resource, 0.0) + hours
    return [Usage(step, total.pods, total.hours) for step, total in sorted(sums.items())]


def without_iterations(path: str) -> str:
    """A path of a run's step as the pipeline has it: `for-loop-1/fit` for `for-loop-1.0/fit`."""
    return _ITERATION.sub("", path)


def total(used: Iterable[Usage], prices: Mapping[str, float]) -> float:
    """Of all steps."""
    return sum(each.cost(prices) for each in used)


def unpriced(used: Iterable[Usage], prices: Mapping[str, float]) -> list[str]:
    """Resources that were used and have no price."""
    return sorted({resource for each in used for resource in each.hours} - prices.keys())


def prices(text: str) -> dict[str, float]:
    """Reads `cpu=0.04,memory=0.005,nvidia.com/gpu=2.5`; what is not named keeps its price in PRICES.

    Args:
        text: may be empty.

    Raises:
        UsageError: with everything in it that is no price.
    """
    found = dict(PRICES)
    findings = []
    for pair in filter(None, (each.strip() for each in text.split(","))):
        resource, equals, number = (each.strip() for each in pair.partition("="))
        if not equals or not resource or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", number):
            findings.append(Finding(f"{pair!r} is no price", "--price", "as in cpu=0.04,memory=0.005"))
        else:
            found[resource] = float(number)
    if findings:
        raise UsageError(*findings)
    return found
