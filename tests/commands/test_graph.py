"""`graph`: Mermaid that every drawer takes, whatever tasks are called."""

import html
import re

import pytest

from pipelines.sdk.commands.graph import mermaid
from tests.ir.documents import one_step, put, read, rich_documents, tasks

LINES = {
    "subgraph": re.compile(r'subgraph (?P<id>t_\w+)\["(?P<label>[^"]*)"\]'),
    "node": re.compile(r'(?P<id>t_\w+)(\[|\[\()"(?P<label>[^"]*)"(\]|\)\])'),
    "edge": re.compile(r"(?P<source>t_\w+) (-->|-\. on exit \.->) (?P<target>t_\w+)"),
    "end": re.compile(r"end"),
}


def parsed(diagram: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Labels by id, and edges; every line must be of a known form, every subgraph closed."""
    first, *lines = diagram.splitlines()
    assert first == "flowchart TD"
    labels: dict[str, str] = {}
    edges, depth = [], 0
    for line in lines:
        kind, match = next((k, m) for k, form in LINES.items() if (m := form.fullmatch(line.strip())))
        depth += {"subgraph": 1, "end": -1}.get(kind, 0)
        assert depth >= 0
        if "label" in match.groupdict():
            assert match["id"] not in labels, "an id stands for one thing"
            assert not re.search(r"[<>`\\{}]|&(?!#)", match["label"])
            labels[match["id"]] = html.unescape(re.sub(r"#(\d+);", r"&#\1;", match["label"]))
        if kind == "edge":
            edges.append((match["source"], match["target"]))
    assert depth == 0
    assert {each for edge in edges for each in edge} <= set(labels)
    return labels, edges


def test_the_diagram_of_a_rich_pipeline_has_a_box_for_every_task():
    plan = read(*rich_documents())
    labels, edges = parsed(mermaid(plan))
    assert len(labels) == len(tasks(plan))
    assert {"Make rows", "for each of rates", "for each of 2 constants", "importer"} <= set(labels.values())
    assert ("t_exit_handler_1", "t_report") in edges
    assert "if !(int(make-count) > 2) && flag == true" in labels.values()


@pytest.mark.parametrize(
    "label",
    [
        'say "hi"',
        "a<br>b",
        "a]b)",
        "`md`",
        "#quot;",
        "&amp;",
        "a\nb",
        "end",
        "click",
        "ünï ☃",
        " ",
        "x" * 200,
        "{{a}}",
        "%% c",
    ],
)
def test_labels_come_through(label):
    labels, _ = parsed(mermaid(read(put(one_step(), "root/dag/tasks/say/taskInfo/name", label))))
    shown = " ".join(label.split()) or " "
    assert list(labels.values()) == [shown if len(shown) <= 80 else f"{shown[:79]}…"]


def test_names_that_are_alike_or_words_of_mermaid_stay_apart():
    document = one_step()
    tasks = document["root"]["dag"]["tasks"]
    say = tasks.pop("say")
    names = ["end", "subgraph", "a-b", "a_b", "a b", "A-b", "ä", "ö", "o", "x", "style", "class", "default"]
    tasks.update({name: {**say, "taskInfo": {"name": name}} for name in names})
    labels, _ = parsed(mermaid(read(document)))
    assert sorted(labels.values()) == sorted(names)


def test_arrows_that_others_imply_are_left_out():
    document = one_step()
    tasks = document["root"]["dag"]["tasks"]
    tasks["b"] = {**tasks["say"], "dependentTasks": ["say"]}
    tasks["c"] = {**tasks["say"], "dependentTasks": ["say", "b"]}
    assert parsed(mermaid(read(document)))[1] == [("t_say", "t_b"), ("t_b", "t_c")]
