"""Outputs of a pipeline: what the compiler says of them, and what is read from a run, without a cluster."""

import json
from collections import namedtuple
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from kfp import compiler, dsl

from pipelines.sdk import ir
from pipelines.sdk.argo import Options, emit
from pipelines.sdk.argo.cluster.outputs import outputs
from pipelines.sdk.argo.outputs import MAX_BYTES, OUTPUTS_ANNOTATION
from pipelines.sdk.launch import encode, twin
from tests.argo.cluster.nodes import group, workflow
from tests.conformance.pipelines import artifacts, loops

META = {"language": "fr", "{{workflow.name}}": "{{ {{{ }} $("}


@dsl.component
def double(x: int) -> int:
    return 2 * x


@dsl.component
def pair(x: int) -> list:
    return [x, {"key": x}]


@dsl.pipeline(name="nested")
def nested() -> list[list]:
    """Collected by a loop in a loop."""
    with dsl.ParallelFor([1, 2]), dsl.ParallelFor([3, 4]) as x:
        task = pair(x=x)
    return dsl.Collected(task.output)


@dsl.pipeline(name="brought")
def brought(uri: str) -> dsl.Dataset:
    """An importer, as the pipeline's output."""
    return dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, reimport=False, metadata=META).output


@dsl.pipeline(name="fixed")
def fixed() -> dsl.Dataset:
    """An importer that is known when compiling."""
    metadata = {"big": "x" * 50, **META}
    return dsl.importer(
        artifact_uri="gs://other/data.csv", artifact_class=dsl.Dataset, reimport=False, metadata=metadata
    ).output


def annotations(pipeline: Any, tmp_path: Any) -> Mapping[str, str]:
    """What runs of a pipeline are told."""
    path = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    template = emit(ir.read_file(str(path)), Options()).documents[-1]
    return dict(template["spec"]["workflowMetadata"].get("annotations") or {})


def ended(told: Mapping[str, str], phase: str = "Succeeded", **texts: str) -> dict[str, Any]:
    """A run whose outermost DAG gave these texts."""
    given = [{"name": name, "value": text} for name, text in texts.items()]
    run = workflow(group("pipeline", phase=phase, outputs={"parameters": given}), phase=phase)
    run["metadata"]["annotations"] = dict(told)
    return run


def test_what_a_loop_collected_is_a_list_of_values(tmp_path):
    told = annotations(loops.collected_output, tmp_path)
    collected = json.dumps([twin(encode(2)), twin(encode("a")), "null"])
    assert outputs(ended(told, **{"p-Output": collected})) == {"Output": [2, "a", None]}


@pytest.mark.parametrize("as_text", [True, False], ids=["texts in texts", "lists in lists"])
def test_loops_in_loops_are_unwrapped_whatever_form_argo_gave_them(as_text, tmp_path):
    inner = [[twin(encode([x, {"key": x}])) for x in (3, 4)] for _ in (1, 2)]
    collected = json.dumps([json.dumps(each) for each in inner] if as_text else inner)
    expected = [[[3, {"key": 3}], [4, {"key": 4}]]] * 2
    assert outputs(ended(annotations(nested, tmp_path), **{"p-Output": collected})) == {"Output": expected}


def test_what_no_node_gave_is_in_the_description(tmp_path):
    told = annotations(fixed, tmp_path)
    (record,) = outputs(ended(told)).values()
    assert (record["uri"], record["type"]["schemaTitle"]) == ("gs://other/data.csv", "system.Dataset")
    assert record["metadata"] == {"big": "x" * 50, **META}
    assert "{{" not in told[OUTPUTS_ANNOTATION]  # Argo would look for a tag there


def test_placeholders_of_a_record_are_filled_in_from_the_run(tmp_path):
    told = annotations(brought, tmp_path)
    described = json.loads(told[OUTPUTS_ANNOTATION])["outputs"]["Output"]
    (uri,) = described["via"][0]["resolve"].values()
    (record,) = outputs(ended(told, **{uri["parameter"]: encode("gs://mine/{{$}}.csv")})).values()
    assert record["uri"] == "gs://mine/{{$}}.csv" and record["metadata"] == META


def test_a_run_that_failed_or_was_not_made_by_this_compiler_has_no_outputs(tmp_path):
    told = annotations(artifacts.chain, tmp_path)
    assert outputs(ended(told, phase="Failed", **{"p-seen": '"x"'})) == {}
    assert outputs(ended({}, **{"p-seen": '"x"'})) == {}


def test_a_skipped_step_gave_nothing_and_a_broken_text_is_shown_as_it_is(tmp_path):
    told = annotations(loops.collected_output, tmp_path)
    assert outputs(ended(told)) == {"Output": None}
    assert outputs(ended(told, **{"p-Output": "{{tasks.x.outputs}}"})) == {"Output": None}
    assert outputs(ended(told, **{"p-Output": "[1"})) == {"Output": "[1"}


def test_a_pipeline_without_outputs_needs_no_description(tmp_path):
    @dsl.pipeline(name="silent")
    def silent() -> None:
        double(x=1)

    assert OUTPUTS_ANNOTATION not in annotations(silent, tmp_path)


def test_a_description_that_is_too_large_for_an_annotation_is_left_out_with_a_warning(tmp_path):
    @dsl.pipeline(name="large")
    def large() -> NamedTuple("Outputs", [(name, dsl.Dataset) for name in "abcd"]):
        metadata = {"text": "x" * (MAX_BYTES // 4)}
        found = [
            dsl.importer(
                artifact_uri="gs://o/x", artifact_class=dsl.Dataset, reimport=False, metadata=metadata
            ).output
            for _ in "abcd"
        ]
        return namedtuple("Outputs", list("abcd"))(*found)

    path = tmp_path / "large.yaml"
    compiler.Compiler().compile(large, str(path))
    made = emit(ir.read_file(str(path)), Options())
    assert OUTPUTS_ANNOTATION not in str(made.documents[-1]["spec"]["workflowMetadata"])
    (warning,) = made.warnings
    assert "will not show them" in warning.mend
