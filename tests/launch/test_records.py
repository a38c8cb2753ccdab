"""Records are dataclasses to everyone but the clock."""

import copy
import dataclasses
import pickle

import pytest

from pipelines.sdk.launch import Context, InputParameter, Python, Request, TaskDocument
from pipelines.sdk.launch.records import replace


def test_functions_of_dataclasses_take_records():
    context = Context(job_name="a", task_id="b")
    assert dataclasses.is_dataclass(Context)
    assert [each.name for each in dataclasses.fields(Context)][:2] == ["job_name", "job_resource_name"]
    assert (
        dataclasses.replace(context, task_id="c")
        == replace(context, task_id="c")
        == Context("a", task_id="c")
    )
    assert dataclasses.asdict(Python("s", "f")) == {"source": "s", "function": "f"}
    assert dataclasses.replace(TaskDocument("t"), image="i").env == {}


def test_a_record_does_not_change_and_is_equal_to_its_likes_alone():
    parameter = InputParameter("STRING")
    with pytest.raises(AttributeError):
        parameter.type = "LIST"
    with pytest.raises(AttributeError):
        del parameter.type
    assert parameter == InputParameter(type="STRING")
    assert parameter != InputParameter("LIST")
    assert parameter != Python("STRING", "f")
    assert {parameter: 1}[InputParameter("STRING")] == 1
    assert pickle.loads(pickle.dumps(parameter)) == copy.deepcopy(parameter) == parameter
    assert repr(Python("s", "f")) == "Python(source='s', function='f')"


def test_defaults_are_not_shared():
    assert Request(TaskDocument("t"), "/r").mounts is not Request(TaskDocument("t"), "/r").mounts


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((), {}),
        (("s",), {}),
        (("s", "f", "x"), {}),
        (("s", "f"), {"source": "s"}),
        (("s", "f"), {"other": 1}),
    ],
)
def test_wrong_arguments_are_a_type_error(values, named):
    with pytest.raises(TypeError):
        Python(*values, **named)
