"""Constructs in combinations that each of them alone does not show."""

from kfp import dsl

from tests.conformance.case import component


@component
def say(text: str) -> str:
    return text


@component
def shown(values: list) -> str:
    return ",".join(str(value) for value in values)


@dsl.pipeline
def branches_on_a_field() -> str:
    """The branches' group has the field as its input, and each branch reads the whole element."""
    with dsl.ParallelFor([{"kind": "a b"}, {"kind": "it's"}, {"kind": ""}]) as item:
        with dsl.If(item.kind == "a b"):
            first = say(text="first")
        with dsl.Elif(item.kind == ""):
            second = say(text="second")
        with dsl.Else():
            third = say(text="third")
        chosen = say(text=dsl.OneOf(first.output, second.output, third.output))
    return shown(values=dsl.Collected(chosen.output)).output


def test_branches_can_be_chosen_by_a_field_of_a_loops_element(sdk, compiled):
    assert sdk("run", compiled(branches_on_a_field), "--json").json["outputs"] == {
        "Output": "first,third,second"
    }
