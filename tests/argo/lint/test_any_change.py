"""Whatever stands in a document: findings, never a traceback."""

import copy
import dataclasses
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sdk.argo.lint import lint_documents
from tests.argo.lint.documents import valid

DOCUMENTS = [valid("workflow"), valid("template"), valid("cron")]
WORDS = ["", "a", "main", "train", "prepare", "List", "1e400", "-1", "0 0 * * *", "*", "/", "..", "\x00", "é"]
WORDS += ["{{", "}}", "{{=", "{{}}", "{{=}}", "{{item}}", "{{item.a}}", "{{tasks}}", "{{tasks.}}", "9" * 5000]
WORDS += [
    "{{tasks.train}}",
    "{{steps.sort.outputs}}",
    "{{inputs.parameters.shard}}",
    "{{workflow.parameters.x}}",
]
WORDS += [
    "{{=tasks['a']?.b[0]}}",
    "{{= let a = 1; a }}",
    "{{=inputs.parameters[item]}}",
    "a && (b",
    "tasks.a['b",
]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.sampled_from(WORDS)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=6,
)


def places(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [at, *(path for key, value in inner for path in places(value, (*at, key)))]


@st.composite
def changed(draw):
    documents = copy.deepcopy(DOCUMENTS)
    for _ in range(draw(st.integers(1, 4))):
        way = draw(st.sampled_from([path for path in places(documents) if path]))
        node = documents
        for key in way[:-1]:
            node = node[key]
        action = draw(st.sampled_from(["replace", "replace", "delete", "move"]))
        if action == "replace":
            node[way[-1]] = draw(VALUES)
        elif action == "delete":
            del node[way[-1]]
        else:  # a part of the document, where another one should be
            source = documents
            for key in draw(st.sampled_from(places(documents))):
                source = source[key]
            node[way[-1]] = copy.deepcopy(source)
        if not documents:
            break
    return documents


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(changed(), st.sampled_from(["3.7", "4.0", "4.1"]))
def test_any_change_of_valid_documents_gives_findings_and_no_traceback(documents, argo):
    for finding in lint_documents(documents, argo=argo):
        assert finding.severity in ("error", "warning")
        assert finding.what and finding.why and finding.mend and finding.rule
        json.dumps(dataclasses.asdict(finding))


@settings(max_examples=30, deadline=None)
@given(st.lists(VALUES, max_size=3))
def test_any_values_instead_of_documents_give_findings_and_no_traceback(documents):
    found = lint_documents(documents)
    assert all(each.severity == "error" for each in found if each.rule == "unknown-kind")
