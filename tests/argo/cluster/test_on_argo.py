"""The commands against Argo's own controller: runs that succeed, fail, are stopped and are retried."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster import pods as log_of_pods
from pipelines.sdk.argo.cluster.kinds import CONFIG_MAP, CRON, ENDED, POD, TEMPLATE, WORKFLOW, phase
from pipelines.sdk.argo.cluster.nodes import nodes, steps
from pipelines.sdk.kube import Cluster, Selection
from tests.argo.cluster import pipelines
from tests.argo.cluster.conftest import Command
from tests.argo.services import wait_for
from tests.conftest import ROOT

pytestmark = [pytest.mark.argo, pytest.mark.slow]
MINUTES = 180.0  # seconds that a run may take on a machine that is busy


@pytest.fixture(autouse=True)
def swept(cluster: Cluster) -> Iterator[None]:
    """Deletes what the tests of this file have made; the namespace is everybody's."""
    yield
    for name in ("plain", "grid", "long", "stuck", "ending"):
        chosen = Selection(labels=f"app.kubernetes.io/name=c-{name}", metadata_only=True)
        for kind in (CRON, TEMPLATE, WORKFLOW, CONFIG_MAP):
            for each in kube.listing(cluster, kind, chosen):
                kube.delete(cluster, kind, each["metadata"]["name"])


@pytest.fixture
def on_argo(cluster: Cluster, command: Command, compiled: Callable[[Any], str]) -> Callable[..., Any]:
    """`submit` of a pipeline under a name of this file's."""

    def run(pipeline: Any, *options: str) -> Any:
        arguments = (compiled(pipeline), "--name", f"c-{pipeline.name}", "--json", *options)
        return command("submit", *arguments, cluster=cluster)

    return run


@pytest.fixture
def switch(cluster: Cluster) -> Iterator[Callable[[str], None]]:
    """Says which numbers `square` cannot do."""

    def set_(numbers: str) -> None:
        metadata = {"name": pipelines.SWITCH}
        kube.apply(
            cluster,
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"FAIL": numbers}},
        )

    yield set_
    kube.delete(cluster, CONFIG_MAP, pipelines.SWITCH)


def by_name(done: Any) -> dict[str, str]:
    return {each["name"]: each["status"] for each in done.json["tasks"]}


def pods_of(cluster: Cluster, run: str) -> set[str]:
    chosen = Selection(labels=f"workflows.argoproj.io/workflow={run}", metadata_only=True)
    return {each["metadata"]["uid"] for each in kube.listing(cluster, POD, chosen)}


def test_a_run_that_succeeds_is_shown_step_by_step_and_its_logs_and_costs_can_be_read(
    cluster, command, on_argo
):
    done = on_argo(pipelines.plain, "-p", "words=a {{workflow.name}} b", "--watch")
    assert (done.code, done.json["status"], by_name(done)) == (0, "SUCCEEDED", {"say": "SUCCEEDED"})
    assert "✓ say" in done.err
    run = done.json["run"]
    assert "said a {{workflow.name}} b" in command("logs", run, "say", cluster=cluster).out.splitlines()
    told = command("status", "c-plain", "--cost", "--json", cluster=cluster).json["runs"][0]
    (step,) = told["steps"]
    assert (told["phase"], step["step"], step["pods"]) == ("Succeeded", "say", 1)
    assert step["hours"].keys() >= {"cpu", "memory"}


def test_a_run_that_failed_tells_why_and_goes_on_where_it_failed(cluster, command, on_argo, switch):
    switch("4")
    done = on_argo(pipelines.grid, "--wait")
    run = done.json["run"]
    assert (done.code, done.json["status"]) == (1, "FAILED")
    found = by_name(done)
    failed = {name for name, status in found.items() if status == "FAILED" and name.endswith("square")}
    assert {each.rpartition("for-loop")[2].partition("/")[0][-2:] for each in failed} == {".1"} and len(
        failed
    ) == 2
    assert found["tell"] == "SUCCEEDED" and "SKIPPED" in {s for n, s in found.items() if "say-2" in n}
    assert done.err.count("cannot do 4") == 2 and "exit code 1" in done.err and "argo=true" not in done.err

    before = {each.path: each for each in steps(kube.get(cluster, WORKFLOW, run))}
    old_pods = pods_of(cluster, run)
    again = command("retry", run, "--dry-run", "--json", cluster=cluster).json["again"]
    assert {each for each in again if each.endswith("square")} == failed and "tell" in again
    assert pods_of(cluster, run) == old_pods and phase(kube.get(cluster, WORKFLOW, run)) == "Failed"

    # It fails once more, which leaves the statuses of a second kind: of a run that was retried.
    assert command("retry", run, "--wait", cluster=cluster).code == 1
    switch("")
    done = command("retry", run, "--watch", "--json", cluster=cluster)
    assert (done.code, done.json["status"]) == (0, "SUCCEEDED")
    assert set(by_name(done).values()) == {"SUCCEEDED"}
    after = {each.path: each for each in steps(kube.get(cluster, WORKFLOW, run))}
    kept = {path for path, each in before.items() if each.phase == "Succeeded" and path != "tell"}
    assert {path for path in kept if after[path].started == before[path].started} == kept and len(kept) >= 3
    assert after["tell"].started > before["tell"].started
    assert {
        tuple(nodes(kube.get(cluster, WORKFLOW, run))[n]["phase"] for n in each.pods)
        for each in after.values()
    } == {("Succeeded",)}


def test_a_run_whose_exit_handler_failed_has_failed_and_the_handler_alone_starts_again(
    cluster, command, on_argo, switch
):
    switch("4")
    done = on_argo(pipelines.ending, "--wait")
    run = done.json["run"]
    assert (done.code, done.json["status"], done.err.count("cannot do 4")) == (1, "FAILED", 1)
    told = command("status", "c-ending", "--json", cluster=cluster).json["runs"][0]
    assert (told["run"], told["phase"]) == (run, "Failed")
    switch("")
    assert command("retry", run, "--dry-run", "--json", cluster=cluster).json["again"] == ["square"]
    done = command("retry", run, "--wait", "--json", cluster=cluster)
    assert (done.code, by_name(done)) == (0, {"exit-handler-1/say": "SUCCEEDED", "square": "SUCCEEDED"})


def test_a_new_run_with_the_arguments_of_an_old_one(cluster, command, on_argo):
    first = on_argo(pipelines.plain, "-p", "words=once more", "--wait").json["run"]
    done = command("retry", first, "--from-start", "--wait", "--json", cluster=cluster)
    assert done.code == 0 and done.json["run"] != first
    assert "said once more" in command("logs", done.json["run"], cluster=cluster).out


def begun(cluster: Cluster, run: str) -> bool | None:
    workflow = kube.get(cluster, WORKFLOW, run)
    return any(each.phase == "Running" for each in steps(workflow)) or None


def test_a_run_that_is_stopped_starts_its_exit_handlers_and_can_be_taken_up_again(cluster, command, on_argo):
    run = on_argo(pipelines.long, "-p", "seconds=15").json["run"]
    wait_for("the step", lambda: begun(cluster, run), MINUTES)
    assert command("stop", run, cluster=cluster).code == 0
    done = command("watch", run, "--json", cluster=cluster)
    assert (done.code, done.json["status"]) == (1, "CANCELLED")
    assert by_name(done)["exit-handler-1/sleep"] == "CANCELLED"
    # Argo ends the run without waiting for the handler that it has started.
    handler = lambda: "said the end" in command("logs", run, "tell", cluster=cluster).out or None  # noqa: E731
    wait_for("the handler", handler, MINUTES)
    done = command("retry", run, "--wait", "--json", cluster=cluster)
    assert (done.code, by_name(done)) == (0, {"exit-handler-1/sleep": "SUCCEEDED", "tell": "SUCCEEDED"})


def test_a_run_that_is_terminated_skips_them(cluster, command, on_argo):
    run = on_argo(pipelines.long).json["run"]
    wait_for("the step", lambda: begun(cluster, run), MINUTES)
    command("stop", run, "--terminate", cluster=cluster)
    done = command("watch", run, "--json", cluster=cluster)
    assert done.json["status"] == "CANCELLED" and by_name(done).get("tell") != "SUCCEEDED"


def test_ctrl_c_leaves_the_run_running_and_says_how_to_go_on(cluster, command, on_argo):
    run = on_argo(pipelines.long).json["run"]
    arguments = [sys.executable, "-m", "pipelines.sdk", "watch", run, "-n", cluster.namespace]
    watching = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    assert watching.stderr is not None and run in watching.stderr.readline()
    wait_for("the step", lambda: begun(cluster, run), MINUTES)
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=30)
    assert watching.returncode == 130 and f"watch {run}" in err and f"stop {run}" in err
    assert "Traceback" not in err and phase(kube.get(cluster, WORKFLOW, run)) not in ENDED


def test_logs_are_followed_while_steps_write_them(cluster, command, on_argo, monkeypatch):
    # Each connection ends before the step has said its next word.
    monkeypatch.setattr(log_of_pods, "SILENT_SECONDS", 1.0)
    run = on_argo(pipelines.long, "-p", "seconds=5").json["run"]
    done = command("logs", run, "--follow", cluster=cluster)
    lines = done.out.splitlines()
    assert [line for line in lines if "sleep |" in line] == [
        "exit-handler-1/sleep | begun",
        "exit-handler-1/sleep | rested",
    ]
    assert "tell | said the end" in lines and done.err.splitlines()[-1] == f"{run}: Succeeded"


def test_a_pod_that_cannot_start_is_told_with_its_reason_while_the_run_waits(cluster, on_argo):
    run = on_argo(pipelines.stuck).json["run"]
    arguments = [sys.executable, "-m", "pipelines.sdk", "watch", run, "-n", cluster.namespace]
    watching = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    assert watching.stderr is not None
    told = next(line for line in watching.stderr if "waits:" in line)
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=30)
    assert "unpullable waits:" in told and "localhost/no/such" in told
