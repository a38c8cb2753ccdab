"""Real components, through their real `sh -c` command and through a call: both must give the same."""

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple, Optional

import pytest
from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output, OutputPath

from pipelines.sdk import launch
from pipelines.sdk.launch import Context, Request, decode, encode
from tests.launch.kfp_steps import call, task_of
from tests.launch.test_wire import same

component = dsl.component(base_image="python:3.11", install_kfp_package=False)
NASTY = (
    "a \"b\" \\ \n\r\t {{workflow.name}} {{{ $(HOME) $$ \x7f \U000e0001 é {{$.inputs.parameters['n']}} {{$}}"
)


@component
def everything(
    text: str,
    n: int,
    ratio: float,
    flag: bool,
    items: list,
    table: dict,
    data: Input[Dataset],
    model: Output[Model],
    metrics: Output[Metrics],
    note: OutputPath(str),
    missing: Optional[str] = None,  # noqa: UP045 - KFP does not know `str | None`
    most: int = 7,
    nested: dict = {"rates": [True, 0.5]},
) -> NamedTuple(
    "Everything",
    [
        ("text", str),
        ("n", int),
        ("ratio", float),
        ("flag", bool),
        ("items", list),
        ("table", dict),
        ("kinds", list),
    ],
):
    template = "{{$.inputs.parameters['text']}}"  # source is no template
    with open(data.path) as source, open(model.path, "w") as target:
        target.write(source.read() + template)
    with open(note, "w") as target:
        target.write(f"{missing} {most} {nested}")
    model.metadata["layers"] = [1, 2.0, {"deep": None}]
    metrics.log_metric("mae", 1.0)
    metrics.log_metric("count", 3)
    kinds = [type(value).__name__ for value in (text, n, ratio, flag, items, table)]
    return (text, n, ratio, flag, items, table, kinds)


@component
def nothing() -> str:
    return None


@component
def returned(uri: str) -> Model:
    return Model(uri=uri, metadata={"a": 1})


@component
def elsewhere(data: Output[Dataset], folder: str):
    import os

    os.makedirs(folder, exist_ok=True)
    data.custom_path = os.path.join(folder, "mine")
    with open(data.custom_path, "w") as file:
        file.write("rows")


@component
def where_am_i() -> str:
    from kfp import dsl

    return dsl.get_uri("here")


@component
def leave(code: int):
    import sys

    sys.exit(code)


@component
def returns(kind: str) -> float:
    return float(kind)


@component
def returns_text(size: int, surrogate: bool) -> str:
    return "\ud800" if surrogate else "x" * size


@component
def ended(status: dsl.PipelineTaskFinalStatus) -> str:
    return f"{status.state} {status.pipeline_task_name} {status.error_message}"


@component
def echo(kind: str) -> str:
    return kind


@pytest.fixture(params=["command", "call"])
def run(request, tmp_path, monkeypatch):
    """Runs a component, either way."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def run(compiled: Any, values: dict, **more: Any) -> launch.Result:
        texts = {name: encode(value, limit=None) for name, value in values.items()}
        wanted = Request(task_of(compiled), f"{tmp_path}/root", parameters=texts, **more)
        return launch.run(wanted, call if request.param == "call" else None)

    return run


def test_every_kind_of_value_goes_in_and_out_unchanged(run, tmp_path):
    (tmp_path / "data").write_text("1,2\n")
    values = {
        "text": NASTY,
        "n": 2**53 + 1,
        "ratio": 1,
        "flag": False,
        "items": [1, 1.0, "1.0", None, {"{{": "$("}, 2**53 + 1],
        "table": {NASTY: [[], {}, -0.5]},
        "missing": None,
    }
    kind = {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}
    data = {"name": "data", "type": kind, "uri": str(tmp_path / "data"), "metadata": {}}
    result = run(everything, values, artifacts={"data": [data]})
    assert result.error is None
    got = {name: decode(text) for name, text in result.parameters.items()}
    assert got.pop("kinds") == ["str", "int", "float", "bool", "list", "dict"]
    assert got.pop("note") == "None 7 {'rates': [True, 0.5]}"
    names = ("text", "n", "ratio", "flag", "items", "table")
    assert set(got) == set(names)
    assert same([got[name] for name in names], [{**values, "ratio": 1.0}[name] for name in names])
    (model,), (metrics,) = result.artifacts["model"], result.artifacts["metrics"]
    assert Path(model["uri"]).read_text() == "1,2\n{{$.inputs.parameters['text']}}"
    assert same(model["metadata"], {"layers": [1, 2.0, {"deep": None}]})
    assert same(metrics["metadata"], {"mae": 1.0, "count": 3})
    assert model["type"]["schemaTitle"] == "system.Model"


def test_a_function_that_returns_none_gives_an_absent_value(run):
    assert run(nothing, {}).parameters == {"Output": "null"}


def test_an_artifact_that_a_function_returns_has_its_uri_and_the_declared_type(run):
    (record,) = run(returned, {"uri": "gs://bucket/model"}).artifacts["Output"]
    assert record == {
        "name": "Output",
        "type": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"},
        "uri": "gs://bucket/model",
        "metadata": {"a": 1},
    }


def test_the_next_step_finds_what_was_written_to_a_custom_path(run, tmp_path):
    result = run(elsewhere, {"folder": str(tmp_path / "scratch")})
    assert Path(result.artifacts["data"][0]["uri"]).read_text() == "rows"


def test_get_uri_gives_the_tasks_own_folder(run, tmp_path):
    assert decode(run(where_am_i, {}).parameters["Output"]) == f"{tmp_path}/root/here"


@pytest.mark.parametrize("templates", [{"kind"}, set()])
def test_a_template_is_resolved_and_data_is_not(run, templates):
    text = "{{$.pipeline_job_name}}!"
    result = run(echo, {"kind": text}, templates=frozenset(templates), context=Context(job_name="j"))
    assert decode(result.parameters["Output"]) == ("j!" if templates else text)


def test_the_final_status_reaches_an_exit_handler(run):
    status = {
        "state": "FAILED",
        "pipelineTaskName": "train",
        "pipelineJobResourceName": "r",
        "error": {"message": "m"},
    }
    assert decode(run(ended, {"status": status}).parameters["Output"]) == "FAILED train m"


@pytest.mark.parametrize("code", [0, 3])
def test_sys_exit_is_the_steps_exit_code(run, code):
    error = run(leave, {"code": code}).error
    assert (error and error.what) == (f"exited with code {code}" if code else None)


@pytest.mark.parametrize("kind", ["nan", "inf", "-inf"])
def test_a_float_that_json_does_not_have_is_an_error_at_the_producer(run, kind):
    error = run(returns, {"kind": kind}).error
    assert error.where == "task returns, output 'Output'"
    assert kind in error.what


@pytest.mark.parametrize(
    ("values", "words"),
    [({"size": 40_000, "surrogate": False}, "40002 bytes"), ({"size": 0, "surrogate": True}, "surrogate")],
)
def test_a_text_that_cannot_travel_is_an_error_at_the_producer(run, values, words):
    error = run(returns_text, values).error
    assert error.where == "task returns-text, output 'Output'"
    assert words in error.what


def test_an_input_of_another_type_stops_the_step_before_it_starts(run):
    assert run(leave, {"code": "x"}).error.where == "task leave, input 'code'"
