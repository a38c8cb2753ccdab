"""Whatever is done to a good file, reading it gives a Plan, or an error that names the file."""

import copy
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sdk import ir
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Plan
from tests.ir.documents import ONE_STEP, read, rich_documents

# fmt: off
PARTS = st.sampled_from([
    None, True, 0, -1, 3.5, 2**53 + 1, 10**400, -(2**31), 2**31, 2**63, "", "x", "5", "NaN", "3s", "{{$",
    "\0", "é", "root", "make", "comp-make", "comp-exit-handler-1", "exec-make", "for-loop-1", "[1, 2]", "{}",
    "2.1.0", "[NaN]", [], {}, [[]], [None], {"a": None}, {"": ""}, {"constant": None}, {"name": "comp-inner"},
    {"dag": {"tasks": {}}}, {"kind": "x", "apiVersion": "y"}, {"resolver": {}}, {"parameterType": "LIST"},
    "inputs.parameter_values['x'] == 1", 'parseJson(string_value)["a"]',
])
KEYS = st.sampled_from([
    "zzz", "name", "dag", "parameters", "schema_version", "literals", "singlePlatformSpecs", "properties",
    "lifecycle", "triggerPolicy", "retryPolicy", "iteratorPolicy", "parameterIterator", "instanceSchema",
    "constantValue", "dependentTasks",
])
# fmt: on


def places(node, path=()):
    if path:
        yield path
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from places(node[key], (*path, key))


def change(documents, draw) -> None:
    """Deletes, replaces, copies, renames or adds a random node."""
    paths = [path for path in places(documents) if len(path) > 1] or [(0, "schemaVersion")]
    path = draw(st.sampled_from(paths))
    parent = documents
    for key in path[:-1]:
        parent = parent[key]
    action = draw(st.sampled_from(["delete", "replace", "copy", "rename", "add"]))
    if action == "delete" and path[-1:] != ("schemaVersion",):
        del parent[path[-1]]
    elif action == "replace":
        parent[path[-1]] = copy.deepcopy(draw(PARTS))
    elif action == "copy":
        source = documents
        for key in draw(st.sampled_from(paths)):
            source = source[key]
        parent[path[-1]] = copy.deepcopy(source)
    elif isinstance(parent, list):
        parent.append(copy.deepcopy(draw(PARTS)))
    elif action == "rename":
        parent[draw(KEYS)] = parent.pop(path[-1])
    else:
        parent[draw(KEYS)] = copy.deepcopy(draw(PARTS))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_change_to_a_pipeline_gives_a_plan_or_an_error_that_names_the_file(data):
    documents = rich_documents()
    for _ in range(data.draw(st.integers(1, 3))):
        change(documents, data.draw)
    try:
        assert isinstance(read(*documents), Plan)
    except BadPipeline as error:
        assert all(finding.where.startswith("file.yaml") and finding.what for finding in error.findings)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_change_to_the_text_gives_a_plan_or_an_error(data):
    at = data.draw(st.integers(0, len(ONE_STEP)))
    cut = data.draw(st.integers(0, 30))
    put_in = data.draw(st.text("{}[]:,&*!|>'\"%@`#-? \n\tab0.~<=\\", max_size=6) | st.text(max_size=4))
    text = ONE_STEP[:at] + put_in + ONE_STEP[at + cut :]
    with suppress(BadPipeline):
        assert isinstance(ir.read(text, "file.yaml"), Plan)
