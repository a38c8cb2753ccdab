"""A run as a stream of its states, through everything that happens to long connections."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import ENDED, WORKFLOW, phase
from pipelines.sdk.errors import Finding, RunFailed, Unreachable
from pipelines.sdk.kube import ApiError, Cluster

SPELL_SECONDS = 5
"""Of one watch request. A new one follows, so a dead connection is noticed and the viewer's clock goes on."""

GIVE_UP_SECONDS = 600
"""Without an answer, after which a watch ends; a control plane that is being upgraded is back before that."""

_GONE = 410
_BUSY = 429  # and above: the server, or what stands before it, has a bad moment
_PAUSE_SECONDS = 2.0

Workflow = dict[str, Any]


def states(
    cluster: Cluster, workflow: Workflow, lost: Callable[[Unreachable], None] = lambda error: None
) -> Iterator[Workflow | None]:
    """A run's states until it has ended, the last one included.

    Args:
        cluster: see Cluster.
        workflow: the run, as it was read.
        lost: told once when the cluster stops answering; the watch goes on.

    Yields:
        The Workflow whenever it has changed; None after a while in which it has not.

    Raises:
        RunFailed: the run was deleted.
        ApiError: it may not be watched.
        Unreachable: the cluster has not answered for GIVE_UP_SECONDS.
    """
    name = workflow["metadata"]["name"]
    yield workflow
    silence = _Silence(lost)
    while phase(workflow) not in ENDED:
        try:
            for state in _spell(cluster, name, workflow["metadata"]["resourceVersion"]):
                workflow = state
                yield workflow
                if phase(workflow) in ENDED:
                    return
            silence.ended()
            yield None
        except Unreachable as error:
            status = error.status if isinstance(error, ApiError) else _BUSY
            if status == _GONE:
                workflow = _again(cluster, name)
                silence.ended()
                yield workflow
            elif status < _BUSY:
                raise
            else:
                silence.goes_on(error)
                yield None


class _Silence:
    """How long the cluster has not answered.

    Args:
        lost: told when it begins.
    """

    def __init__(self, lost: Callable[[Unreachable], None]) -> None:
        self._lost = lost
        self._since = 0.0

    def ended(self) -> None:
        """The cluster has answered."""
        self._since = 0.0

    def goes_on(self, error: Unreachable) -> None:
        """It has not: pauses, or gives up.

        Raises:
            Unreachable: after GIVE_UP_SECONDS.
        """
        if not self._since:
            self._since = time.monotonic()
            self._lost(error)
        if time.monotonic() - self._since > GIVE_UP_SECONDS:
            raise error
        time.sleep(_PAUSE_SECONDS)


def _spell(cluster: Cluster, name: str, version: str) -> Iterator[Workflow]:
    """The changes of a run during one watch request."""
    query = [
        ("watch", "true"),
        ("fieldSelector", f"metadata.name={name}"),
        ("resourceVersion", version),
        ("timeoutSeconds", str(SPELL_SECONDS)),
    ]
    path = WORKFLOW.path(cluster.namespace)
    for line in kube.stream(cluster, path, query, read_seconds=SPELL_SECONDS + 10):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except ValueError:  # the connection broke in the middle of it: the next spell brings it again
            return
        if event["type"] == "ERROR":
            code = int(event["object"].get("code") or 0)
            raise ApiError(Finding(str(event["object"].get("message")), f"Workflow {name}"), code)
        if event["type"] == "DELETED":
            raise deleted(cluster, name)
        yield event["object"]


def _again(cluster: Cluster, name: str) -> Workflow:
    """The run as it is now, where the server remembers too little to go on from where we were."""
    found = kube.get(cluster, WORKFLOW, name)
    if found is None:
        raise deleted(cluster, name)
    return found


def deleted(cluster: Cluster, name: str) -> RunFailed:
    """What to say of a run that is there no more."""
    mend = "its time to live was over, or somebody deleted it; its artifacts are still in the bucket"
    return RunFailed(
        Finding("the run was deleted", f"Workflow {name} in namespace {cluster.namespace}", mend)
    )
