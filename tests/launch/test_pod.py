"""A step in a pod: the launcher with a pod's arguments and folders, as Argo starts it."""

import functools
import http.server
import json
import sys
import threading
from pathlib import Path

import pytest
from kfp import dsl

from pipelines.sdk.launch import (
    InputArtifact,
    InputParameter,
    OutputArtifact,
    TaskDocument,
    encode,
    twin,
    untwin,
)
from pipelines.sdk.launch.project import digest
from tests.launch.kfp_steps import task_of
from tests.launch.pods import NASTY, shell, succeed


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def trained(text: str, count: int, model: dsl.Output[dsl.Model], data: dsl.Input[dsl.Dataset]) -> str:
    import os
    from pathlib import Path

    Path(model.path).write_text(Path(data.path).read_text() * count)
    model.metadata["count"] = count
    return text + os.environ["PIPELINE_TASK"] + os.environ["PIPELINE_RUN_ID"]


def test_a_lightweight_component_runs_at_once_and_its_results_are_files_for_argo(pod):
    pod.write(task_of(trained))
    (pod.base / "in" / "data").write_text("abc")
    record = {"name": "data", "type": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
              "uri": "gs://bucket/runs/night-x7k2p/load/data/p", "metadata": {}}  # fmt: skip
    done = pod.run(
        f"--in=text={encode(NASTY)}", "--in=count=2", f"--artifact=data={json.dumps(record)}",
        f"--held=data={pod.base}/in/data",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(pod.out("p-Output-file")) == f"{NASTY}for-loop-1/fit0c1d"
    assert untwin(pod.out("c-Output-file")) == pod.out("p-Output-file")
    model = json.loads(pod.out("a-model-file"))
    assert model["uri"] == "gs://bucket/runs/night-x7k2p/for-loop-1/fit/model/night-x7k2p-fit-77"
    assert model["metadata"]["count"] == 2
    assert untwin(pod.out("ac-model-file")) == pod.out("a-model-file")
    assert pod.out("artifacts/model-file") == "abcabc"


def record(uri, **metadata):
    kind = {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}
    return {"name": "d", "type": kind, "uri": uri, "metadata": metadata}


def given(uri, name="d"):
    return f"--artifact={name}={json.dumps(record(uri))}"


ONE = {"d": InputArtifact()}
SHOW = "cat \"{{$.inputs.artifacts['d'].path}}\""


def test_an_artifact_that_argo_brought_is_where_the_step_looks_for_it(pod):
    pod.write(shell(f"{SHOW}/part", artifacts=ONE))
    (pod.base / "in" / "d").mkdir()
    (pod.base / "in" / "d" / "part").write_text("abc")
    done = succeed(pod.run(given("gs://bucket/elsewhere/x"), f"--held=d={pod.base}/in/d"))
    assert done.stdout == "abc"


def test_an_empty_folder_from_argo_means_that_there_is_nothing(pod):
    pod.write(shell("test ! -e \"{{$.inputs.artifacts['d'].path}}\"", artifacts=ONE))
    (pod.base / "in" / "d").mkdir()
    succeed(pod.run(given("gs://bucket/runs/x"), f"--held=d={pod.base}/in/d"))


def test_artifacts_collected_in_loops_are_found_below_the_folders_that_argo_brought(pod):
    task = TaskDocument("fit", command=("sh", "-ec", "printf %s \"$0\"", "{{$.inputs.artifacts['d']}}"),
                        artifacts={"d": InputArtifact(is_list=True)})  # fmt: skip
    pod.write(task)
    prefix = "gs://bucket/runs/night-x7k2p/loop/make/d"
    for name in ("p1", "p2"):
        (pod.base / "in" / "d-0").mkdir(exist_ok=True)
        (pod.base / "in" / "d-0" / name).write_text(name)
    twins = [twin(encode(record(f"{prefix}/{name}"))) for name in ("p1", "p2")]
    aggregate = json.dumps([json.dumps([twins[0], "null"]), json.dumps([twins[1]]), "null"])
    done = succeed(
        pod.run(
            f"--artifact=d={aggregate}", '--via=d=[{"lists":2}]', f"--held-below={prefix}={pod.base}/in/d-0"
        )
    )
    assert [each["uri"] for each in json.loads(done.stdout)] == [f"{prefix}/p1", f"{prefix}/p2"]
    for name in ("p1", "p2"):
        assert (pod.folder / "gcs" / "bucket/runs/night-x7k2p/loop/make/d" / name).read_text() == name


@pytest.fixture
def web(tmp_path):
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "data.csv").write_text("a,b")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_artifact_on_the_web_is_fetched_though_argo_had_nothing_to_bring(pod, web):
    pod.write(shell(SHOW, artifacts=ONE))
    (pod.base / "in" / "d").mkdir()
    done = succeed(pod.run(given(f"{web}/data.csv"), f"--held=d={pod.base}/in/d"))
    assert done.stdout == "a,b"


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def read_it(d: dsl.Input[dsl.Dataset]) -> str:
    with open(d.path) as file:
        return d.uri + " " + file.read()


def test_a_lightweight_component_finds_what_was_fetched_from_the_web(pod, web):
    pod.write(task_of(read_it))
    succeed(pod.run(given(f"{web}/data.csv")))
    assert json.loads(pod.out("p-Output-file")) == f"{web}/data.csv a,b"


def test_what_cannot_be_fetched_is_an_error_only_if_the_step_fails(pod, web):
    pod.write(shell("exit ${CODE-0}", artifacts=ONE))
    why = f"{web}/none.csv could not be fetched: HTTPError: HTTP Error 404: File not found"
    done = pod.run(given(f"{web}/none.csv"))
    assert (done.returncode, done.stderr) == (0, f"warning: input 'd': {why}\n")
    pod.env["CODE"] = "4"
    done = pod.run(given(f"{web}/none.csv"))
    assert done.returncode == 4
    assert done.stderr.splitlines()[1:] == [f"error: task for-loop-1/fit: {why}; exited with code 4"]


def test_placeholders_of_the_author_are_resolved_with_siblings_and_data_is_not(pod):
    task = TaskDocument(
        "fit",
        command=("printf", "%s\n", "{{$.inputs.parameters['x']}}", "{{$.inputs.parameters['y']}}"),
        parameters={"x": InputParameter("STRING"), "y": InputParameter("STRING")},
    )
    pod.write(task)
    u = "{{$.inputs.parameters['u']}}"
    done = succeed(pod.run(
        f"--in=x={encode('{{$.pipeline_task_name}} ' + u)}", '--via=x=[{"resolve":{"u":"x.u"}}]',
        f"--in=x.u={encode([{'k': u}])}", '--via=x.u=[0,"k"]', f"--in=y={encode(u)}",
    ))  # fmt: skip
    assert done.stdout == f"fit {u}\n{u}\n"


def test_a_template_that_names_an_input_of_the_step_gets_its_type_and_default(pod):
    number = InputParameter("NUMBER_DOUBLE", has_default=True, default=3.0)
    task = TaskDocument(
        "fit",
        command=("printf", "%s", "{{$.inputs.parameters['x']}}"),
        parameters={"x": InputParameter("STRING"), "n": number},
    )
    pod.write(task)
    resolved = "--in=x=" + encode("n={{$.inputs.parameters['n']}}")
    assert succeed(pod.run(resolved, '--via=x=[{"resolve":{"n":"n"}}]')).stdout == "n=3.0"
    assert succeed(pod.run(resolved, '--via=x=[{"resolve":{"n":"n"}}]', "--in=n=4")).stdout == "n=4.0"


def test_a_variable_that_the_author_has_set_is_the_authors(pod):
    pod.write(shell('printf "%s %s" "$PIPELINE_TASK" "$PIPELINE_RUN_ID"', env={"PIPELINE_TASK": "mine"}))
    assert succeed(pod.run()).stdout == "mine 0c1d"


def test_an_argument_in_a_file_is_read_from_there(pod, tmp_path):
    long = "x" * 150_000
    pod.write(
        shell(
            "wc -c < \"{{$.inputs.artifacts['d'].path}}\"; echo '{{$.inputs.artifacts['d'].metadata['n']}}'",
            artifacts=ONE,
        )
    )
    (tmp_path / "data").write_text("abc")
    whole = json.dumps(record(f"{tmp_path}/data", n=5, long=long))
    (tmp_path / "argument").write_text(f"--artifact=d={whole}")
    assert succeed(pod.run(f"@{tmp_path}/argument")).stdout.split() == ["3", "5"]
    done = pod.run("@/nowhere/at/all")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_what_the_step_did_not_write_is_not_there(pod):
    pod.write(shell("true", output_artifacts={"m": OutputArtifact()}))
    succeed(pod.run())
    assert not (pod.base / "out" / "artifacts" / "m-file").exists()
    assert json.loads(pod.out("a-m-file"))["name"] == "m"


def test_an_output_that_got_another_name_keeps_it_in_a_folder(pod):
    @dsl.component(base_image="python:3.11", install_kfp_package=False)
    def save(m: dsl.Output[dsl.Model]):
        m.uri += ".onnx"
        with open(m.path, "w") as file:
            file.write("abc")

    pod.write(task_of(save))
    succeed(pod.run())
    assert pod.out("artifacts/m-file/night-x7k2p-fit-77.onnx") == "abc"
    uri = "gs://bucket/runs/night-x7k2p/for-loop-1/fit/m/night-x7k2p-fit-77"
    assert json.loads(pod.out("a-m-file"))["uri"] == f"{uri}/night-x7k2p-fit-77.onnx"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--in=x"], 2, "no option"),
        (["--typo=x"], 2, "no option"),
        (["--step="], 2, "--step is missing"),
        (["--run={}"], 2, "facts about a run"),
        (["--step=other"], 1, "step other: the step's document cannot be read"),
        (["--in=x={}", '--via=x=["k"]'], 1, "input 'x': {} does not have the key 'k'"),
        (["--in=x=[1]", "--via=x=[1]"], 1, "input 'x': [1] does not have an element 1"),
        (["--in=x=[1]", "--via=x=[1.5]"], 1, "no program"),
        (["--in=x=1", '--via=x=[{"lists":1}]'], 1, "not what a loop gives"),
        (["--in=x={"], 1, "input 'x': '{' is not JSON"),
        (["--in=x=1", '--via=x=[{"resolve":{"a":"x.a"}}]', "--in=x.a=\"{{$.inputs.parameters['a']}}\"",
          '--via=x.a=[{"resolve":{"a":"x.a"}}]'], 0, ""),
        (["--in=x=\"{{$.inputs.parameters['a']}}\"", '--via=x=[{"resolve":{"a":"x.a"}}]',
          "--in=x.a=\"{{$.inputs.parameters['a']}}\"", '--via=x.a=[{"resolve":{"a":"x.a"}}]'],
         1, "refers to itself"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(pod, arguments, code, words):
    pod.write(shell("true"))
    done = pod.run(*arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == (1 if code else 0)


def test_the_exit_code_of_a_step_goes_through(pod):
    pod.write(shell("exit 17"))
    done = pod.run()
    assert (done.returncode, done.stderr) == (17, "error: task for-loop-1/fit: exited with code 17\n")


def test_modules_in_the_image_are_compared_with_those_of_the_compiler(pod, tmp_path):
    image = tmp_path / "image"
    (image / "helpers" / "deep").mkdir(parents=True)
    files = {
        "helpers": image / "helpers" / "__init__.py",
        "helpers.deep.x": image / "helpers" / "deep" / "x.py",
        "alone": image / "alone.py",
    }
    for file in files.values():
        file.write_text("raise SystemExit(5)")  # nobody imports it
    modules = {name: digest(file) for name, file in files.items()}
    pod.write(shell("true"), modules=modules)
    succeed(pod.run(cwd=image))

    files["helpers.deep.x"].write_text("A = 2")
    done = pod.run(cwd=image)
    assert done.returncode == 1
    assert f"the image has another helpers.deep.x, in {image}" in done.stderr
    assert "rebuild the step image" in done.stderr and "--allow-skew" in done.stderr

    files["helpers"].unlink()
    files["alone"].unlink()
    done = pod.run(cwd=image)
    assert "lacks helpers, helpers.deep.x, alone" in done.stderr
    pod.write(shell("true"), modules=modules | {f"more{n}": "sha256:0" for n in range(4)})
    assert "lacks helpers, helpers.deep.x, alone and 4 more" in pod.run(cwd=image).stderr


def test_steps_in_images_of_other_people_are_not_compared(pod, tmp_path):
    pod.write(shell("true"), modules={"helpers": "sha256:0"}, own=False)
    succeed(pod.run(cwd=tmp_path))


def test_a_document_without_the_hashes_that_it_asks_for_is_an_error(pod):
    pod.write(shell("true"), own=True)
    done = pod.run()
    assert done.returncode == 1 and "the project's hashes cannot be read" in done.stderr


@dsl.component(base_image="python:3.11", packages_to_install=["no-such-package-of-ours==1.0"])
def needy() -> str:
    return "x"


def test_packages_that_the_image_lacks_are_named_when_they_cannot_be_installed(pod):
    pod.write(task_of(needy))
    pod.env |= {"PIP_NO_INDEX": "1", "PIP_INDEX_URL": "http://127.0.0.1:9"}
    pod.env["PATH"] = f"{Path(sys.executable).parent}:{pod.env['PATH']}"
    done = pod.run()
    assert done.returncode != 0
    assert "install no-such-package-of-ours==1.0 in the image" in done.stderr.splitlines()[-1]


TAKES = {"x": InputParameter("LIST"), "y": InputParameter("STRING"), "z": InputParameter("LIST")}


def test_all_that_is_wrong_with_the_inputs_is_said_at_once(pod):
    pod.write(shell("true", artifacts={"d": InputArtifact()}, parameters=TAKES))
    done = pod.run("--in=x={", "--in=z=[1]", '--via=z=["k"]')
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: task for-loop-1/fit: input 'x': '{' is not JSON")
    for words in ("input 'z': [1] does not have the key 'k'", "input 'd': the artifact is missing",
                  "input 'y': the parameter is missing"):  # fmt: skip
        assert f"; also {words}" in done.stderr


def test_what_argo_leaves_in_the_place_of_a_skipped_task_is_no_value(pod):
    parameters = {"x": InputParameter("STRING", optional=True)}
    pod.write(shell("printf '%s' '{{$.inputs.parameters['x']}}'", parameters=parameters))
    for text in ("", "null", "{{tasks.x.outputs.parameters.p-y}}"):
        assert succeed(pod.run(f"--in=x={text}")).stdout == "null"
