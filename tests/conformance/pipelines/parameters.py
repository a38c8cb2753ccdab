"""Parameters: every type, defaults, optional inputs, several outputs, outputs through files."""

from typing import Dict, List, NamedTuple, Optional  # noqa: UP035 - KFP reads these from the signature

from kfp import dsl

from tests.conformance.case import Case, KfpLocal, Outcome, component

NASTY = "é ☃ \"q\" 'q' back\\slash\nline\ttab {{workflow.name}} {{=1+1}} $(HOME) $HOME `id` \x7f {{{"


@component
def echo(
    text: str, whole: int, fraction: float, flag: bool
) -> NamedTuple("Outputs", text=str, whole=int, fraction=float, flag=bool, seen=str):
    outputs = NamedTuple("Outputs", text=str, whole=int, fraction=float, flag=bool, seen=str)
    seen = " ".join(type(value).__name__ for value in (text, whole, fraction, flag))
    return outputs(text, whole, fraction, flag, seen)


@dsl.pipeline
def scalars(
    text: str = "default", whole: int = 3, fraction: float = 3.0, flag: bool = True
) -> NamedTuple("Outputs", text=str, whole=int, fraction=float, flag=bool, seen=str):
    first = echo(text=text, whole=whole, fraction=fraction, flag=flag)
    second = echo(
        text=first.outputs["text"],
        whole=first.outputs["whole"],
        fraction=first.outputs["fraction"],
        flag=first.outputs["flag"],
    )
    outputs = NamedTuple("Outputs", text=str, whole=int, fraction=float, flag=bool, seen=str)
    return outputs(
        text=second.outputs["text"],
        whole=second.outputs["whole"],
        fraction=second.outputs["fraction"],
        flag=second.outputs["flag"],
        seen=second.outputs["seen"],
    )


@component
def echo_containers(items: list, table: dict) -> NamedTuple("Outputs", items=list, table=dict, seen=str):
    outputs = NamedTuple("Outputs", items=list, table=dict, seen=str)
    return outputs(items, table, repr((items, table)))


@dsl.pipeline
def containers(
    items: list = [1, 2.5, "3", [4], {"five": 5}],  # noqa: B006 - read by the compiler, never changed
    table: dict = {"one": 1, "half": 0.5, "nested": {"deep": [True, "x"]}},  # noqa: B006
) -> NamedTuple("Outputs", items=list, table=dict, seen=str):
    first = echo_containers(items=items, table=table)
    second = echo_containers(items=first.outputs["items"], table=first.outputs["table"])
    outputs = NamedTuple("Outputs", items=list, table=dict, seen=str)
    return outputs(
        items=second.outputs["items"], table=second.outputs["table"], seen=second.outputs["seen"]
    )


@component
def typed_containers(names: List[str], weights: Dict[str, float]) -> str:  # noqa: UP006
    return f"{sorted(names)} {sorted(weights.items())}"


@dsl.pipeline
def constants() -> str:
    return typed_containers(names=["b", "a"], weights={"x": 0.5, "y": -1.5}).output


@component
def with_defaults(text: str = "component", whole: int = 7, flag: bool = False, items: list = ["a"]) -> str:
    return repr((text, whole, flag, items))


@dsl.pipeline
def component_defaults(whole: int = 8) -> NamedTuple("Outputs", none=str, some=str):
    outputs = NamedTuple("Outputs", none=str, some=str)
    return outputs(none=with_defaults().output, some=with_defaults(text="given", whole=whole).output)


@component
def optional(
    text: Optional[str] = None,  # noqa: UP045
    whole: Optional[int] = None,  # noqa: UP045
    items: Optional[list] = None,  # noqa: UP045
) -> str:
    return repr((text, whole, items))


@dsl.pipeline
def optional_inputs(
    text: Optional[str] = None,  # noqa: UP045
    whole: Optional[int] = None,  # noqa: UP045
) -> NamedTuple("Outputs", passed=str, omitted=str):
    outputs = NamedTuple("Outputs", passed=str, omitted=str)
    return outputs(passed=optional(text=text, whole=whole).output, omitted=optional().output)


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


@dsl.pipeline
def output_paths() -> NamedTuple(
    "Outputs", text=str, whole=int, fraction=float, flag=bool, items=list, table=dict
):
    made = through_files()
    outputs = NamedTuple("Outputs", text=str, whole=int, fraction=float, flag=bool, items=list, table=dict)
    return outputs(
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


def _scalars(text, whole, fraction, flag):
    return Outcome({"text": text, "whole": whole, "fraction": fraction, "flag": flag, "seen": "str int float bool"})


_ITEMS = [1, 2.5, "3", [4], {"five": 5}]
_TABLE = {"one": 1, "half": 0.5, "nested": {"deep": [True, "x"]}}
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
    Case("text that looks like a number or JSON stays text", scalars, _scalars('{"a": 1}', 1, 1e22, True),
         {"text": '{"a": 1}', "whole": 1, "fraction": 1e22}),
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
        Outcome({"items": _ITEMS, "table": _TABLE, "seen": repr((_ITEMS, _TABLE))}),
        kfp_local=KfpLocal(_AS_DOUBLES, Outcome({})),
    ),
    Case(
        "empty lists and dicts",
        containers,
        Outcome({"items": [], "table": {}, "seen": "([], {})"}),
        {"items": [], "table": {}},
    ),
    Case("typed lists and dicts as constants", constants),
    Case("defaults of a component", component_defaults),
    Case("optional inputs that are absent", optional_inputs),
    Case("optional inputs that are given", optional_inputs, arguments={"text": "here", "whole": 0}),
    Case("outputs through files", output_paths),
    Case("an output that is None is absent for the next", output_of_nothing, arguments={"value": 0}),
    Case("an optional output that is there", output_of_nothing, arguments={"value": 3}),
]
