import json

from hypothesis import given
from hypothesis import strategies as st

from pipelines.sdk.launch import (
    Context,
    InputArtifact,
    InputParameter,
    OutputArtifact,
    Python,
    Request,
    Result,
    TaskDocument,
    WireError,
)
from pipelines.sdk.launch.documents import Problem
from tests.launch.test_wire import values

names = st.text(min_size=1, max_size=8)
kinds = st.sampled_from(["STRING", "NUMBER_INTEGER", "LIST"])


def of(strategy):
    return st.dictionaries(names, strategy, max_size=3)


parameters = st.builds(
    InputParameter, kinds, st.booleans(), literals=st.lists(values, max_size=2).map(tuple)
) | st.builds(InputParameter, kinds, st.booleans(), st.just(True), values)
outputs = st.builds(OutputArtifact, names, names, st.booleans(), of(values))
tasks = st.builds(
    TaskDocument,
    name=names,
    component=names,
    image=names,
    command=st.lists(names).map(tuple),
    args=st.lists(names).map(tuple),
    env=of(names),
    parameters=of(parameters),
    artifacts=of(st.builds(InputArtifact, st.booleans(), st.booleans())),
    output_parameters=of(kinds),
    output_artifacts=of(outputs),
    python=st.none() | st.builds(Python, names, names),
)
requests = st.builds(
    Request,
    task=tasks,
    root=names,
    parameters=of(names),
    templates=st.frozensets(names, max_size=3),
    artifacts=of(st.lists(of(values), max_size=2)),
    context=st.builds(Context, *[names] * 9),
    mounts=of(names),
)
results = st.builds(Result, of(names), of(st.lists(of(values), max_size=2))) | st.builds(
    Result, error=st.builds(Problem, names, names, names)
)


@given(requests)
def test_a_request_survives_its_file(request):
    assert Request.from_json(json.loads(json.dumps(request.to_json()))) == request


@given(results)
def test_a_result_survives_its_file(result):
    assert Result.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_a_default_of_none_is_not_the_same_as_no_default():
    for document in ({"type": "LIST"}, {"type": "LIST", "default": None}):
        parameter = InputParameter.from_json(document)
        assert parameter.has_default == ("default" in document)
        assert ("default" in parameter.to_json()) == ("default" in document)


def test_an_error_survives_the_way_between_processes():
    import pickle

    error = WireError("what", "where", "mend", 3).at("task t")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is WireError
    assert (again.what, again.where, again.mend, again.exit_code) == ("what", "task t, where", "mend", 3)
    assert str(again) == "task t, where: what; mend"
