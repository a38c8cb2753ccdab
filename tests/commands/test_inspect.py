"""`inspect`: the same facts for people and programs."""

import json
import re

from pipelines.sdk import cli
from tests.ir.documents import as_text, one_step, put, rich_documents


def test_inspect_shows_people_what_it_gives_programs(tmp_path, capsys):
    file = tmp_path / "rich.yaml"
    file.write_text(as_text(*rich_documents()))
    assert cli.generic(["inspect", str(file), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert cli.generic(["inspect", str(file)]) == 0
    shown = capsys.readouterr().out
    for task in facts["tasks"]:
        assert re.search(rf"^{re.escape(task['name'])} +{task['kind']} ", shown, re.M)
    assert facts["parameters"][0] == {"name": "flag", "type": "BOOLEAN", "required": False, "default": True}
    assert "  rates: LIST = [0.1, 0.2]" in shown
    by_name = {task["name"]: task for task in facts["tasks"]}
    assert by_name["exit-handler-1/copy"]["local"] == "container"
    assert by_name["exit-handler-1/train-each/for-loop-1"]["loop"] == "over rates, 2 at once"
    assert by_name["exit-handler-1/train-each/for-loop-1/for-loop-3"]["loop"] == "over 2 constants"
    assert facts["images"] == ["alpine:3.20", "python:3.11"]
    assert facts["backends"]["local"]["containers"] == ["exit-handler-1/copy"]
    assert "1 of them need docker, podman or --host" in shown


def test_what_looks_like_markup_is_shown_as_it_stands(tmp_path, capsys):
    file = tmp_path / "file.yaml"
    file.write_text(
        as_text(put(one_step(), "deploymentSpec/executors/exec-say/container/image", "[bold]a[/x]"))
    )
    assert cli.generic(["inspect", str(file)]) == 0
    assert "[bold]a[/x]" in capsys.readouterr().out
