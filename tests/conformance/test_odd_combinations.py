"""Constructs in combinations that each of them alone does not show."""

# ruff: noqa: SIM117 - a construct a line, as authors write pipelines

from kfp import dsl, kubernetes

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
def branches_on_an_outer_field() -> str:
    with dsl.ParallelFor(
        [{"kind": "a", "parts": [{"n": 1}, {"n": 2}]}, {"kind": "b", "parts": [{"n": 3}]}]
    ) as outer:
        with dsl.ParallelFor(outer.parts) as inner:
            with dsl.If(outer.kind == "a"):
                with dsl.If(inner.n == 1):
                    first = say(text="a1")
                with dsl.Else():
                    second = say(text="a")
                of_a = say(text=dsl.OneOf(first.output, second.output))
            with dsl.Else():
                of_b = say(text="b")
            chosen = say(text=dsl.OneOf(of_a.output, of_b.output))
    return shown(values=dsl.Collected(chosen.output)).output


def test_branches_in_branches_can_read_the_fields_of_both_loops(sdk, compiled):
    finished = sdk("run", compiled(branches_on_an_outer_field), "--json")
    assert finished.json["outputs"] == {"Output": "['a1', 'a'],['b']"}


@dsl.pipeline
def an_abrupt_end() -> str:
    left = leaves_at_once(text="was written")
    return say(text=left.outputs["written"]).output


def test_a_step_that_leaves_at_once_with_0_has_ended_well_and_what_it_wrote_counts(sdk, compiled):
    finished = sdk("run", compiled(an_abrupt_end), "--json")
    assert finished.json["outputs"] == {"Output": "was written"}
    assert finished.task("leaves-at-once")["outputs"] == {"Output": None, "written": "was written"}


@dsl.container_component
def entry_point_of_an_image():
    return dsl.ContainerSpec(image="example/tool:1", args=["--help"])


@dsl.pipeline
def volume_and_tool():
    volume = kubernetes.CreatePVC(access_modes=["ReadWriteOnce"], size="1Gi", pvc_name_suffix="-data")
    user = say(text="uses it")
    kubernetes.mount_pvc(user, pvc_name=volume.outputs["name"], mount_path="/data")
    kubernetes.DeletePVC(pvc_name=volume.outputs["name"]).after(user)
    entry_point_of_an_image()


def test_what_only_a_cluster_can_do_is_said_before_anything_starts(sdk, compiled):
    finished = sdk("run", compiled(volume_and_tool), "--host")
    assert finished.code == 4
    assert "task createpvc: it makes a volume of a cluster" in finished.err
    assert "task deletepvc: it deletes a volume of a cluster" in finished.err
    assert "task entry-point-of-an-image: it names no command" in finished.err
    assert sdk.runs() == []
