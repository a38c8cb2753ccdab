"""Outputs of a pod: what Argo finds, and which address the record has."""

import json
import os

import pytest
from kfp import dsl

from pipelines.sdk.launch import OutputArtifact
from tests.launch.kfp_steps import task_of
from tests.launch.pods import shell, succeed

component = dsl.component(base_image="python:3.11", install_kfp_package=False)
OURS = "gs://bucket/runs/night-x7k2p/for-loop-1/fit"
POD = "night-x7k2p-fit-77"
M = {"m": OutputArtifact()}
PATH = "{{$.outputs.artifacts['m'].path}}"


def ran(pod, *arguments):
    done = pod.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done


def record(pod, name="m"):
    return json.loads(pod.out(f"a-{name}-file"))


def test_a_folder_goes_out_as_a_folder_without_being_copied(pod):
    pod.write(shell(f'mkdir "{PATH}"; echo 1 > "{PATH}/one"; stat -c %i "{PATH}/one"', output_artifacts=M))
    done = succeed(pod.run())
    one = pod.base / "out" / "artifacts" / "m-file" / "one"
    assert one.read_text() == "1\n"
    assert os.stat(one).st_ino == int(done.stdout)
    assert record(pod)["uri"] == f"{OURS}/m/{POD}"


def test_nothing_goes_out_of_a_step_that_failed(pod):
    pod.write(shell(f'echo 1 > "{PATH}"; exit 3', output_artifacts=M))
    assert pod.run().returncode == 3
    assert not (pod.base / "out" / "artifacts" / "m-file").exists()
    assert not (pod.base / "out" / "a-m-file").exists()


@component
def returned() -> dsl.Model:
    from kfp import dsl

    made = dsl.Model(uri=dsl.get_uri("model"), metadata={"a": 1})
    with open(made.path, "w") as file:
        file.write("abc")
    return made


def test_an_artifact_in_the_tasks_own_folder_goes_out_under_its_name(pod):
    pod.write(task_of(returned))
    ran(pod)
    made = record(pod, "Output")
    assert (made["uri"], made["metadata"]) == (f"{OURS}/Output/{POD}/model", {"a": 1})
    assert pod.out("artifacts/Output-file/model") == "abc"


@component
def two_names(left: dsl.Output[dsl.Dataset], right: dsl.Output[dsl.Dataset]):
    from kfp import dsl

    left.uri = right.uri = dsl.get_uri("both")
    with open(left.path, "w") as file:
        file.write("abc")


def test_two_outputs_in_one_place_have_one_address(pod):
    pod.write(task_of(two_names))
    ran(pod)
    assert record(pod, "left")["uri"] == record(pod, "right")["uri"] == f"{OURS}/left/{POD}/both"
    assert pod.out("artifacts/left-file/both") == "abc"


@component
def elsewhere(uri: str, m: dsl.Output[dsl.Model], write: bool):
    import os

    m.uri = uri
    if write:
        os.makedirs(os.path.dirname(m.path), exist_ok=True)
        with open(m.path, "w") as file:
            file.write("abc")


def test_a_path_that_ends_with_the_pod_goes_out_too(pod, tmp_path):
    pod.write(task_of(elsewhere))
    ran(pod, f"--in=uri={json.dumps(str(tmp_path / 'scratch' / 'x.txt'))}", "--in=write=true")
    assert record(pod)["uri"] == f"{OURS}/m/{POD}/x.txt"
    assert pod.out("artifacts/m-file/x.txt") == "abc"


@pytest.mark.parametrize("uri", ["gs://other/place/x", "models:/weather/3", "/etc/nothing/there", "s3://b/x"])
def test_an_address_that_the_step_only_names_stays(pod, uri):
    pod.write(task_of(elsewhere))
    ran(pod, f"--in=uri={json.dumps(uri)}", "--in=write=false")
    assert record(pod)["uri"] == uri
    assert not (pod.base / "out" / "artifacts" / "m-file").exists()


def test_what_is_written_for_another_kind_of_bucket_needs_a_client(pod, tmp_path):
    pod.write(task_of(elsewhere))
    mount = f"--mount=s3://={tmp_path}/s3/"
    done = pod.run('--in=uri="s3://other/x"', "--in=write=true", mount)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "error: task for-loop-1/fit, output 'm': the step gave it the address s3://other/x"
    )
    assert "s3fs" in last
    assert "leave its uri as it was" in last


@component
def passed_on(d: dsl.Input[dsl.Dataset], m: dsl.Output[dsl.Dataset]):
    m.uri = d.uri


def test_an_input_that_is_passed_on_stays_where_it_is(pod):
    pod.write(task_of(passed_on))
    (pod.base / "in" / "d").write_text("abc")
    uri = "gs://bucket/runs/other/d/p"
    given = {"name": "d", "type": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
             "uri": uri, "metadata": {}}  # fmt: skip
    ran(pod, f"--artifact=d={json.dumps(given)}", f"--held=d={pod.base}/in/d")
    assert record(pod)["uri"] == uri
    assert (pod.base / "in" / "d").read_text() == "abc"
