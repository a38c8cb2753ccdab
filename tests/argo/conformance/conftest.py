"""One batch of workflows for all tests of this folder."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.sdk.kube import Cluster
from tests.argo.conformance import batch, harness
from tests.argo.conformance.batch import Done
from tests.argo.conformance.harness import Prepared
from tests.argo.services import Shared
from tests.conformance.case import Case
from tests.conformance.test_conformance import CASES

NEED_PYTHON: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ran:
    """A case, and what came of it."""

    prepared: Prepared
    done: Done


@pytest.fixture(scope="session")
def shared(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """A folder that steps see too."""
    made = Shared(tmp_path_factory.mktemp("shared"), f"conformance-{uuid.uuid4().hex[:8]}")
    made.make(cluster)
    yield made
    made.remove(cluster)


@pytest.fixture(scope="session")
def ir_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled pipelines are."""
    return tmp_path_factory.mktemp("ir")


@pytest.fixture(scope="session")
def on_argo(
    cluster: Cluster, shared: Shared, ir_folder: Path, request: pytest.FixtureRequest
) -> Callable[[Case], Ran]:
    """What Argo makes of a case; all cases that are asked for are run at once, when the first is."""
    wanted = {
        case.name
        for item in request.session.items
        for case in [getattr(getattr(item, "callspec", None), "params", {}).get("case")]
        if isinstance(case, Case) and "on_argo" in getattr(item, "fixturenames", ())
    }
    prepared = {
        case.name: harness.prepare(case, f"{shared.name}-{number}", ir_folder, shared, NEED_PYTHON)
        for number, case in enumerate(CASES)
        if case.name in wanted
    }
    done = batch.run_all(cluster, shared.name, [each.job for each in prepared.values()])
    return lambda case: Ran(prepared[case.name], done[case.name])
