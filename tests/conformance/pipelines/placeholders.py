"""Placeholders: channels inside text, lists and dicts, facts about the run, those of container components."""

# ruff: noqa: UP045 - KFP reads Optional[...] and no other spelling of it

from typing import NamedTuple, Optional

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from tests.conformance.case import Case, KfpLocal, Outcome, artifact, component


@component
def say(text: str) -> str:
    return text


@component
def shown(items: list, table: dict) -> str:
    return f"{items} {sorted(table.items())}"


@dsl.pipeline
def in_text(name: str = 'é "q" {{x}}', number: int = 3, flag: bool = True) -> str:
    said = say(text="from a task")
    return say(text=f"<{name}> <{number}> <{flag}> <{said.output}> <{name}>").output


@dsl.pipeline
def in_containers(name: str = "n", number: int = 3) -> str:
    said = say(text="s")
    return shown(
        items=[name, f"<{said.output}>", number, ["deep", said.output], "plain"],
        table={"name": name, "said": {"deep": f"{said.output}!"}},
    ).output


@dsl.pipeline
def in_loop_items(name: str = "n") -> str:
    with dsl.ParallelFor(["a", "b"]) as item:
        each = say(text=f"{item} of {name}")
    return shown(items=dsl.Collected(each.output), table={}).output


@component
def facts(job: str, resource: str, job_id: str, task: str, task_id: str, made_of: str) -> str:
    texts = (job, resource, job_id, task, task_id, made_of)
    return repr([bool(text) and "{{" not in text for text in texts]) + " " + task


@dsl.pipeline
def run_facts() -> str:
    return facts(
        job=dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
        resource=dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER,
        job_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        task=dsl.PIPELINE_TASK_NAME_PLACEHOLDER,
        task_id=dsl.PIPELINE_TASK_ID_PLACEHOLDER,
        made_of=f"job {dsl.PIPELINE_JOB_NAME_PLACEHOLDER}, task {dsl.PIPELINE_TASK_NAME_PLACEHOLDER}",
    ).output


# container components: here they run as plain processes

_JOIN = (
    'out="$1"; mkdir -p "$(dirname "$out")"; shift; for each in "$@"; do printf "[%s]" "$each"; done > "$out"'
)


@dsl.container_component
def concatenated(name: str, number: int, text: dsl.OutputPath(str)):
    return dsl.ContainerSpec(
        image="alpine",
        command=["sh", "-c", _JOIN, "join"],
        args=[
            text,
            name,
            dsl.ConcatPlaceholder(["--name=", name, "/", number]),
            dsl.ConcatPlaceholder(["a", dsl.ConcatPlaceholder(["b", name]), "c"]),
        ],
    )


@dsl.container_component
def if_present(
    text: dsl.OutputPath(str),
    name: Optional[str] = None,
    number: Optional[int] = None,
):
    return dsl.ContainerSpec(
        image="alpine",
        command=["sh", "-c", _JOIN, "join"],
        args=[
            text,
            dsl.IfPresentPlaceholder(input_name="name", then=["--name", name], else_=["--anonymous"]),
            dsl.IfPresentPlaceholder(input_name="number", then=dsl.ConcatPlaceholder(["--number=", number])),
            "end",
        ],
    )


@dsl.container_component
def all_types(
    text: str, whole: int, fraction: float, flag: bool, items: list, table: dict, out: dsl.OutputPath(str)
):
    return dsl.ContainerSpec(
        image="alpine",
        command=["sh", "-c", _JOIN, "join", out],
        args=[text, whole, fraction, flag, items, table, f"<{text}>"],
    )


@dsl.container_component
def write_data(text: str, data: Output[Dataset]):
    return dsl.ContainerSpec(
        image="alpine",
        command=["sh", "-c", 'mkdir -p "$(dirname "$1")"; printf %s "$0" > "$1"'],
        args=[text, data.path],
    )


@dsl.container_component
def read_data(data: Input[Dataset], text: dsl.OutputPath(str)):
    return dsl.ContainerSpec(
        image="alpine",
        command=["sh", "-c", 'mkdir -p "$(dirname "$2")"; { cat "$0"; printf " %s" "$1"; } > "$2"'],
        args=[data.path, data.metadata["made"], text],
    )


@component
def make(text: str, data: Output[Dataset]):
    data.metadata["made"] = text
    with open(data.path, "w") as file:
        file.write(text)


@dsl.container_component
def typed_outputs(
    whole: dsl.OutputPath(int),
    fraction: dsl.OutputPath(float),
    flag: dsl.OutputPath(bool),
    items: dsl.OutputPath(list),
):
    script = (
        'for f in "$@"; do mkdir -p "$(dirname "$f")"; done; echo 7 > "$1"; echo 2 > "$2"; echo true > "$3"; '
    )
    return dsl.ContainerSpec(
        image="alpine",
        command=["sh", "-c", script + "echo '[1, 1.0, null]' > \"$4\"", "typed"],
        args=[whole, fraction, flag, items],
    )


@dsl.pipeline
def concat(name: str = "it's é", number: int = 3) -> str:
    return concatenated(name=name, number=number).outputs["text"]


@dsl.pipeline
def present() -> str:
    return if_present(name="x", number=0).outputs["text"]


@dsl.pipeline
def absent() -> str:
    return if_present().outputs["text"]


@dsl.pipeline
def present_but_null(name: Optional[str] = None) -> str:
    return if_present(name=name).outputs["text"]


@dsl.pipeline
def types() -> str:
    return all_types(
        text="a b", whole=3, fraction=0.5, flag=True, items=["x", 1], table={"k": [False, 1.5]}
    ).outputs["out"]


class ContainerArtifactsOutputs(NamedTuple):
    data: Dataset
    text: str


@dsl.pipeline
def container_artifacts() -> ContainerArtifactsOutputs:
    written = write_data(text="by a container")
    return ContainerArtifactsOutputs(
        data=written.outputs["data"],
        text=read_data(data=make(text="by Python").outputs["data"]).outputs["text"],
    )


class ContainerOutputs(NamedTuple):
    whole: int
    fraction: float
    flag: bool
    items: list


@dsl.pipeline
def container_outputs() -> ContainerOutputs:
    made = typed_outputs()
    return ContainerOutputs(
        whole=made.outputs["whole"],
        fraction=made.outputs["fraction"],
        flag=made.outputs["flag"],
        items=made.outputs["items"],
    )


_LIGHTWEIGHT_ONLY = KfpLocal(
    "without Docker it runs lightweight components alone", error="Container Component"
)
_NULL = KfpLocal(
    "a pipeline's parameter that is not given becomes an empty value", error="Unknown value type"
)
_NULL_INTEGER = KfpLocal("it reads an optional integer that a task leaves out as int(None)", error="NoneType")


def _in_containers(number):
    """KFP puts a channel into a list or dict as text, whatever its type."""
    items = ["n", "<s>", number, ["deep", "s"], "plain"]
    return Outcome({"Output": f"{items} {[('name', 'n'), ('said', {'deep': 's!'})]}"})


def _container(case, pipeline, outputs, wrong=_LIGHTWEIGHT_ONLY, **arguments):
    return Case(case, pipeline, Outcome(outputs), arguments, kfp_local=wrong, options=("--host",))


CASES = [
    Case(
        "channels inside text",
        in_text,
        Outcome({"Output": '<é "q" {{x}}> <3> <true> <from a task> <é "q" {{x}}>'}),
        kfp_local=KfpLocal(
            "whole numbers become floats",
            Outcome({"Output": '<é "q" {{x}}> <3.0> <true> <from a task> <é "q" {{x}}>'}),
        ),
    ),
    Case(
        "channels inside lists and dicts",
        in_containers,
        _in_containers("3"),
        kfp_local=KfpLocal("whole numbers become floats", _in_containers("3.0")),
    ),
    Case("a loop's item inside text", in_loop_items, Outcome({"Output": "['a of n', 'b of n'] []"})),
    Case(
        "facts about the run",
        run_facts,
        Outcome({"Output": "[True, True, True, True, True, True] facts"}),
        kfp_local=KfpLocal("it knows a placeholder only where it is the whole text", error="IndexError"),
    ),
    _container("Concat", concat, {"Output": "[it's é][--name=it's é/3][abit's éc]"}),
    _container("IfPresent", present, {"Output": "[--name][x][--number=0][end]"}),
    _container("IfPresent of nothing", absent, {"Output": "[--anonymous][end]"}, _NULL_INTEGER),
    _container("IfPresent of null", present_but_null, {"Output": "[--anonymous][end]"}, _NULL),
    _container(
        "IfPresent of a given value",
        present_but_null,
        {"Output": "[--name][y][end]"},
        _NULL_INTEGER,
        name="y",
    ),
    _container(
        "values of all types in a command",
        types,
        {"Output": '[a b][3][0.5][true][["x", 1]][{"k": [false, 1.5]}][<a b>]'},
    ),
    _container(
        "artifacts of containers",
        container_artifacts,
        {
            "data": artifact("data", "by a container"),
            "text": "by Python by Python",
        },
    ),
    _container(
        "typed outputs of containers",
        container_outputs,
        {"whole": 7, "fraction": 2.0, "flag": True, "items": [1, 1.0, None]},
    ),
]
