"""Rules about single templates: their type, and what each type can have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from pipelines.sdk.argo.lint.cel import LEAF_TYPES, TEMPLATE_TYPES
from pipelines.sdk.argo.lint.finding import WARNING, Hit, Path, Rule
from pipelines.sdk.argo.lint.nodes import dig, entries, has, mapping, names, repeated, text
from pipelines.sdk.argo.lint.views import Template

MAX_TEMPLATE = 128 * 1024
_TAG = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_MEMOIZE_KEY = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")


def _type(template: Template) -> Iterator[Hit]:
    if not template.type:
        what = f"the template {template.name!r} does nothing"
        yield Hit(template.at, what, f"add one of {', '.join(TEMPLATE_TYPES)}")


def _timeout(template: Template) -> Iterator[Hit]:
    # The schema itself refuses `timeout` on groups.
    keys = ("pendingTimeout",) if template.type in ("dag", "steps") else ("timeout", "pendingTimeout")
    for key in keys if template.type and template.type not in LEAF_TYPES else ():
        if template.node.get(key):
            yield Hit((*template.at, key), f"{key} on a template of type {template.type}", "leave it out")


def _bare_timeout(template: Template) -> Iterator[Hit]:
    timeout = text(template.node.get("timeout"))
    if timeout.strip().lstrip("+-").isdigit():
        yield Hit((*template.at, "timeout"), f"the timeout {timeout!r} has no unit", f'write "{timeout}s"')


def _parallelism(template: Template) -> Iterator[Hit]:
    if has(template.node, "parallelism") and template.type not in ("", "dag", "steps"):
        what = f"parallelism on a template of type {template.type}"
        yield Hit(
            (*template.at, "parallelism"), what, "set it on the template that holds the tasks, or on spec"
        )


def _plugin(template: Template) -> Iterator[Hit]:
    plugin = template.node.get("plugin")
    if template.type == "plugin" and (not isinstance(plugin, dict) or len(plugin) != 1):
        yield Hit(
            (*template.at, "plugin"),
            "a plugin has exactly one key, its name",
            "write `plugin: {NAME: {...}}`",
        )


def _manifest(template: Template) -> Iterator[Hit]:
    resource = mapping(template.node.get("resource"))
    at = (*template.at, "resource")
    if template.type != "resource" or resource.get("action") in ("delete", "get"):
        return
    manifest = text(resource.get("manifest"))
    if not manifest and not has(resource, "manifestFrom"):
        yield Hit((*at, "manifest"), "the resource has no manifest", "add `manifest` or `manifestFrom`")
    artifact = text(dig(resource, "manifestFrom", "artifact", "name"))
    if artifact and artifact not in names(template.node, "inputs", "artifacts"):
        what = f"manifestFrom names the artifact {artifact!r}, and the template has no such input"
        yield Hit((*at, "manifestFrom", "artifact", "name"), what, "declare it in inputs.artifacts")
    try:
        for _ in yaml.parse(_TAG.sub("x", manifest), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            pass
    except yaml.YAMLError as error:
        problem = " ".join(str(getattr(error, "problem", "") or error).split())
        yield Hit((*at, "manifest"), f"the manifest is no YAML: {problem}", "mend its indentation and quotes")


def _containers(template: Template) -> Iterator[Hit]:
    group = mapping(template.node.get("containerSet"))
    found = entries(group, (*template.at, "containerSet"), "containers")
    if template.type != "containerSet":
        return
    if not found:
        yield Hit((*template.at, "containerSet", "containers"), "the set has no container", "add one")
    known = names(group, "containers")
    for at, name in repeated([((*at, "name"), text(each.get("name"))) for at, each in found]):
        yield Hit(at, f"there are two containers {name!r}", "rename one of them")
    inputs_or_outputs = names(template.node, "inputs", "artifacts") or names(
        template.node, "outputs", "parameters"
    )
    if found and "main" not in known and (inputs_or_outputs or names(template.node, "outputs", "artifacts")):
        what = "inputs and outputs belong to the container `main`, and there is none"
        yield Hit((*template.at, "containerSet", "containers"), what, "call one of them main")


def _reserved(template: Template) -> Iterator[Hit]:
    for keys in (("sidecars",), ("initContainers",), ("containerSet", "containers")):
        for at, each in entries(template.node, template.at, *keys):
            name = text(each.get("name"))
            taken = name in ("wait", "supervisor") or name.startswith("artifact-plugin-")
            main = name == "main" and keys != ("containerSet", "containers")
            if taken or main or (name == "init" and keys == ("initContainers",)):
                yield Hit((*at, "name"), f"Argo has a container {name!r} of its own in each pod", "rename it")


def _memoize(template: Template) -> Iterator[Hit]:
    key = template.node.get("memoize") and dig(template.node, "memoize", "key")
    if not isinstance(key, str):
        return
    constant = _TAG.sub("x", key)
    if not _MEMOIZE_KEY.fullmatch(constant):
        mend = "use letters, digits and `-`: a hash of the inputs, for example"
        yield Hit((*template.at, "memoize", "key"), f"{key!r} cannot be the key of a cache", mend)


def _redefined(template: Template) -> Iterator[Hit]:
    kinds: dict[str, str] = {}
    for each in template.spec.everything:
        for at, metric in entries(each.node, each.at, "metrics", "prometheus"):
            name = text(metric.get("name"))
            kind = next((kind for kind in ("counter", "gauge", "histogram") if has(metric, kind)), "")
            earlier = kinds.setdefault(name, kind)
            if each is template and name and kind != earlier:
                what = f"the metric {name} is a {kind} here and a {earlier} above"
                yield Hit((*at, "name"), what, "give it another name")


def _resources(template: Template) -> Iterator[Hit]:
    yield from pod_resources(template.node, template.at)
    if has(template.node, "podResources") and template.type in ("http", "plugin"):
        yield Hit(
            (*template.at, "podResources"),
            f"a template of type {template.type} has no pod of its own",
            "leave it out",
        )
    if template.node.get("resourceClaims") and template.type not in (
        *sorted(LEAF_TYPES - {"http", "plugin"}),
        "",
    ):
        yield Hit(
            (*template.at, "resourceClaims"), f"a template of type {template.type} has no pod", "leave it out"
        )


def pod_resources(node: Mapping[str, Any], at: Path) -> Iterator[Hit]:
    """What is wrong with the resources of a whole pod.

    Args:
        node: a template or a workflow's spec.
        at: its path.
    """
    resources = mapping(node.get("podResources"))
    if resources.get("claims"):
        yield Hit((*at, "podResources", "claims"), "a whole pod claims nothing", "write `resourceClaims`")
    for kind in ("limits", "requests"):
        for name in mapping(resources.get(kind)):
            if name not in ("cpu", "memory") and not str(name).startswith("hugepages-"):
                mend = "cpu, memory and hugepages-* are all there is; the rest belongs to a container"
                yield Hit((*at, "podResources", kind, str(name)), f"a whole pod cannot be given {name}", mend)


def _size(template: Template) -> Iterator[Hit]:
    if not template.around:
        size = len(json.dumps(template.node, separators=(",", ":"), default=str))
        if size > MAX_TEMPLATE:
            what = f"the template has {size:,} bytes, and {MAX_TEMPLATE:,} fit into a pod's environment"
            yield Hit(template.at, what, "move sources and data into a ConfigMap that is mounted")


_REFUSED = "Argo refuses the workflow."
RULES: tuple[Rule[Template], ...] = (
    Rule("template-type", _REFUSED, _type),
    Rule("timeout-on-leafless", _REFUSED, _timeout),
    Rule("bare-timeout", "Argo refuses a timeout that is a whole number.", _bare_timeout),
    Rule("parallelism-on-leaf", _REFUSED, _parallelism),
    Rule("plugin", "Argo cannot read the template.", _plugin),
    Rule("resource-manifest", _REFUSED, _manifest),
    Rule("container-set", _REFUSED, _containers),
    Rule("reserved-name", "It would be taken for Argo's own container, or collide with it.", _reserved),
    Rule("memoize-key", "Argo looks at the key when the step starts, and fails it.", _memoize),
    Rule(
        "metric-redefined",
        "A name has one kind for as long as the controller runs; the second is dropped.",
        _redefined,
    ),
    Rule(
        "pod-resources",
        "Argo refuses the workflow: it is no pod, or Kubernetes would refuse it.",
        _resources,
    ),
    Rule(
        "template-size",
        "Argo puts larger ones into a ConfigMap, and needs the right to create ConfigMaps in the namespace.",
        _size,
        WARNING,
    ),
)
