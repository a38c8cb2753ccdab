"""Conditions: If, Elif, Else, nested and in loops, and OneOf."""

# ruff: noqa: SIM117 - a construct a line, as authors write pipelines

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from tests.conformance.case import FOLDER, Case, KfpLocal, Outcome, artifact, component


@component
def say(text: str) -> str:
    return text


@component
def witness(folder: str, name: str):
    import os

    with open(os.path.join(folder, name), "a") as file:
        file.write("ran\n")


@component
def give_whole(value: int) -> int:
    return value


@component
def give_fraction(value: float) -> float:
    return value


@component
def give_flag(value: bool) -> bool:
    return value


@dsl.pipeline
def three_ways(value: int) -> str:
    number = give_whole(value=value)
    with dsl.If(number.output < 0):
        low = say(text="negative")
    with dsl.Elif(number.output == 0):
        middle = say(text="zero")
    with dsl.Else():
        high = say(text="positive")
    return dsl.OneOf(low.output, middle.output, high.output)


@dsl.pipeline
def one_of_used_later(value: int) -> str:
    with dsl.If(value > 10):
        large = say(text="large")
    with dsl.Else():
        small = say(text="small")
    return say(text=dsl.OneOf(large.output, small.output)).output


@dsl.pipeline
def only_if(folder: str, value: str):
    with dsl.If(value == "go"):
        witness(folder=folder, name="inside")
    witness(folder=folder, name="beside")


@dsl.pipeline
def nested(folder: str, outer: bool, inner: str):
    with dsl.If(outer == True):  # noqa: E712 - a channel, not a boolean
        witness(folder=folder, name="outer")
        with dsl.If(inner == "a"):
            witness(folder=folder, name="a")
        with dsl.Elif(inner == "b"):
            with dsl.If(outer != False):  # noqa: E712
                witness(folder=folder, name="b in outer")
        with dsl.Else():
            witness(folder=folder, name="neither")
    with dsl.Else():
        witness(folder=folder, name="not outer")


@dsl.pipeline
def nested_one_of(outer: bool, inner: bool) -> str:
    with dsl.If(outer == True):  # noqa: E712
        with dsl.If(inner == True):  # noqa: E712
            both = say(text="both")
        with dsl.Else():
            first = say(text="only the outer")
        chosen = say(text=dsl.OneOf(both.output, first.output))
    with dsl.Else():
        none = say(text="not the outer")
    return dsl.OneOf(chosen.output, none.output)


@component
def make(text: str, data: Output[Dataset]):
    data.metadata["made"] = text
    with open(data.path, "w") as file:
        file.write(text)


@component
def read(data: Input[Dataset]) -> str:
    with open(data.path) as file:
        return file.read() + " " + data.metadata["made"]


class OneOfArtifactsOutputs(NamedTuple):
    data: Dataset
    text: str


@dsl.pipeline
def one_of_artifacts(side: str) -> OneOfArtifactsOutputs:
    with dsl.If(side == "left"):
        left = make(text="left data")
    with dsl.Else():
        right = make(text="right data")
    chosen = dsl.OneOf(left.outputs["data"], right.outputs["data"])
    return OneOfArtifactsOutputs(data=chosen, text=read(data=chosen).output)


@dsl.pipeline
def comparisons(folder: str, whole: int = 3, fraction: float = 3.0, text: str = "b", flag: bool = True):
    number, weight = give_whole(value=whole), give_fraction(value=fraction)
    word, truth = say(text=text), give_flag(value=flag)
    with dsl.If(number.output >= 3):
        witness(folder=folder, name="whole >= 3")
    with dsl.If(number.output != 3):
        witness(folder=folder, name="whole != 3")
    with dsl.If(number.output > -1):
        witness(folder=folder, name="whole > -1")
    with dsl.If(weight.output <= 3.5):
        witness(folder=folder, name="fraction <= 3.5")
    with dsl.If(word.output < "c"):
        witness(folder=folder, name="text < c")
    with dsl.If(word.output == text):
        witness(folder=folder, name="text == text")
    with dsl.If(truth.output == True):  # noqa: E712
        witness(folder=folder, name="flag == True")
    with dsl.If(truth.output == False):  # noqa: E712
        witness(folder=folder, name="flag == False")


@dsl.pipeline
def mixed_numbers(folder: str, whole: int = 3, fraction: float = 3.0):
    with dsl.If(whole == fraction):
        witness(folder=folder, name="whole == fraction")
    with dsl.If(whole > 2.5):
        witness(folder=folder, name="whole > 2.5")
    with dsl.If(fraction < 4):
        witness(folder=folder, name="fraction < 4")


@dsl.pipeline
def quotes(folder: str, text: str):
    with dsl.If(text == "it's"):
        witness(folder=folder, name="constant with a quote")
    with dsl.If(say(text=text).output == text):
        witness(folder=folder, name="value with a quote")
    with dsl.If(text != 'say "&& no" || !(x)'):
        witness(folder=folder, name="constant with operators")


@dsl.pipeline
def in_loop(folder: str):
    with dsl.ParallelFor([1, 2, 3, 4]) as item:
        with dsl.If(item > 2):
            with dsl.If(item < 4):
                witness(folder=folder, name=f"item {item}")


@dsl.pipeline
def loop_in_condition(folder: str, value: bool):
    with dsl.If(value == True):  # noqa: E712
        with dsl.ParallelFor(["a", "b"]) as item:
            witness(folder=folder, name=f"item {item}")
    with dsl.Else():
        witness(folder=folder, name="no loop")


def _files(*names):
    return Outcome({}, dict.fromkeys(names, "ran\n"))


def _comparisons(name, expected, **arguments):
    return Case(name, comparisons, _files(*expected), {"folder": FOLDER, **arguments})


_ITEM_FROM_OUTSIDE = KfpLocal(
    "the SDK declares a loop's item as an input of the groups around the loop too, and it looks for it there",
    error="'loop-item-param-2' not found",
)
_BOTH_QUOTES = _files("constant with a quote", "value with a quote", "constant with operators")

CASES = [
    *(
        Case(f"If, Elif, Else: {word}", three_ways, Outcome({"Output": word}), {"value": value})
        for value, word in ((-1, "negative"), (0, "zero"), (1, "positive"))
    ),
    Case("OneOf as an input: large", one_of_used_later, Outcome({"Output": "large"}), {"value": 11}),
    Case("OneOf as an input: small", one_of_used_later, Outcome({"Output": "small"}), {"value": 10}),
    Case("an If that holds", only_if, _files("beside", "inside"), {"folder": FOLDER, "value": "go"}),
    Case("an If that does not hold", only_if, _files("beside"), {"folder": FOLDER, "value": "stay"}),
    *(
        Case(
            f"nested conditions: {', '.join(ran)}",
            nested,
            _files(*ran),
            {"folder": FOLDER, "outer": outer, "inner": inner},
        )
        for outer, inner, ran in (
            (True, "a", ["outer", "a"]),
            (True, "b", ["outer", "b in outer"]),
            (True, "c", ["outer", "neither"]),
            (False, "a", ["not outer"]),
        )
    ),
    *(
        Case(
            f"OneOf of a OneOf: {text}",
            nested_one_of,
            Outcome({"Output": text}),
            {"outer": outer, "inner": inner},
        )
        for outer, inner, text in (
            (True, True, "both"),
            (True, False, "only the outer"),
            (False, True, "not the outer"),
        )
    ),
    *(
        Case(
            f"OneOf of artifacts: {side}",
            one_of_artifacts,
            Outcome(
                {
                    "data": artifact("data", f"{side} data", metadata={"made": f"{side} data"}),
                    "text": f"{side} data {side} data",
                }
            ),
            {"side": side},
            kfp_local=KfpLocal(
                "it knows no OneOf of artifacts", error="Expected 1 artifact in ArtifactSelectorSpec"
            ),
        )
        for side in ("left", "right")
    ),
    _comparisons(
        "comparisons that hold",
        ["whole >= 3", "whole > -1", "fraction <= 3.5", "text < c", "text == text", "flag == True"],
    ),
    _comparisons(
        "comparisons that do not",
        ["whole != 3", "text == text", "flag == False"],
        whole=-2,
        fraction=3.75,
        text="d",
        flag=False,
    ),
    Case(
        "integers compared with floats",
        mixed_numbers,
        _files("whole == fraction", "whole > 2.5", "fraction < 4"),
        {"folder": FOLDER},
        kfp_local=KfpLocal("it has no double(), and takes the error for false", _files()),
    ),
    Case(
        "quotes in conditions",
        quotes,
        _BOTH_QUOTES,
        {"folder": FOLDER, "text": "it's"},
        kfp_local=KfpLocal("a quote in a text ends it, and the error is taken for false", _files()),
    ),
    Case(
        "conditions in a loop",
        in_loop,
        _files("item 3"),
        {"folder": FOLDER},
        kfp_local=KfpLocal("items of a loop become floats", _files("item 3.0")),
    ),
    Case(
        "a loop in a condition",
        loop_in_condition,
        _files("item a", "item b"),
        {"folder": FOLDER, "value": True},
        kfp_local=_ITEM_FROM_OUTSIDE,
    ),
    Case(
        "a loop in a branch not taken",
        loop_in_condition,
        _files("no loop"),
        {"folder": FOLDER, "value": False},
        kfp_local=_ITEM_FROM_OUTSIDE,
    ),
]
