"""Components as a backend runs them: compiled, by kfp's own executor, in a process of their own."""

import json
import os
import subprocess
import sys

import pytest
import yaml
from kfp import compiler

from components.ingest_data import ingest_data
from components.split_data import split_data
from components.support.component import STEP_IMAGE
from components.validate_data import validate_data
from tests.conftest import ROOT


def compiled(component, folder):
    compiler.Compiler().compile(component, str(folder / "component.yaml"))
    document = yaml.safe_load((folder / "component.yaml").read_text())
    (executor,) = document["deploymentSpec"]["executors"].values()
    return executor["container"]


@pytest.fixture
def execute(tmp_path):
    """Runs a component's compiled source; artifacts are files in the test's folder, by name."""

    def artifact(name):
        return {"artifacts": [{"name": name, "uri": str(tmp_path / name), "metadata": {}}]}

    def run(component, inputs, outputs, **parameters):
        source = tmp_path / "ephemeral_component.py"
        source.write_text(compiled(component, tmp_path)["command"][-1])
        executor_input = {
            "inputs": {
                "parameterValues": parameters,
                "artifacts": {ours: artifact(file) for ours, file in inputs.items()},
            },
            "outputs": {
                "artifacts": {name: artifact(name) for name in outputs},
                "outputFile": str(tmp_path / "output.json"),
            },
        }
        command = [sys.executable, "-m", "kfp.dsl.executor_main", "--component_module_path", str(source)]
        command += ["--function_to_execute", component.python_func.__name__]
        command += ["--executor_input", json.dumps(executor_input)]
        # Not sys.path: a model that another test has loaded here put its own copy of our packages on it.
        environment = os.environ | {"_KFP_RUNTIME": "true", "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("component", [ingest_data, validate_data, split_data])
def test_a_component_runs_in_our_image_and_installs_nothing(component, tmp_path):
    container = compiled(component, tmp_path)
    assert container["image"] == STEP_IMAGE
    assert "pip" not in " ".join(container["command"][:-1])
    assert "@component" not in container["command"][-1]


def test_compiled_sources_stand_alone(execute, tmp_path):
    ingested = execute(ingest_data, {}, ["data"], source="", as_of="2014-12-31", scheduled_time="")
    assert ingested.returncode == 0, ingested.stderr
    values = json.loads((tmp_path / "output.json").read_text())["parameterValues"]
    assert (values["rows"], values["as_of"]) == (1096, "2014-12-31")

    validated = execute(validate_data, {"data": "data"}, ["report", "valid"], max_gap_days=3)
    assert validated.returncode == 0, validated.stderr

    parameters = {"horizon": 1, "validation_days": 365, "holdout_days": 365}
    parted = execute(split_data, {"data": "valid"}, ["train", "validation", "holdout"], **parameters)
    assert parted.returncode == 0, parted.stderr
    output = json.loads((tmp_path / "output.json").read_text())
    assert output["parameterValues"]["holdout_rows"] == 365
    assert output["artifacts"]["train"]["artifacts"][0]["metadata"]["rows"] == 363


def test_a_step_that_fails_ends_its_log_with_the_reason_and_shows_no_traceback(execute, tmp_path):
    header = "date,precipitation,temp_max,temp_min,wind,weather"
    (tmp_path / "data").write_text(f"{header}\n2012/01/01,0,warm,1,1,sun\n")
    failed = execute(validate_data, {"data": "data"}, ["report", "valid"])
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-3:-1] == [
        "error: data: 1 problem in 1 rows",
        "  line 2, column temp_max: 'warm' is not a number",
    ]
    assert "Traceback" not in failed.stdout + failed.stderr
    assert "is not a number" in (tmp_path / "report").read_text()
    assert not (tmp_path / "valid").exists()
