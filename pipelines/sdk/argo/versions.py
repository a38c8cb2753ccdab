"""What the controllers that people still run do otherwise than the newest, where a pipeline notices it.

Compared were Argo 3.7.16 and 4.0.7, the oldest that run what is compiled here, and 4.1.2, the newest known.
The numbers are those of argoproj/argo-workflows. Fields and expressions do not differ: a test holds both
against what 3.7.16 has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pipelines.sdk.errors import Finding

Template: TypeAlias = Mapping[str, Any]

_SHOWN = 3  # places that a warning names
_OUTPUTS = re.compile(r"tasks(?:\.|\[')([-\w]+)(?:'\])?\??\.outputs")
_RUNS_WITHOUT = re.compile(r"([-\w]+)\.(?:Skipped|Omitted)\b")


@dataclass(frozen=True)
class _Difference:
    """One thing that a later version does otherwise.

    Args:
        since: by minor version, the release that mended it; "" where none of that minor version has.
        what: what happens before that release.
        mend: what else than updating helps; empty for nothing.
        places: of the templates of a pipeline that notice it.
    """

    since: Mapping[str, str]
    what: str
    mend: str
    places: Callable[[str, Template], Iterator[str]]


def warnings(version: str, templates: Mapping[str, Template]) -> list[Finding]:
    """What a pipeline has to expect of a controller.

    Args:
        version: of it, 3.7, 4.0 or 4.1.
        templates: of the pipeline, by name.
    """
    found = []
    for each in _DIFFERENCES:
        if version not in each.since:
            continue
        places = [place for name, template in templates.items() for place in each.places(name, template)]
        if places:
            release = each.since[version]
            before = f"Argo {version} before {release}" if release else f"Argo {version}"
            update = f"update the controller to {release or '4.1'}"
            mend = f"{update}, or {each.mend}" if each.mend else update
            found.append(Finding(f"{before} {each.what}", _shown(places), mend))
    return found


def _shown(places: list[str]) -> str:
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return f"{', '.join(places[:_SHOWN])}{more}"


def _tasks(template: Template) -> Iterable[Mapping[str, Any]]:
    tasks: Iterable[Mapping[str, Any]] = template.get("dag", {}).get("tasks", ())
    return tasks


def _absent(name: str, template: Template) -> Iterator[str]:
    """Tasks that may not run, and whose outputs are read all the same."""
    tasks = _tasks(template)
    skippable = {task["name"] for task in tasks if "when" in task or "withParam" in task}
    read = skippable & _read([template.get("outputs"), [task.get("hooks") for task in tasks]])
    for task in tasks:
        read |= _read(task) & set(_RUNS_WITHOUT.findall(task.get("depends", "")))
    yield from (f"{name}/{task}" for task in sorted(read))


def _read(value: Any) -> set[str]:
    """The tasks whose outputs are read in a part of a template."""
    return set(_OUTPUTS.findall(json.dumps(value)))


def _loops(name: str, template: Template) -> Iterator[str]:
    yield from (f"{name}/{task['name']}" for task in _tasks(template) if "withParam" in task)


def _retries(name: str, template: Template) -> Iterator[str]:
    if "retryStrategy" in template:
        yield name


_DIFFERENCES = (
    # 16223; 3.7.13 and 4.0.4 gave empty text (15841), older ones the tag itself, or waited.
    _Difference(
        {"3.7": "3.7.16", "4.0": "4.0.7"},
        "gives empty text for an output of a step that did not run, or waits for it for ever (#16223)",
        "",
        _absent,
    ),
    # 16450, mended by 16451 and 16454.
    _Difference(
        {"3.7": "3.7.17", "4.0": "4.0.8"},
        "can leave a loop of a run that is retried running for ever, all its iterations ended (#16450)",
        "submit the pipeline anew in place of `retry`",
        _loops,
    ),
    _Difference(
        {"3.7": "", "4.0": ""},
        "shows a step as running for ever where the run is stopped while the step is tried again (#15740)",
        "look at the run's own phase",
        _retries,
    ),
)
