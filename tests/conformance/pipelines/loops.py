"""Loops: static and dynamic, nested, with parallelism, over fields and artifacts; and what is collected."""

# ruff: noqa: SIM117 - a construct a line, as authors write pipelines

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from tests.conformance.case import FOLDER, Case, KfpLocal, Outcome, component


@component
def say(text: str) -> str:
    return text


@component
def double(number: int) -> int:
    return 2 * number


@component
def show(value: dict) -> str:
    return repr(sorted(value.items()))


@component
def total(numbers: list) -> int:
    return sum(numbers)


@component
def shown(values: list) -> str:
    return repr(values)


@component
def numbers_up_to(limit: int) -> list:
    return list(range(1, limit + 1))


@component
def tables() -> list[dict]:
    return [{"label": "a"}, {"label": "b"}]


@dsl.pipeline
def static_texts() -> str:
    with dsl.ParallelFor(["a", "it's", '"q"', "{{item}} $(x)", ""]) as item:
        said = say(text=item)
    return shown(values=dsl.Collected(said.output)).output


class StaticNumbersOutputs(NamedTuple):
    sum: int
    all: str


@dsl.pipeline
def static_numbers() -> StaticNumbersOutputs:
    with dsl.ParallelFor([1, 2, 3]) as item:
        twice = double(number=item)
    return StaticNumbersOutputs(
        sum=total(numbers=dsl.Collected(twice.output)).output,
        all=shown(values=dsl.Collected(twice.output)).output,
    )


@dsl.pipeline
def collected_output() -> list[int]:
    with dsl.ParallelFor([1, 2, 3]) as item:
        twice = double(number=item)
    return dsl.Collected(twice.output)


class SubvariablesOutputs(NamedTuple):
    names: str
    whole: str


@dsl.pipeline
def subvariables() -> SubvariablesOutputs:
    with dsl.ParallelFor([{"label": "a", "other": "x"}, {"label": "b", "other": "y"}]) as item:
        name = say(text=item.label)
        whole = show(value=item)
    return SubvariablesOutputs(
        names=shown(values=dsl.Collected(name.output)).output,
        whole=shown(values=dsl.Collected(whole.output)).output,
    )


@dsl.pipeline
def over_parameter(items: list) -> str:
    with dsl.ParallelFor(items) as item:
        said = say(text=item)
    return shown(values=dsl.Collected(said.output)).output


@dsl.pipeline
def over_output(limit: int) -> str:
    with dsl.ParallelFor(numbers_up_to(limit=limit).output) as item:
        twice = double(number=item)
    return shown(values=dsl.Collected(twice.output)).output


class SubvariablesOfOutputOutputs(NamedTuple):
    names: str
    embedded: str


@dsl.pipeline
def subvariables_of_output() -> SubvariablesOfOutputOutputs:
    with dsl.ParallelFor(tables().output) as item:
        name = say(text=item.label)
        embedded = say(text=f"<{item.label}>")
    return SubvariablesOfOutputOutputs(
        names=shown(values=dsl.Collected(name.output)).output,
        embedded=shown(values=dsl.Collected(embedded.output)).output,
    )


@component
def join(left: str, right: str) -> str:
    return left + right


class NestedLoopsOutputs(NamedTuple):
    inner: str
    outer: str


@dsl.pipeline
def nested_loops() -> NestedLoopsOutputs:
    with dsl.ParallelFor(["a", "b"]) as left:
        outer = say(text=left)
        with dsl.ParallelFor(["x", "y", "z"]) as right:
            inner = join(left=outer.output, right=right)
    return NestedLoopsOutputs(
        inner=shown(values=dsl.Collected(inner.output)).output,
        outer=shown(values=dsl.Collected(outer.output)).output,
    )


@component
def below(limit: int) -> list:
    return list(range(limit))


@dsl.pipeline
def inner_list_made_in_outer() -> str:
    with dsl.ParallelFor([2, 0, 1]) as limit:
        with dsl.ParallelFor(below(limit=limit).output) as item:
            twice = double(number=item)
    return shown(values=dsl.Collected(twice.output)).output


@dsl.pipeline
def rows_of_rows(rows: list[list[int]]) -> str:
    with dsl.ParallelFor(rows) as row:
        with dsl.ParallelFor(row) as item:
            twice = double(number=item)
    return shown(values=dsl.Collected(twice.output)).output


@component
def alone(folder: str, name: str) -> bool:
    import os
    import time

    others = os.listdir(folder)
    path = os.path.join(folder, name)
    with open(path, "w"):
        time.sleep(0.2)
    os.remove(path)
    return not others


@dsl.pipeline
def one_at_a_time(folder: str) -> str:
    with dsl.ParallelFor(["a", "b", "c", "d"], parallelism=1) as name:
        single = alone(folder=folder, name=name)
    return shown(values=dsl.Collected(single.output)).output


@component
def make(text: str, data: Output[Dataset]):
    data.metadata["made"] = text
    with open(data.path, "w") as file:
        file.write(text)


@component
def read(data: Input[Dataset]) -> str:
    with open(data.path) as file:
        return f"{file.read()} {data.metadata['made']} {data.name}"


@component
def read_all(data: Input[list[Dataset]]) -> str:
    texts = []
    for each in data:
        with open(each.path) as file:
            texts.append(file.read() + "/" + each.metadata["made"])
    return " ".join(texts)


class CollectedArtifactsOutputs(NamedTuple):
    data: list[Dataset]
    texts: str


@dsl.pipeline
def collected_artifacts() -> CollectedArtifactsOutputs:
    with dsl.ParallelFor(["a", "b", "c"]) as text:
        made = make(text=text)
    return CollectedArtifactsOutputs(
        data=dsl.Collected(made.outputs["data"]),
        texts=read_all(data=dsl.Collected(made.outputs["data"])).output,
    )


@dsl.pipeline
def nested_collected_artifacts() -> str:
    with dsl.ParallelFor(["a", "b"]) as left:
        with dsl.ParallelFor(["x", "y"]) as right:
            made = make(text=join(left=left, right=right).output)
    return read_all(data=dsl.Collected(made.outputs["data"])).output


@dsl.pipeline
def make_three() -> list[Dataset]:
    with dsl.ParallelFor(["a", "b", "c"]) as text:
        made = make(text=text)
    return dsl.Collected(made.outputs["data"])


@dsl.pipeline
def over_artifacts() -> str:
    with dsl.ParallelFor(make_three().output) as data:
        text = read(data=data)
    return shown(values=dsl.Collected(text.output)).output


@dsl.pipeline
def over_artifact_input(data: Input[list[Dataset]]) -> str:
    with dsl.ParallelFor(data) as each:
        text = read(data=each)
    return shown(values=dsl.Collected(text.output)).output


@dsl.pipeline
def artifacts_into_nested_pipeline() -> str:
    return over_artifact_input(data=make_three().output).output


@dsl.pipeline
def collected_if_large() -> str:
    with dsl.ParallelFor([1, 5, 9]) as item:
        with dsl.If(item > 4):
            twice = double(number=item)
    return shown(values=dsl.Collected(twice.output)).output


@dsl.pipeline
def twice_and_sum(items: list[int]) -> int:
    with dsl.ParallelFor(items) as item:
        twice = double(number=item)
    return total(numbers=dsl.Collected(twice.output)).output


@dsl.pipeline
def loop_of_loops_in_pipelines() -> str:
    with dsl.ParallelFor([[1, 2], [], [3]]) as items:
        each = twice_and_sum(items=items)
    return shown(values=dsl.Collected(each.output)).output


@dsl.pipeline
def two_loops_after_each_other() -> str:
    with dsl.ParallelFor([1, 2]) as item:
        twice = double(number=item)
    with dsl.ParallelFor([10, 20]) as item:
        added = total(numbers=dsl.Collected(twice.output))
        more = double(number=item).after(added)
    return shown(values=dsl.Collected(more.output)).output


@component
def fail_for(text: str, bad: str) -> str:
    if text == bad:
        raise ValueError(f"{text} is bad")
    return text


@component
def witness(folder: str, name: str, values: list):
    import os

    with open(os.path.join(folder, name), "a") as file:
        file.write(f"{values}\n")


@dsl.pipeline
def failing_iteration(folder: str):
    with dsl.ParallelFor(["a", "b", "c"]) as text:
        said = fail_for(text=text, bad="b")
    witness(folder=folder, name="after", values=dsl.Collected(said.output))


@dsl.pipeline
def numbers_in_fields() -> str:
    with dsl.ParallelFor([{"n": 1, "m": 2}, {"n": 3, "m": 4}]) as item:
        twice = double(number=item.n)
    return shown(values=dsl.Collected(twice.output)).output


@dsl.pipeline
def collected_in_outer_iteration() -> str:
    with dsl.ParallelFor([1, 2]):
        with dsl.ParallelFor([10, 20]) as inner:
            twice = double(number=inner)
        each = total(numbers=dsl.Collected(twice.output))
    return shown(values=dsl.Collected(each.output)).output


@dsl.pipeline
def one_of_in_loop() -> str:
    with dsl.ParallelFor([1, 7]) as item:
        with dsl.If(item > 5):
            large = say(text="large")
        with dsl.Else():
            small = say(text="small")
        chosen = say(text=dsl.OneOf(large.output, small.output))
    return shown(values=dsl.Collected(chosen.output)).output


@dsl.pipeline
def default_list(items: list = ["p", "q"]) -> str:
    with dsl.ParallelFor(items) as item:
        said = say(text=item)
    return shown(values=dsl.Collected(said.output)).output


@dsl.pipeline
def whole_items(items: list[dict]) -> str:
    with dsl.ParallelFor(items) as item:
        shown_item = show(value=item)
    return shown(values=dsl.Collected(shown_item.output)).output


@dsl.pipeline
def fields_in_text() -> str:
    with dsl.ParallelFor([{"label": "a", "o": "x"}, {"label": "b", "o": "y"}]) as item:
        said = say(text=f"<{item.label}{item.o}>")
    return shown(values=dsl.Collected(said.output)).output


@dsl.pipeline
def fields_of_parameter_in_text(items: list[dict]) -> str:
    with dsl.ParallelFor(items) as item:
        said = say(text=f"<{item.label}>")
    return shown(values=dsl.Collected(said.output)).output


@dsl.pipeline
def fields_in_text_in_condition() -> str:
    with dsl.ParallelFor([{"label": "a", "o": "x"}, {"label": "b", "o": "y"}]) as item:
        with dsl.If(item.label == "b"):
            said = say(text=f"<{item.o}>")
    return shown(values=dsl.Collected(said.output)).output


@dsl.pipeline
def two_items_in_text() -> str:
    with dsl.ParallelFor(["a", "b"]) as left:
        with dsl.ParallelFor(["x", "y"]) as right:
            said = say(text=f"{left}{right}")
    return shown(values=dsl.Collected(said.output)).output


def _output(text):
    return Outcome({"Output": text})


_FLOATS = "collected whole numbers become floats"

_NO_EMPTY_LOOP = KfpLocal(
    "a loop over nothing gives nothing, not an empty list", error="'for-loop-1' not found"
)
_NESTED = KfpLocal("loops in loops mix up their items", error="Inner task failed")

_ASTRAY = KfpLocal(
    "the SDK passes items inside text the wrong way, and it follows", error="Inner task failed"
)

CASES = [
    Case("a static loop over texts", static_texts, _output(repr(["a", "it's", '"q"', "{{item}} $(x)", ""]))),
    Case(
        "a static loop over numbers",
        static_numbers,
        Outcome({"sum": 12, "all": "[2, 4, 6]"}),
        kfp_local=KfpLocal(_FLOATS, error="Inner task failed"),
    ),
    Case("collected values as a pipeline's output", collected_output, _output([2, 4, 6])),
    Case(
        "subvariables of a static loop",
        subvariables,
        Outcome(
            {
                "names": "['a', 'b']",
                "whole": repr([repr([("label", n), ("other", o)]) for n, o in ("ax", "by")]),
            }
        ),
    ),
    Case("a loop over a parameter", over_parameter, _output("['x', 'y']"), {"items": ["x", "y"]}),
    Case(
        "a loop over an empty parameter",
        over_parameter,
        _output("[]"),
        {"items": []},
        kfp_local=_NO_EMPTY_LOOP,
    ),
    Case(
        "a loop over an output",
        over_output,
        _output("[2, 4, 6]"),
        {"limit": 3},
        kfp_local=KfpLocal(_FLOATS, _output("[2.0, 4.0, 6.0]")),
    ),
    Case("a loop over an empty output", over_output, _output("[]"), {"limit": 0}, kfp_local=_NO_EMPTY_LOOP),
    Case(
        "subvariables of an output",
        subvariables_of_output,
        Outcome({"names": "['a', 'b']", "embedded": "['<a>', '<b>']"}),
        kfp_local=KfpLocal(
            "a field inside text becomes the whole element",
            Outcome({"names": "['a', 'b']", "embedded": repr(['<{"label": "a"}>', '<{"label": "b"}>'])}),
        ),
    ),
    Case(
        "nested loops",
        nested_loops,
        Outcome({"inner": repr([["ax", "ay", "az"], ["bx", "by", "bz"]]), "outer": "['a', 'b']"}),
        kfp_local=KfpLocal(
            "the item of the inner loop takes the place of the outer one's",
            Outcome({"inner": repr([["xx", "yy", "zz"], ["xx", "yy", "zz"]]), "outer": "['a', 'b']"}),
        ),
    ),
    Case(
        "an inner list made in the outer loop",
        inner_list_made_in_outer,
        _output("[[0, 2], [], [0]]"),
        kfp_local=_NESTED,
    ),
    Case(
        "a loop over rows of rows",
        rows_of_rows,
        _output("[[2, 4], [], [6]]"),
        {"rows": [[1, 2], [], [3]]},
        kfp_local=_NESTED,
    ),
    Case("parallelism of one", one_at_a_time, _output("[True, True, True, True]"), {"folder": FOLDER}),
    Case("collected artifacts", collected_artifacts),
    Case(
        "artifacts collected from nested loops",
        nested_collected_artifacts,
        _output("ax/ax ay/ay bx/bx by/by"),
        kfp_local=KfpLocal("it makes lists of lists of artifacts", error="AttributeError"),
    ),
    Case("a loop over artifacts", over_artifacts, _output(repr(["a a data", "b b data", "c c data"]))),
    Case(
        "a loop over artifacts given to a nested pipeline",
        artifacts_into_nested_pipeline,
        _output(repr(["a a data", "b b data", "c c data"])),
        kfp_local=KfpLocal(
            "a nested pipeline's input of artifacts is no list to it", error="'for-loop-1' not found"
        ),
    ),
    Case(
        "collected from a branch that some iterations skip",
        collected_if_large,
        _output("[None, 10, 18]"),
        kfp_local=KfpLocal("an iteration without the output fails", error="Inner task failed"),
    ),
    Case(
        "a loop over nested pipelines with loops",
        loop_of_loops_in_pipelines,
        _output("[6, 0, 6]"),
        kfp_local=_NESTED,
    ),
    Case(
        "two loops after each other",
        two_loops_after_each_other,
        _output("[20, 40]"),
        kfp_local=KfpLocal(_FLOATS, error="Inner task failed"),
    ),
    Case(
        "numbers in fields",
        numbers_in_fields,
        _output("[2, 6]"),
        kfp_local=KfpLocal(_FLOATS, _output("[2.0, 6.0]")),
    ),
    Case(
        "collected in each outer iteration",
        collected_in_outer_iteration,
        _output("[60, 60]"),
        kfp_local=_NESTED,
    ),
    Case("OneOf in a loop", one_of_in_loop, _output("['small', 'large']")),
    Case("a loop over a parameter's default", default_list, _output("['p', 'q']")),
    Case(
        "items that are dicts of all types",
        whole_items,
        _output(repr([repr([("n", 1), ("x", [1.0, None, {"y": "2"}])]), "[]"])),
        {"items": [{"n": 1, "x": [1.0, None, {"y": "2"}]}, {}]},
        kfp_local=KfpLocal("it knows no null in a list", error='Got: "None"'),
    ),
    Case("fields inside text", fields_in_text, _output("['<ax>', '<by>']"), kfp_local=_ASTRAY),
    Case(
        "fields of a parameter's items inside text",
        fields_of_parameter_in_text,
        _output("['<a>', '<b>']"),
        {"items": [{"label": "a"}, {"label": "b"}]},
        kfp_local=_ASTRAY,
    ),
    Case(
        "fields inside text in a condition",
        fields_in_text_in_condition,
        _output("[None, '<y>']"),
        kfp_local=_ASTRAY,
    ),
    Case(
        "items of two loops inside text",
        two_items_in_text,
        _output("[['ax', 'ay'], ['bx', 'by']]"),
        kfp_local=_ASTRAY,
    ),
    Case("an iteration that fails", failing_iteration, Outcome(status="FAILED"), {"folder": FOLDER}),
]
