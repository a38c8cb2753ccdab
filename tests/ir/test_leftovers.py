"""Values in f-strings that kfp's compiler loses: lists of inner loops, typed lists, importers' addresses."""

import pytest
from kfp import dsl
from kfp.dsl import Dataset, Input

from pipelines.sdk import compiling, ir
from pipelines.sdk.plan import walk
from pipelines.sdk.values import DagInput, TaskOutput


@dsl.component
def letters() -> list[str]:
    return ["a", "b"]


@dsl.component
def say(text: str) -> str:
    return text


@dsl.component
def read(data: Input[Dataset]): ...


@dsl.pipeline
def crossed(rows: list[str], columns: list[str]):
    with dsl.ParallelFor(rows) as row, dsl.ParallelFor(columns) as column:
        say(text=f"{row}{column}")


@dsl.pipeline
def crossed_with_an_output(rows: list[str]):
    made = letters()
    with dsl.ParallelFor(rows) as row, dsl.ParallelFor(made.output) as letter:
        say(text=f"{row}{letter} of {made.output}, {rows}")


@dsl.pipeline
def imported(bucket: str, days: list[str]):
    name = say(text="x")
    with dsl.ParallelFor(days) as day:
        read(
            data=dsl.importer(
                artifact_uri=f"gs://{bucket}/{day}/{name.output}", artifact_class=Dataset
            ).output
        )


def tasks(pipeline):
    return dict(walk(ir.read(compiling.to_ir(pipeline), "file.yaml").root))


def test_the_list_of_a_loop_in_a_loop_is_handed_on():
    found = tasks(crossed)
    (outer,) = (task for path, task in found.items() if path.count("/") == 0)
    (inner,) = (task for path, task in found.items() if path.count("/") == 1)
    assert outer.arguments["pipelinechannel--columns"] == DagInput("columns")
    assert "pipelinechannel--columns" in outer.body.interface.parameters
    assert inner.loop.items == DagInput("pipelinechannel--columns")


def test_so_is_a_list_that_a_task_beside_the_loops_gives_and_the_loops_wait_for_it():
    found = tasks(crossed_with_an_output)
    assert next(iter(found)) == "letters"
    outer = found["for-loop-1"]
    assert outer.arguments["pipelinechannel--letters-Output"] == TaskOutput("letters", "Output")


@pytest.mark.parametrize(
    "name", ["pipelinechannel--letters-Output", "pipelinechannel--rows"], ids=["an output", "an input"]
)
def test_a_typed_list_inside_text_becomes_a_placeholder(name):
    said = next(task for path, task in tasks(crossed_with_an_output).items() if path.endswith("say"))
    assert f"{{{{$.inputs.parameters['{name}']}}}}" in said.arguments["text"].value
    assert said.arguments[name] == DagInput(name)


def test_an_address_made_of_values_is_put_together_too():
    (bring,) = (task for path, task in tasks(imported).items() if "importer" in path)
    assert "{{channel:" not in bring.body.uri
    assert bring.body.uri.startswith("gs://{{$.inputs.parameters['pipelinechannel--bucket']}}/")
    assert bring.arguments["pipelinechannel--say-Output"] == DagInput("pipelinechannel--say-Output")
