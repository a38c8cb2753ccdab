"""A run of the train pipeline on a cluster, and all the pods that it ever had."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import POD, WORKFLOW
from pipelines.sdk.kube import Cluster
from tests.argo.train.conftest import Train
from tests.conftest import ROOT, Finished


@dataclass(frozen=True)
class Night:
    """A run that has ended.

    Args:
        done: what the command left behind.
        workflow: the run, as Argo has it.
        pods: names of all pods that it ever had.
    """

    done: Finished
    workflow: Mapping[str, Any]
    pods: frozenset[str]

    @property
    def name(self) -> str:
        return str(self.workflow["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self.workflow["metadata"]["uid"])

    def outputs(self, task: str) -> dict[str, Any]:
        return dict(self.done.task(task)["outputs"])


def run(cluster: Cluster, submit: Train, *arguments: str, project: Path = ROOT) -> Night:
    before = kube.request(cluster, "GET", POD.path(cluster.namespace), query=[("limit", "1")])
    done = submit(*arguments, project=project)
    assert done.out, done.err
    workflow = kube.get(cluster, WORKFLOW, done.json["run"])
    assert workflow is not None
    pods = pods_since(cluster, before["metadata"]["resourceVersion"], done.json["run"])
    return Night(done, workflow, pods)


def pods_since(cluster: Cluster, version: str, run: str) -> frozenset[str]:
    """All pods that a run has had, those that are gone again too: a watch tells what it has missed."""
    label = f"workflows.argoproj.io/workflow={run}"
    query = [
        ("watch", "true"),
        ("labelSelector", label),
        ("resourceVersion", version),
        ("timeoutSeconds", "3"),
    ]
    events = [json.loads(line) for line in kube.stream(cluster, POD.path(cluster.namespace), query)]
    assert all(event["type"] in ("ADDED", "MODIFIED", "DELETED") for event in events), events
    return frozenset(event["object"]["metadata"]["name"] for event in events)
