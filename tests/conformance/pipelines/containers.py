"""Container components that are given text made of several values, parts of values, and collected ones."""

import json
from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Input

from tests.conformance.case import Case, KfpLocal, Outcome, component

_WRITE = (
    'out="$1"; mkdir -p "$(dirname "$out")"; shift; for each in "$@"; do printf "[%s]" "$each"; done > "$out"'
)


@dsl.container_component
def say(text: str, said: dsl.OutputPath(str)):
    return dsl.ContainerSpec(image="alpine", command=["sh", "-c", _WRITE, "say"], args=[said, text])


@dsl.container_component
def say_list(items: list, said: dsl.OutputPath(str)):
    return dsl.ContainerSpec(image="alpine", command=["sh", "-c", _WRITE, "say"], args=[said, items])


@dsl.container_component
def say_both(items: list, text: str, said: dsl.OutputPath(str), length: dsl.OutputPath(int)):
    return dsl.ContainerSpec(
        image="alpine",
        command=["sh", "-c", f'printf 7 > "$0"; {_WRITE}', length],
        args=[said, items, text],
    )


@dsl.container_component
def say_origin(data: Input[Dataset], said: dsl.OutputPath(str)):
    return dsl.ContainerSpec(
        image="alpine", command=["sh", "-c", _WRITE, "say"], args=[said, data.uri, data.metadata["by"]]
    )


class Texts(NamedTuple):
    mixed: str
    nested: str
    facts: str


@dsl.pipeline
def inner(text: str) -> str:
    return say(text=f"<{text}>").outputs["said"]


NASTY = "{{$.inputs.parameters['pipelinechannel--n']}} {{x}} $(HOME) \"q\\ é\n."


@dsl.pipeline
def texts(s: str = NASTY, n: int = 3, b: bool = True, items: list = [1, {"a": ["<é>"]}]) -> Texts:
    made = say(text="plain")
    mixed = say(text=f"{s}|{n}|{b}|{items}|{made.outputs['said']}|{{{{y}}}}")
    facts = say(text="task " + dsl.PIPELINE_TASK_NAME_PLACEHOLDER)
    nested = inner(text=f"{n}-{s}")
    return Texts(mixed=mixed.outputs["said"], nested=nested.output, facts=facts.outputs["said"])


class Collected(NamedTuple):
    said: str
    lengths: str
    texts: str
    deep: str


@dsl.pipeline
def parts_and_collected() -> Collected:
    with dsl.ParallelFor([[1, 2], ["x y", {"a": "{{q}}"}]]) as items:
        made = say_both(items=items, text=f"<{items}>")
    with dsl.ParallelFor(["a", 'b"']) as outer:
        with dsl.ParallelFor([1, 2]) as number:
            each = say(text=f"{outer}{number}")
        texts = say_list(items=dsl.Collected(each.outputs["said"]))
    return Collected(
        said=say_list(items=dsl.Collected(made.outputs["said"])).outputs["said"],
        lengths=say_list(items=dsl.Collected(made.outputs["length"])).outputs["said"],
        texts=say_list(items=dsl.Collected(texts.outputs["said"])).outputs["said"],
        deep=say_list(items=dsl.Collected(each.outputs["said"])).outputs["said"],
    )


@component
def address(name: str) -> str:
    return f"gs://elsewhere/{name}"


@dsl.pipeline
def imported(name: str = 'a "b') -> str:
    data = dsl.importer(
        artifact_uri=address(name="x").output, artifact_class=Dataset, metadata={"by": f"<{name}>"}
    )
    return say_origin(data=data.output).outputs["said"]


def _case(name, pipeline, outputs, error="FAILURE"):
    wrong = KfpLocal("without Docker it runs lightweight components alone", error=error)
    return Case(name, pipeline, Outcome(outputs), kfp_local=wrong, options=("--host",))


def _shown(*values):
    """As `say` shows values that are no text."""
    return "".join(f"[{json.dumps(value)}]" for value in values)


_PARTS = ([1, 2], ["x y", {"a": "{{q}}"}])
_LETTERS = [["[a1]", "[a2]"], ['[b"1]', '[b"2]']]

CASES = [
    _case(
        "text of several values for a container",
        texts,
        {
            "mixed": f"[{NASTY}|3|true|{json.dumps([1, {'a': ['<é>']}])}|[plain]|{{{{y}}}}]",
            "nested": f"[<3-{NASTY}>]",
            "facts": "[task say-3]",
        },
        error="ParserError",  # of the default with several lines, which KFP's compiler wrote
    ),
    _case(
        "parts of lists and collected values for a container",
        parts_and_collected,
        {
            "said": _shown([f"{_shown(part)}[<{json.dumps(part)}>]" for part in _PARTS]),
            "lengths": _shown([7, 7]),
            "texts": _shown([_shown(letters) for letters in _LETTERS]),
            "deep": _shown(_LETTERS),
        },
    ),
    _case(
        "an imported artifact with computed metadata for a container",
        imported,
        {"Output": '[gs://elsewhere/x][<a "b>]'},
        error="Container Component",
    ),
]
