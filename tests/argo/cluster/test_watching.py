"""`watch` on a real API server, with the test in the controller's place: every state is written by hand."""

from __future__ import annotations

import threading
import time
from io import StringIO

import pytest
from rich.console import Console

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster import following, watching
from pipelines.sdk.argo.cluster.following import Board
from pipelines.sdk.argo.cluster.kinds import WORKFLOW, phase
from pipelines.sdk.argo.cluster.watching import states
from pipelines.sdk.errors import Exit, PipelineError, RunFailed, Unreachable
from pipelines.sdk.kube import Cluster
from pipelines.sdk.progress import Progress
from tests.argo.cluster.nodes import node, pod, workflow

pytestmark = pytest.mark.cluster


@pytest.fixture
def run(api):
    """A run that no controller knows."""
    spec = {"entrypoint": "a", "templates": [{"name": "a", "suspend": {}}]}
    document = {
        "apiVersion": WORKFLOW.api_version,
        "kind": "Workflow",
        "metadata": {"generateName": "w-"},
        "spec": spec,
    }
    return kube.create(api, document)


def write(api, run, **status):
    kube.patch(api, WORKFLOW, run["metadata"]["name"], {"status": status})


def later(*actions):
    """Does things from another thread, while the test watches."""

    def work():
        for action in actions:
            time.sleep(0.3)
            action()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def phases(found):
    return [phase(each) for each in found if each is not None]


def test_every_change_is_seen_until_the_run_has_ended(api, run):
    thread = later(lambda: write(api, run, phase="Running"), lambda: write(api, run, phase="Succeeded"))
    assert phases(states(api, run)) == ["", "Running", "Succeeded"]
    thread.join()


def test_a_run_that_has_ended_is_not_waited_for(api, run):
    write(api, run, phase="Failed")
    assert phases(states(api, kube.get(api, WORKFLOW, run["metadata"]["name"]))) == ["Failed"]


def test_a_run_that_is_deleted_is_said_to_be(api, run):
    name = run["metadata"]["name"]
    thread = later(lambda: kube.delete(api, WORKFLOW, name))
    with pytest.raises(RunFailed, match="was deleted"):
        list(states(api, run))
    thread.join()


def test_a_watch_goes_on_after_its_request_has_ended(api, run, monkeypatch):
    monkeypatch.setattr(watching, "SPELL_SECONDS", 1)
    seen = []
    for state in states(api, run):
        seen.append(state)
        if seen.count(None) == 2 and phase(seen[0]) == "" and state is None:
            write(api, run, phase="Succeeded")
    assert seen.count(None) >= 2 and phase(seen[-1]) == "Succeeded"


def test_a_watch_from_a_version_that_the_server_has_forgotten_reads_the_run_anew(api, run):
    write(api, run, phase="Succeeded")
    forgotten = {**run, "metadata": {**run["metadata"], "resourceVersion": "1"}}
    assert phases(states(api, forgotten))[-1] == "Succeeded"


def test_a_cluster_that_goes_away_is_told_once_and_waited_for(api, run, monkeypatch):
    monkeypatch.setattr(watching, "GIVE_UP_SECONDS", 1)
    monkeypatch.setattr(watching, "_PAUSE_SECONDS", 0.3)
    away = Cluster(_elsewhere(api), api.namespace, "https://127.0.0.1:1")
    lost = []
    with pytest.raises(Unreachable, match="does not answer"):
        list(states(away, run, lost.append))
    assert len(lost) == 1


def _elsewhere(api):
    from kubernetes import client

    configuration = client.Configuration()
    configuration.host = "https://127.0.0.1:1"
    configuration.retries = False
    return client.ApiClient(configuration)


def board(api, progress=None):
    text = StringIO()
    console = Console(file=text, width=200)
    return Board(api, "run", progress, console), text


def test_a_run_that_no_controller_picks_up_is_told_once(api, monkeypatch):
    monkeypatch.setattr(following, "NO_CONTROLLER_SECONDS", -1.0)
    made, text = board(api)
    for _ in range(3):
        made.hindrances({"metadata": {"name": "run"}}, [])
    assert text.getvalue().count("does an Argo controller watch namespace") == 1


def test_a_run_that_no_controller_picks_up_is_not_waited_for_for_ever(api, monkeypatch):
    monkeypatch.setattr(following, "GIVE_UP_SECONDS", -1.0)
    made, _ = board(api)
    made.patience(workflow(phase="Pending"))  # a controller has looked at it
    with pytest.raises(Unreachable, match="no Argo controller has looked at it") as caught:
        made.patience({"metadata": {"name": "run"}})
    assert api.namespace in caught.value.findings[0].mend


def test_a_run_is_waited_for_as_long_as_was_asked(api, command, run):
    done = command("watch", run["metadata"]["name"], "--timeout", "0.001", cluster=api)
    assert done.code == Exit.UNREACHABLE
    assert "it has not ended in 0.001 s" in done.err and f"stop {run['metadata']['name']}" in done.err
    done = command("logs", run["metadata"]["name"], "-f", "--timeout", "0.001", cluster=api)
    assert done.code == Exit.UNREACHABLE and "it has not ended" in done.err


def test_a_run_that_has_to_wait_as_a_whole_is_told_once_with_the_reason(api):
    made, text = board(api)
    for _ in range(3):
        made.update(workflow(phase="Pending", message="too many workflows are already running"))
    assert text.getvalue().splitlines() == ["the run waits: too many workflows are already running"]


def waiting(name, message):
    return pod(f"pipeline.{name}", phase="Pending", message=message)


def test_a_pod_that_waits_for_something_that_will_not_come_is_told_once_with_the_reason(api):
    made, text = board(api)
    for message in ("ErrImagePull: no x", "ImagePullBackOff: Back-off pulling image x", "ErrImagePull: y"):
        made.update(workflow(waiting("fit", message), phase="Running"))
    assert text.getvalue().splitlines() == [
        "fit waits: ErrImagePull: no x",
        "it goes on by itself once that is mended; to end the run: stop run",
    ]


def test_iterations_of_a_loop_that_wait_for_the_same_are_told_once(api):
    made, text = board(api)
    message = "Unschedulable: 0/1 nodes are available"
    made.update(workflow(*(waiting(f"fit({i}:{i})", message) for i in range(5)), phase="Running"))
    assert text.getvalue().count("waits:") == 1


def test_a_pod_that_waits_long_for_a_reason_nobody_foresaw_is_told_too(api, monkeypatch):
    monkeypatch.setattr(following, "STUCK_SECONDS", -1.0)
    made, text = board(api)
    made.update(workflow(waiting("fit", 'pods "fit" is forbidden: exceeded quota'), phase="Running"))
    assert 'fit waits: pods "fit" is forbidden: exceeded quota' in text.getvalue()


def test_each_step_is_shown_once_as_it_ends_and_again_after_a_retry():
    text = StringIO()
    progress = Progress(console=Console(file=text, width=200))
    made = Board(Cluster(None, "ml", "s"), "run", progress, progress.console)
    running = workflow(pod("pipeline.fit", phase="Running"), pod("pipeline.load"), phase="Running")
    ended = workflow(pod("pipeline.fit", phase="Failed"), pod("pipeline.load"), phase="Failed")
    for state in (running, running, ended, ended, running, ended):
        made.update(state)
    lines = [line.split()[:2] for line in text.getvalue().splitlines()]
    assert lines == [["✓", "load"], ["✗", "fit"], ["✗", "fit"]]


def test_what_runs_is_shown_with_what_it_waits_for():
    progress = Progress(console=Console(file=StringIO()))
    made = Board(Cluster(None, "ml", "s"), "run", progress, progress.console)
    waiting = pod("pipeline.fit", phase="Pending", message="ContainerCreating")
    made.update(workflow(waiting, pod("pipeline.load", phase="Running"), phase="Running"))
    assert set(progress.running) == {"fit  (pending: ContainerCreating)", "load"}


def test_watch_ends_with_the_phase_as_its_exit_code_and_the_same_keys_as_a_local_run(api, command, run):
    name = run["metadata"]["name"]
    nodes = workflow(pod("pipeline.fit", outputs={"exitCode": "0"}))["status"]["nodes"]
    write(
        api,
        run,
        phase="Succeeded",
        nodes=nodes,
        startedAt="2026-11-23T10:00:00Z",
        finishedAt="2026-11-23T10:00:30Z",
    )
    done = command("watch", name, "--json", cluster=api)
    assert done.code == 0 and {"run", "pipeline", "status", "seconds", "tasks", "outputs"} <= done.json.keys()
    assert (done.json["status"], done.json["seconds"]) == ("SUCCEEDED", 30.0)


def test_an_error_of_the_workflow_itself_is_told_in_argos_words(api, command, run):
    write(api, run, phase="Error", message="invalid spec: templates.main undefined variable")
    done = command("watch", run["metadata"]["name"], cluster=api)
    assert done.code == 1 and "Argo says: invalid spec: templates.main undefined variable" in done.err


def test_the_log_of_a_step_whose_pod_is_gone_is_said_to_be_gone_and_where_argo_kept_it(api, command, run):
    artifact = {"name": "main-logs", "s3": {"key": "logs/fit/main.log"}}
    nodes = workflow(pod("pipeline.fit", outputs={"artifacts": [artifact]}), pod("pipeline.load"))["status"][
        "nodes"
    ]
    repository = {"artifactRepository": {"s3": {"bucket": "b"}}}
    write(api, run, phase="Succeeded", nodes=nodes, artifactRepositoryRef=repository)
    done = command("logs", run["metadata"]["name"], "--json", cluster=api)
    notes = {each["step"]: each["note"] for each in done.json["steps"]}
    assert (
        "s3://b/logs/fit/main.log" in notes["fit"] and notes["load"] == "its pod is gone, and its log with it"
    )


def test_a_step_that_a_run_does_not_have_is_refused_with_those_that_it_has(api, command, run):
    write(api, run, phase="Succeeded", nodes=workflow(pod("pipeline.fit"))["status"]["nodes"])
    done = command("logs", run["metadata"]["name"], "fti", cluster=api)
    assert done.code == 2 and "no such step" in done.err and "fit" in done.err


def test_a_run_that_goes_on_is_not_retried_and_one_that_ended_not_stopped(api, command, run):
    name = run["metadata"]["name"]
    write(api, run, phase="Running")
    assert "has not ended" in command("retry", name, cluster=api).err
    write(api, run, phase="Succeeded")
    assert "it succeeded" in command("retry", name, cluster=api).err
    done = command("stop", name, cluster=api)
    assert done.code == 2 and "ended already" in done.err


def test_stop_asks_argo_to_stop_and_terminate_to_skip_the_exit_handlers(api, command, run):
    name = run["metadata"]["name"]
    write(api, run, phase="Running")
    assert command("stop", name, "--dry-run", cluster=api).code == 0
    assert "shutdown" not in kube.get(api, WORKFLOW, name)["spec"]
    command("stop", name, cluster=api)
    assert kube.get(api, WORKFLOW, name)["spec"]["shutdown"] == "Stop"
    command("stop", name, "--terminate", cluster=api)
    assert kube.get(api, WORKFLOW, name)["spec"]["shutdown"] == "Terminate"


def test_retry_of_a_run_whose_code_is_gone_says_so_and_changes_nothing(api, command, run):
    name = run["metadata"]["name"]
    stored = {"volumes": [{"name": "steps", "configMap": {"name": "pruned-long-ago"}}]}
    nodes = workflow(node("pipeline.fit", "Pod", "pipeline", "Failed"))["status"]["nodes"]
    write(api, run, phase="Failed", nodes=nodes, storedWorkflowTemplateSpec=stored)
    done = command("retry", name, cluster=api)
    assert done.code == 2 and "pruned-long-ago" in done.err and "--from-start" in done.err
    assert phase(kube.get(api, WORKFLOW, name)) == "Failed"


def test_a_watch_that_is_forbidden_is_an_error_and_not_a_pause(api, login, run):
    read = {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["get"]}
    mine = kube.connect(api.namespace, env={"KUBECONFIG": str(login(read))})
    with pytest.raises(PipelineError, match="may not watch workflows"):
        list(states(mine, run))


def test_a_step_that_has_not_begun_is_waited_for_and_that_is_said(api, command, run):
    nodes = workflow(pod("pipeline.load"))["status"]["nodes"]
    for node_ in nodes.values():
        node_["name"] = node_["name"].replace("run", run["metadata"]["name"], 1)
    write(api, run, phase="Running", nodes=nodes)
    later(lambda: write(api, run, phase="Succeeded"))
    done = command("logs", run["metadata"]["name"], "fit", "-f", cluster=api)
    assert done.code == Exit.USAGE and "steps that have begun: load" in done.err
    assert done.err.count("no step fit has begun yet, waiting for it; begun: load") == 1
