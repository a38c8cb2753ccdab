"""Parameters: every type, defaults, optional inputs, several outputs, outputs through files."""

# ruff: noqa: UP045 - KFP reads Optional[...] and no other spelling of it

from typing import NamedTuple, Optional

from kfp import dsl

from tests.conformance.case import Case, KfpLocal, Outcome, component

NASTY = "é ☃ \"q\" 'q' back\\slash\nline\ttab {{workflow.name}} {{=1+1}} $(HOME) $HOME `id` \x7f {{{"


@component
def echo(text: str, whole: int, fraction: float, flag: bool) -> NamedTuple(
    "Outputs", text=str, whole=int, fraction=float, flag=bool, seen=str
):
    class Outputs(NamedTuple):
        text: str
        whole: int
        fraction: float
        flag: bool
        seen: str

    seen = " ".join(type(value).__name__ for value in (text, whole, fraction, flag))
    return Outputs(text, whole, fraction, flag, seen)


class ScalarsOutputs(NamedTuple):
    text: str
    whole: int
    fraction: float
    flag: bool
    seen: str


@dsl.pipeline
def scalars(
    text: str = "default", whole: int = 3, fraction: float = 3.0, flag: bool = True
) -> ScalarsOutputs:
    first = echo(text=text, whole=whole, fraction=fraction, flag=flag)
    second = echo(
        text=first.outputs["text"],
        whole=first.outputs["whole"],
        fraction=first.outputs["fraction"],
        flag=first.outputs["flag"],
    )
    return ScalarsOutputs(
        text=second.outputs["text"],
        whole=second.outputs["whole"],
        fraction=second.outputs["fraction"],
        flag=second.outputs["flag"],
        seen=second.outputs["seen"],
    )


@component
def echo_containers(items: list, table: dict) -> NamedTuple("Outputs", items=list, table=dict, seen=str):
    return (items, table, repr((items, dict(sorted(table.items())))))


class ContainersOutputs(NamedTuple):
    items: list
    table: dict
    seen: str


@dsl.pipeline
def containers(
    items: list = [1, 2.5, "3", [4], {"five": 5}],
    table: dict = {"one": 1, "half": 0.5, "nested": {"deep": [True, "x"]}},
) -> ContainersOutputs:
    first = echo_containers(items=items, table=table)
    second = echo_containers(items=first.outputs["items"], table=first.outputs["table"])
    return ContainersOutputs(
        items=second.outputs["items"], table=second.outputs["table"], seen=second.outputs["seen"]
    )


@component
def typed_containers(names: list[str], weights: dict[str, float]) -> str:
    return f"{sorted(names)} {sorted(weights.items())}"


@dsl.pipeline
def constants() -> str:
    return typed_containers(names=["b", "a"], weights={"x": 0.5, "y": -1.5}).output


@component
def with_defaults(text: str = "component", whole: int = 7, flag: bool = False, items: list = ["a"]) -> str:
    return repr((text, whole, flag, items))


class ComponentDefaultsOutputs(NamedTuple):
    none: str
    some: str


@dsl.pipeline
def component_defaults(whole: int = 8) -> ComponentDefaultsOutputs:
    return ComponentDefaultsOutputs(
        none=with_defaults().output, some=with_defaults(text="given", whole=whole).output
    )


@component
def optional(
    text: Optional[str] = None,
    whole: Optional[int] = None,
    items: Optional[list] = None,
) -> str:
    return repr((text, whole, items))


class OptionalInputsOutputs(NamedTuple):
    passed: str
    omitted: str


@dsl.pipeline
def optional_inputs(
    text: Optional[str] = None,
    whole: Optional[int] = None,
) -> OptionalInputsOutputs:
    return OptionalInputsOutputs(passed=optional(text=text, whole=whole).output, omitted=optional().output)


@component
def through_files(
    text: dsl.OutputPath(str),
    whole: dsl.OutputPath(int),
    fraction: dsl.OutputPath(float),
    flag: dsl.OutputPath(bool),
    items: dsl.OutputPath(list),
    table: dsl.OutputPath(dict),
):
    import json

    for path, value in (
        (text, "  spaces, and a newline\n"),
        (whole, "12"),
        (fraction, "0.5"),
        (flag, "True"),
        (items, json.dumps(["a", 1.5])),
        (table, json.dumps({"k": "v"})),
    ):
        with open(path, "w") as file:
            file.write(value)


class OutputPathsOutputs(NamedTuple):
    text: str
    whole: int
    fraction: float
    flag: bool
    items: list
    table: dict


@dsl.pipeline
def output_paths() -> OutputPathsOutputs:
    made = through_files()
    return OutputPathsOutputs(
        text=made.outputs["text"],
        whole=made.outputs["whole"],
        fraction=made.outputs["fraction"],
        flag=made.outputs["flag"],
        items=made.outputs["items"],
        table=made.outputs["table"],
    )


@component
def may_return(value: int) -> str:
    return f"{value}" if value > 0 else None


@dsl.pipeline
def output_of_nothing(value: int) -> str:
    return optional(text=may_return(value=value).output).output


@component
def divide_by_zero() -> float:
    return float("nan")


@dsl.pipeline
def not_a_number() -> float:
    return divide_by_zero().output


@component
def half_a_character() -> str:
    return "\ud800"


@dsl.pipeline
def lone_surrogate() -> str:
    return half_a_character().output


def _scalars(text, whole, fraction, flag):
    return Outcome(
        {"text": text, "whole": whole, "fraction": fraction, "flag": flag, "seen": "str int float bool"}
    )


_ITEMS = [1, 2.5, "3", [4], {"five": 5}]
_TABLE = {"one": 1, "half": 0.5, "nested": {"deep": [True, "x"]}}
_TABLE_OF_DOUBLES = {"half": 0.5, "nested": {"deep": [True, "x"]}, "one": 1.0}
_AS_DOUBLES = "whole numbers in lists and dicts become floats: protobuf's Struct knows doubles alone"

CASES = [
    Case("parameters of all types", scalars, _scalars("default", 3, 3.0, True)),
    Case(
        "any text arrives unchanged",
        scalars,
        _scalars(NASTY, -4, -0.125, False),
        {"text": NASTY, "whole": -4, "fraction": -0.125, "flag": False},
    ),
    Case(
        "empty and zero are values, not absence",
        scalars,
        _scalars("", 0, 0.0, False),
        {"text": "", "whole": 0, "fraction": 0.0, "flag": False},
    ),
    Case(
        "text that looks like a number or JSON stays text",
        scalars,
        _scalars('{"a": 1}', 1, 1e22, True),
        {"text": '{"a": 1}', "whole": 1, "fraction": 1e22},
    ),
    Case(
        "whole numbers beyond 2**53",
        scalars,
        _scalars("x", 2**53 + 1, 0.1, True),
        {"text": "x", "whole": 2**53 + 1, "fraction": 0.1},
        kfp_local=KfpLocal("it rounds them to doubles", _scalars("x", 2**53, 0.1, True)),
    ),
    Case(
        "lists and dicts",
        containers,
        Outcome({"items": _ITEMS, "table": _TABLE, "seen": repr((_ITEMS, dict(sorted(_TABLE.items()))))}),
        kfp_local=KfpLocal(
            _AS_DOUBLES,
            Outcome(
                {
                    "items": [1.0, 2.5, "3", [4.0], {"five": 5.0}],
                    "table": {"one": 1.0, "half": 0.5, "nested": {"deep": [True, "x"]}},
                    "seen": repr(([1.0, 2.5, "3", [4.0], {"five": 5.0}], _TABLE_OF_DOUBLES)),
                }
            ),
        ),
    ),
    Case(
        "empty lists and dicts",
        containers,
        Outcome({"items": [], "table": {}, "seen": "([], {})"}),
        {"items": [], "table": {}},
    ),
    Case("typed lists and dicts as constants", constants),
    Case("defaults of a component", component_defaults),
    Case(
        "optional inputs that are absent",
        optional_inputs,
        Outcome({"passed": "(None, None, None)", "omitted": "(None, None, None)"}),
        kfp_local=KfpLocal(
            "a pipeline's parameter that is not given becomes an empty value", error="Unknown value type"
        ),
    ),
    Case(
        "optional inputs that are given",
        optional_inputs,
        Outcome({"passed": "('here', 0, None)", "omitted": "(None, None, None)"}),
        {"text": "here", "whole": 0},
        kfp_local=KfpLocal(
            "it reads an optional integer that a task leaves out as int(None)", error="NoneType"
        ),
    ),
    Case("outputs through files", output_paths),
    Case(
        "NaN is no parameter",
        not_a_number,
        Outcome(status="FAILED"),
        kfp_local=KfpLocal("it passes NaN on, which JSON does not have", Outcome({"Output": float("nan")})),
    ),
    Case("half a character is no text", lone_surrogate, Outcome(status="FAILED")),
    Case(
        "an output that is None is absent for the next",
        output_of_nothing,
        Outcome({"Output": "(None, None, None)"}),
        {"value": 0},
        kfp_local=KfpLocal(
            "it takes a task without outputs for one that is not there", error="'may-return' not found"
        ),
    ),
    Case(
        "an optional output that is there",
        output_of_nothing,
        Outcome({"Output": "('3', None, None)"}),
        {"value": 3},
        kfp_local=KfpLocal(
            "it reads an optional integer that a task leaves out as int(None)", error="NoneType"
        ),
    ),
]
