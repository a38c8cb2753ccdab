"""Rules about the inputs and outputs of templates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.sdk.argo.lint.cel import LEAF_TYPES, LOCATIONS
from pipelines.sdk.argo.lint.finding import WARNING, Hit, Path, Rule
from pipelines.sdk.argo.lint.nodes import dig, entries, has, repeated, text
from pipelines.sdk.argo.lint.views import Template

_TAG = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_NAME = re.compile(r"[-a-zA-Z0-9_]+")
_SOURCES = ("path", "jsonPath", "jqFilter", "parameter", "expression")
_KEYS = {"s3": "key", "gcs": "key", "oss": "key", "azure": "blob", "artifactory": "url"}


def _names(template: Template) -> Iterator[Hit]:
    for side in ("inputs", "outputs"):
        for kind in ("parameters", "artifacts"):
            found = entries(template.node, template.at, side, kind)
            for at, name in repeated([((*at, "name"), text(each.get("name"))) for at, each in found]):
                yield Hit(at, f"there are two {kind} {name!r} in {side}", "rename one of them")


def _artifact_names(template: Template) -> Iterator[Hit]:
    for side in ("inputs", "outputs"):
        for at, each in entries(template.node, template.at, side, "artifacts"):
            name = text(each.get("name"))
            if name and not _NAME.fullmatch(_TAG.sub("x", name)):
                yield Hit((*at, "name"), f"{name!r} is no name here", "use letters, digits, `-` and `_`")


def _paths(template: Template) -> Iterator[Hit]:
    for side in ("inputs", "outputs"):
        for at, each in entries(template.node, template.at, side, "artifacts"):
            path = text(each.get("path"))
            if template.type in LEAF_TYPES and not path:
                yield Hit((*at, "path"), "the artifact has no path", "say where it is in the container")
            if template.type in ("dag", "steps") and path:
                mend = "leave it out; the templates that run pods have paths"
                yield Hit((*at, "path"), f"a template of type {template.type} has no files", mend)
            if ".." in path.split("/"):
                yield Hit((*at, "path"), f"{path!r} leaves its folder", "write it without `..`")


def _input_from(template: Template) -> Iterator[Hit]:
    for at, each in entries(template.node, template.at, "inputs", "artifacts"):
        if each.get("from"):
            mend = "move it to the arguments of the task that runs the template"
            yield Hit((*at, "from"), "an input cannot say from where it comes", mend)


def _hdfs(template: Template) -> Iterator[Hit]:
    for at, each in _located(template):
        hdfs = each.get("hdfs")
        if not isinstance(hdfs, Mapping):
            continue
        user = any(has(hdfs, key) for key in ("hdfsUser", "krbCCacheSecret", "krbKeytabSecret"))
        if not hdfs.get("addresses") or not text(hdfs.get("path")).startswith(("/", "{{")) or not user:
            yield Hit(
                (*at, "hdfs"),
                "hdfs lacks something",
                "it needs addresses, an absolute path, and a user or Kerberos",
            )


def _located(template: Template) -> list[tuple[Path, Mapping[str, Any]]]:
    found = [
        each
        for side in ("inputs", "outputs")
        for each in entries(template.node, template.at, side, "artifacts")
    ]
    place = template.node.get("archiveLocation")
    return [*found, ((*template.at, "archiveLocation"), place)] if isinstance(place, Mapping) else found


def _keys(template: Template) -> Iterator[Hit]:
    for at, each in entries(template.node, template.at, "inputs", "artifacts"):
        for place, name in _KEYS.items():
            bucket = any(has(each.get(place), key) for key in ("bucket", "container", "endpoint"))
            if bucket and not dig(each, place, name) and not each.get("optional"):
                what = f"the artifact is in a bucket of {place}, without saying where"
                yield Hit((*at, place, name), what, f"add `{name}`")


def _key_form(template: Template) -> Iterator[Hit]:
    for side in ("inputs", "outputs"):
        for at, each in entries(template.node, template.at, side, "artifacts"):
            for place in ("s3", "gcs", "oss", "azure"):
                path = (*at, place, _KEYS[place])
                key = text(dig(each, place, _KEYS[place]))
                parts = _TAG.sub("x", key).split("/")
                if key.startswith("/"):
                    yield Hit(path, f"the key {key!r} begins with a slash", "leave the first slash out")
                elif "" in parts[1:-1] or {".", ".."} & set(parts):
                    yield Hit(
                        path, f"the key {key!r} has empty or relative parts", "write it as a plain path"
                    )
                if side == "outputs" and key.endswith("/") and not has(each.get("archive"), "none"):
                    mend = "add `archive: {none: {}}` for a folder, or name a file as `.../data.tgz`"
                    yield Hit(path, f"the key {key!r} of a packed artifact ends with a slash", mend)


def _sources(template: Template) -> Iterator[Hit]:
    for at, each in entries(template.node, template.at, "outputs", "parameters"):
        source, value = each.get("valueFrom"), each.get("value")
        if source is not None and value is not None:
            yield Hit(at, "the output has both `value` and `valueFrom`", "keep one of them")
        elif source is None and value is None:
            yield Hit(at, "nothing says where the output's value comes from", "add `valueFrom`")
        elif isinstance(source, Mapping):
            found = [key for key in _SOURCES if source.get(key)] + ["supplied"] * has(source, "supplied")
            if len(found) > 1:
                yield Hit(
                    (*at, "valueFrom"),
                    f"the value has two sources: {' and '.join(found)}",
                    "keep one of them",
                )
            elif not found:
                yield Hit(
                    (*at, "valueFrom"), "valueFrom names no source", "add `path`, `parameter` or `expression`"
                )


_FITTING: Mapping[str, tuple[str, ...]] = {
    "container": ("path",),
    "containerSet": ("path",),
    "script": ("path",),
    "resource": ("jsonPath", "jqFilter"),
    "dag": ("parameter", "expression"),
    "steps": ("parameter", "expression"),
}


def _source_kinds(template: Template) -> Iterator[Hit]:
    wanted = _FITTING.get(template.type)
    for at, each in entries(template.node, template.at, "outputs", "parameters"):
        source = each.get("valueFrom")
        if not wanted or not isinstance(source, Mapping):
            continue
        found = [key for key in _SOURCES if source.get(key)] + ["supplied"] * has(source, "supplied")
        if found and found[0] not in wanted:
            what = f"an output of a template of type {template.type} does not come from `{found[0]}`"
            yield Hit((*at, "valueFrom"), what, f"write {' or '.join(wanted)}")


def _group_artifacts(template: Template) -> Iterator[Hit]:
    if template.type not in ("dag", "steps"):
        return
    for at, each in entries(template.node, template.at, "outputs", "artifacts"):
        if not any(has(each, key) for key in ("from", "fromExpression", *LOCATIONS)) and not each.get(
            "optional"
        ):
            yield Hit(
                at,
                "nothing says from which task the artifact comes",
                'add `from: "{{tasks.NAME.outputs...}}"`',
            )


def _global_names(template: Template) -> Iterator[Hit]:
    for kind in ("parameters", "artifacts"):
        for at, each in entries(template.node, template.at, "outputs", kind):
            name = text(each.get("globalName"))
            if name and "{{" not in name and not _NAME.fullmatch(name):
                yield Hit(
                    (*at, "globalName"), f"{name!r} is no name here", "use letters, digits, `-` and `_`"
                )


def _input_enum(template: Template) -> Iterator[Hit]:
    for at, each in entries(template.node, template.at, "inputs", "parameters"):
        known = each.get("enum")
        for key in ("value", "default"):
            value = each.get(key)
            if (
                isinstance(known, list)
                and known
                and isinstance(value, str)
                and "{{" not in value
                and value not in known
            ):
                listed = ", ".join(str(one) for one in known)
                yield Hit(
                    (*at, key), f"{value!r} is not one of {listed}", "write one of them, or add it to `enum`"
                )


def _expression_default(template: Template) -> Iterator[Hit]:
    if template.spec.manifest.schema.argo != "4.0" or template.type not in ("dag", "steps"):
        return
    loops = " ".join(
        f"{task.node.get('when', '')} {task.node.get('withParam', '')}" for task in template.tasks
    )
    for at, each in entries(template.node, template.at, "inputs", "parameters"):
        if "{{=" in text(each.get("value")) and f"inputs.parameters.{text(each.get('name'))}}}}}" in loops:
            mend = "compute it in the arguments of the task that runs the template"
            yield Hit(
                (*at, "value"), "an input's value is an expression, and `when` or `withParam` uses it", mend
            )


_REFUSED = "Argo refuses the workflow."
RULES: tuple[Rule[Template], ...] = (
    Rule("duplicate-name", _REFUSED, _names),
    Rule("artifact-name", _REFUSED, _artifact_names),
    Rule("artifact-path", _REFUSED, _paths),
    Rule("input-from", _REFUSED, _input_from),
    Rule("hdfs", _REFUSED, _hdfs),
    Rule(
        "artifact-key-missing",
        "Argo takes an input without a key for one that is an argument, and finds none.",
        _keys,
    ),
    Rule(
        "artifact-key",
        "Buckets have keys, not paths: what is stored there is found under another name, or not at all.",
        _key_form,
        WARNING,
    ),
    Rule("output-source", _REFUSED, _sources),
    Rule("output-source-kind", _REFUSED, _source_kinds),
    Rule("output-artifact-from", "The artifact never exists.", _group_artifacts),
    Rule("global-name", _REFUSED, _global_names),
    Rule("input-enum", "Argo refuses the value when the template is to run.", _input_enum, WARNING),
    Rule(
        "expression-input",
        "Argo 4.0 hands the text of the expression on (argoproj/argo-workflows#15832).",
        _expression_default,
        WARNING,
    ),
)
