"""Compiles one IR file for Argo in a process of its own, and prints its CPU seconds and what came out."""

import json
import sys
import time
from pathlib import Path

from pipelines.sdk import argo, ir


def depth(template: str, templates: dict) -> int:
    """How many DAGs are inside each other, this one included."""
    tasks = templates[template].get("dag", {}).get("tasks", [])
    called = [task.get("template") or task["templateRef"]["template"] for task in tasks]
    return 1 + max((depth(each, templates) for each in called), default=0) if tasks else 0


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    started = time.process_time()
    plan = ir.read(text, sys.argv[1])
    read = time.process_time()
    compiled = argo.emit(plan, argo.Options())
    emitted = time.process_time()
    written = argo.to_yaml(compiled.documents)
    ended = time.process_time()
    lists = [d["spec"]["templates"] for d in compiled.documents if d["kind"] == "WorkflowTemplate"]
    templates = {template["name"]: template for each in lists for template in each}
    texts = {d["metadata"]["name"]: argo.to_yaml([d]) for d in compiled.documents}
    config_maps = [d["metadata"]["name"] for d in compiled.documents if d["kind"] == "ConfigMap"]
    json.dump(
        {
            "read": read - started,
            "emit": emitted - read,
            "write": ended - emitted,
            "steps": len(compiled.steps),
            "depth": depth("main", templates),
            "largest_dag": max(len(t.get("dag", {}).get("tasks", [])) for t in templates.values()),
            "largest_list": max(map(len, lists)),
            "documents": len(texts),
            "largest_document": max(len(text.encode()) for text in texts.values()),
            "lines": written.count("\n"),
            "lines_besides_config_maps": sum(t.count("\n") for n, t in texts.items() if n not in config_maps),
        },
        sys.stdout,
    )
