"""Constructs in combinations that each of them alone does not show."""

from kfp import dsl

from tests.conformance.case import component


@component
def say(text: str) -> str:
    return text


@component
def shown(values: list) -> str:
    return ",".join(str(value) for value in values)


@component
def leaves_at_once(text: str, written: dsl.OutputPath(str)) -> str:
    import os

    with open(written, "w") as file:
        file.write(text)
    os._exit(0)


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


@dsl.pipeline
def an_abrupt_end() -> str:
    left = leaves_at_once(text="was written")
    return say(text=left.outputs["written"]).output


def test_a_step_that_leaves_at_once_with_0_has_ended_well_and_what_it_wrote_counts(sdk, compiled):
    finished = sdk("run", compiled(an_abrupt_end), "--json")
    assert finished.json["outputs"] == {"Output": "was written"}
    assert finished.task("leaves-at-once")["outputs"] == {"Output": None, "written": "was written"}
