"""Containers that run without a launcher: what is decided, what is written, what is refused."""

import json
from pathlib import Path
from typing import Optional

import pytest
import yaml
from kfp import dsl
from kfp.dsl import Dataset, Input, Output, PipelineTaskFinalStatus

from pipelines.sdk import argo, ir
from pipelines.sdk.argo.pods.environment import BRACE
from pipelines.sdk.errors import BadPipeline
from tests.argo.documents import template_of, templates
from tests.conformance import harness


@dsl.container_component
def tool(text: str, number: int, out: dsl.OutputPath(str), data: Output[Dataset]):
    return dsl.ContainerSpec(
        image="registry.example/tool:1",
        command=["tool", "$(date) $$ {{.Name}} $HOME"],
        args=[text, dsl.ConcatPlaceholder(["{", text, text, "}"]), number, out, data.path, data.uri],
    )


@dsl.container_component
def choosing(out: dsl.OutputPath(int), text: Optional[str] = None):  # noqa: UP045 - KFP reads no other spelling
    return dsl.ContainerSpec(
        image="registry.example/tool:1",
        command=["tool", "--out", out],
        args=[dsl.IfPresentPlaceholder("text", ["--text", text], ["--none"]), "end"],
    )


@dsl.container_component
def snake(text: str):
    return dsl.ContainerSpec(image="registry.example/tool:1", command=["/usr/bin/python3.12"], args=[text])


@dsl.container_component
def in_python_image(text: str):
    return dsl.ContainerSpec(image="docker.io/library/python:3.12@sha256:00", command=["sh"], args=[text])


@dsl.container_component
def without_command(text: str):
    return dsl.ContainerSpec(image="registry.example/tool:1", args=[text])


@dsl.container_component
def with_record(data: Input[Dataset]):
    return dsl.ContainerSpec(image="registry.example/tool:1", command=["tool"], args=[data.metadata])


@dsl.pipeline
def tools(text: str, number: int):
    tool(text=text, number=number)


@dsl.pipeline
def choices(text: Optional[str] = None):  # noqa: UP045 - KFP reads no other spelling
    choosing(text=text)


@dsl.pipeline
def snakes(text: str):
    snake(text=text)
    in_python_image(text=text)


@dsl.pipeline
def commandless(text: str):
    without_command(text=text)


@dsl.pipeline
def records(data: Input[Dataset]):
    with_record(data=data)


@dsl.pipeline
def looping(texts: list) -> list:
    with dsl.ParallelFor(texts) as text:
        made = tool(text=text, number=1)
    return dsl.Collected(made.outputs["out"])


@dsl.container_component
def status_reader(status: PipelineTaskFinalStatus):
    return dsl.ContainerSpec(image="registry.example/tool:1", command=["tool"], args=[status])


@dsl.container_component
def list_reader(items: list, model: Output[Dataset]):
    about = model.metadata["about"]
    return dsl.ContainerSpec(image="registry.example/tool:1", command=["tool", items, f"<{about}>"])


@dsl.pipeline
def made_of_texts(text: str):
    first = tool(text=f"{text}!", number=1)
    tool(text=f"{text} and {first.outputs['out']}, {dsl.PIPELINE_JOB_NAME_PLACEHOLDER}", number=1)


@dsl.container_component
def many(a: str, b: str, c: str, d: str):
    return dsl.ContainerSpec(image="registry.example/tool:1", command=["tool", a, b, c, d])


@dsl.pipeline
def many_texts(a: str, b: str, c: str, d: str):
    many(a=a, b=b, c=c, d=d)


@dsl.container_component
def either(text: Optional[str] = None):  # noqa: UP045 - KFP reads no other spelling
    program = dsl.IfPresentPlaceholder("text", ["echo", text], ["false"])
    return dsl.ContainerSpec(image="registry.example/tool:1", command=[program], args=["end"])


@dsl.pipeline
def programs(text: Optional[str] = None):  # noqa: UP045 - KFP reads no other spelling
    either(text=text)


@dsl.pipeline
def of_the_pod():
    tool(text=f"pod {dsl.PIPELINE_TASK_ID_PLACEHOLDER}", number=1)


@dsl.pipeline
def ending(text: str):
    with dsl.ExitHandler(status_reader()):
        snake(text=text)


@dsl.pipeline
def parts(items: list):
    with dsl.ParallelFor(items) as part:
        made = tool(text="x", number=1)
        list_reader(items=part)
    list_reader(items=dsl.Collected(made.outputs["out"]))


@pytest.fixture
def compiled(tmp_path):
    def compile_for_argo(pipeline, **options):
        plan = ir.read_file(str(harness.compiled(pipeline, tmp_path)))
        return argo.emit(plan, argo.Options(**options))

    return compile_for_argo


def arguments_of(template):
    (task,) = template["dag"]["tasks"]
    return {each["name"]: each["value"] for each in task["arguments"]["parameters"]}


def test_a_container_runs_as_it_is(compiled):
    made = compiled(tools)
    assert [(each.name, each.kind) for each in made.steps] == [("tool", "native")]
    container = templates(made.documents)["tool-run"]["container"]
    assert container["image"] == "registry.example/tool:1"
    assert container["command"][0] == "tool"


def test_words_of_the_author_reach_the_program_unchanged(compiled):
    # Doubled dollar signs are single ones for the kubelet, which also knows the variable.
    documents = compiled(tools).documents
    container = templates(documents)["tool-run"]["container"]
    assert container["command"][1] == f"$$(date) $$$$ {{$({BRACE}).Name}}}} $$HOME"
    common = template_of(documents)["spec"]["templateDefaults"]["container"]
    assert {"name": BRACE, "value": "{"} in [*common.get("env", []), *container.get("env", [])]


def test_no_brace_touches_a_tag(compiled):
    args = templates(compiled(tools).documents)["tool-run"]["container"]["args"]
    word = args[1]
    assert word.startswith(f"$({BRACE}){{{{=")
    assert word.count("{{") == 2
    assert "{{{" not in word


def test_what_can_fail_stands_in_the_group_and_not_in_the_pods_template(compiled):
    # In a pod's template Argo hands an expression that fails to the program, as text.
    known = templates(compiled(tools).documents)
    assert "sprig.fail" in json.dumps(known["tool"])
    assert "sprig.fail" not in json.dumps(known["tool-run"])
    assert "fromJSON" not in json.dumps(known["tool-run"])


def test_an_output_artifact_has_the_key_that_its_uri_says(compiled):
    leaf = templates(compiled(tools, pipeline_root="gs://bucket/runs").documents)["tool-run"]
    uri = next(each["value"] for each in leaf["outputs"]["parameters"] if each["name"] == "u-data")
    (artifact,) = leaf["outputs"]["artifacts"]
    assert uri == f"gs://bucket/{artifact['gcs']['key']}"
    assert uri in leaf["container"]["args"]
    assert uri.endswith("/data/{{pod.name}}")


def test_words_that_depend_on_a_value_are_patched_in(compiled):
    known = templates(compiled(choices).documents)
    leaf, group = known["choosing-run"], known["choosing"]
    assert leaf["container"]["command"] == ["tool", "--out", "/kfp/out/out"]
    assert "args" not in leaf["container"]
    assert json.loads(leaf["podSpecPatch"].replace("{{=inputs.parameters['args']}}", "[]")) == {
        "containers": [{"name": "main", "args": []}]
    }
    assert "!= nil ? [['--text']" in arguments_of(group)["args"]


def test_loops_get_twins(compiled):
    outputs = {
        each["name"]: each["valueFrom"]["expression"]
        for each in templates(compiled(looping).documents)["tool"]["outputs"]["parameters"]
    }
    assert set(outputs) == {"p-out", "c-out", "a-data", "ac-data"}
    assert outputs["c-out"] == f"toJson({outputs['p-out']})"


def test_no_output_has_a_default_because_that_would_hide_an_error(compiled):
    assert "default" not in json.dumps(templates(compiled(looping).documents)["tool"])


def test_an_image_with_python_is_launched(compiled):
    kinds = {each.name: each.kind for each in compiled(snakes).steps}
    assert kinds == {"snake": "launched", "in-python-image": "launched"}


def test_the_user_can_say_that_an_image_has_python(compiled):
    made = compiled(records, launched=frozenset({"with-record"}))
    assert [each.kind for each in made.steps] == ["launched"]


@pytest.mark.parametrize(
    ("pipeline", "task", "what"),
    [
        (commandless, "without-command", "has no command"),
        (records, "with-record", "{{$.inputs.artifacts['data'].metadata}} is the whole record"),
    ],
    ids=["no command", "a whole record"],
)
def test_what_needs_a_launcher_is_refused_by_name(compiled, pipeline, task, what):
    with pytest.raises(BadPipeline) as caught:
        compiled(pipeline)
    (finding,) = caught.value.findings
    assert finding.where == f"task {task}"
    assert what in finding.what
    assert "--launched" in finding.mend


def test_text_of_several_values_is_put_together_by_argo_in_one_go(compiled):
    # Placeholders are cut out before any value is put in, so a value can hold what looks like one.
    group = templates(compiled(made_of_texts).documents)["tool"]
    (said,) = (each for name, each in arguments_of(group).items() if name == "t-text")
    cut, _, _ = said.partition("hasPrefix(#, ")
    assert "$.inputs.parameters" in cut
    assert "toJson(" not in cut


def test_how_a_run_ended_reaches_a_container_as_json(compiled):
    made = compiled(ending)
    assert {each.name: each.kind for each in made.steps}["status-reader"] == "native"
    status = arguments_of(templates(made.documents)["status-reader"])["t-status"]
    assert "the value is not a TASK_FINAL_STATUS" in status
    assert "type(#) == 'map'" in status


def test_a_part_of_a_list_is_written_anew_with_a_warning_and_a_collected_list_is_not(compiled):
    made = compiled(parts)
    (warning,) = (each for each in made.warnings if "writes anew" in each.what)
    assert warning.where == "step list-reader"
    known = [each for name, each in templates(made.documents).items() if name.startswith("list-reader")]
    texts = [arguments_of(each)["t-items"] for each in known if "dag" in each]
    assert sorted("toJson(" in each for each in texts) == [False, True]


def test_the_metadata_of_an_output_before_it_exists_is_what_the_component_declares(compiled):
    leaf = templates(compiled(parts).documents)["list-reader-run"]
    assert leaf["container"]["command"][2] == "<null>"


def with_value(text, of):
    """IR of `tools` whose task gets another text."""
    document = yaml.safe_load(Path(of).read_text())
    inputs = document["root"]["dag"]["tasks"]["tool"]["inputs"]["parameters"]
    inputs["text"] = {"runtimeValue": {"constant": text}}
    return yaml.safe_dump(document)


def test_a_value_that_refers_to_itself_is_refused(tmp_path):
    text = with_value("x{{$.inputs.parameters['text']}}", harness.compiled(tools, tmp_path))
    with pytest.raises(BadPipeline, match="input 'text' has a value that refers to itself"):
        argo.emit(ir.read(text, "circle"), argo.Options())


def test_what_only_the_pod_knows_cannot_be_a_part_of_a_value(compiled):
    with pytest.raises(BadPipeline, match="is known to the pod alone"):
        compiled(of_the_pod)


def test_an_if_present_may_choose_the_program(compiled):
    known = templates(compiled(programs).documents)
    told = arguments_of(known["either"])
    assert known["either-run"]["container"]["command"] == ["{{=inputs.parameters['t-word']}}"]
    assert "? 'echo' : 'false'" in told["t-word"]
    assert "'echo'" not in told["args"]
    assert "'end'" in told["args"]


def test_a_script_that_is_too_long_for_a_command_is_refused(tmp_path):
    file = Path(harness.compiled(tools, tmp_path))
    long = file.read_text().replace("- tool\n", f"- '{'x' * 120_000}'\n", 1)
    with pytest.raises(BadPipeline, match=r"its command has 120,\d+ characters") as caught:
        argo.emit(ir.read(long, "long"), argo.Options())
    assert "into the image" in caught.value.findings[0].mend


def test_texts_that_could_be_too_long_together_are_measured_before_the_program_starts(compiled):
    few = arguments_of(templates(compiled(tools).documents)["tool"])
    more = arguments_of(templates(compiled(many_texts).documents)["many"])
    assert ["the words of a command have" in each for each in few.values()] == [False] * len(few)
    told = {name: each for name, each in more.items() if name.startswith("t-")}
    assert ["the words of a command have" in each for each in told.values()] == [False] * 3 + [True]


def test_a_newline_that_argo_drops_is_a_warning(compiled):
    assert any("newline at the end of out" in each.what for each in compiled(tools).warnings)
