"""On which nodes a step's pod may run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipelines.sdk.argo.pods.checks import labels
from pipelines.sdk.argo.pods.reader import Reader, Value

_SELECTOR = ("key", "operator", "values")
_TOLERATION = ("key", "operator", "value", "effect", "tolerationSeconds")
_POD_TERM = (
    "matchPodExpressions",
    "matchPodLabels",
    "topologyKey",
    "namespaces",
    "matchNamespaceExpressions",
    "matchNamespaceLabels",
    "weight",
    "anti",
)


def placement(kubernetes: Mapping[str, Any], reader: Reader) -> tuple[dict[str, Any], list[str]]:
    """Node selector, tolerations, affinity.

    Args:
        kubernetes: the step's settings.
        reader: takes the problems.

    Returns:
        Fields of the template, and members of a JSON patch of the pod for what is only known at run time.
    """
    found: dict[str, Any] = {}
    later: list[str] = []
    selector = _node_selector(kubernetes.get("nodeSelector", {}), reader)
    if selector.expression:
        later.append(f'"nodeSelector":{selector.json()}')
    elif selector.constant:
        found["nodeSelector"] = selector.constant
    tolerations = [_toleration(each, reader) for each in kubernetes.get("tolerations", [])]
    known = [one for each in tolerations if not each.expression for one in each.constant]
    dynamic = [each.expression for each in tolerations if each.expression]
    if dynamic:  # a patch replaces the whole list, so the known ones are in it too
        lists = [f"fromJSON({_text(json.dumps(known))})", *map(_as_list, dynamic)]
        later.append(f'"tolerations":{Value(expression=_joined(lists)).json()}')
    elif known:
        found["tolerations"] = known
    affinity, patch = _affinity(kubernetes, reader)
    if affinity:
        found["affinity"] = affinity
    return found, later + ([f'"affinity":{{"nodeAffinity":{patch}}}'] if patch else [])


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _as_list(expression: str) -> str:
    return f"(type({expression}) == 'array' ? {expression} : [{expression}])"


def _joined(lists: list[str]) -> str:
    return lists[0] if len(lists) == 1 else f"flatten([{', '.join(lists)}])"


def _node_selector(entry: Mapping[str, Any], reader: Reader) -> Value:
    reader.only("nodeSelector", entry, ("labels", "nodeSelectorJson"))
    if "nodeSelectorJson" not in entry:
        return Value(labels("nodeSelector", entry.get("labels", {}), reader))
    setting = "nodeSelector.nodeSelectorJson"
    if entry.get("labels"):
        what = "it is set together with labels, and KFP would forget those"
        reader.problem(setting, what, "use one of add_node_selector and add_node_selector_json")
    value = reader.value(setting, entry["nodeSelectorJson"])
    if value.expression or not value.constant:
        return value
    return Value(labels(setting, value.constant, reader))


def _toleration(entry: Mapping[str, Any], reader: Reader) -> Value:
    reader.only("tolerations", entry, (*_TOLERATION, "tolerationJson"))
    if "tolerationJson" not in entry:
        return Value([_checked_toleration(entry, reader)])
    value = reader.value("tolerations.tolerationJson", entry["tolerationJson"])
    if value.expression:
        return value
    given = value.constant if isinstance(value.constant, list) else [value.constant or {}]
    for each in given:
        reader.only("tolerations.tolerationJson", each, _TOLERATION)
    return Value([_checked_toleration(each, reader) for each in given])


def _checked_toleration(entry: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in ("key", "operator", "value", "effect"):
        if text := entry.get(key):
            found[key] = reader.literal(f"tolerations.{key}", text)
    if found.get("operator", "Equal") == "Equal" and "key" not in found:
        mend = "give a key, or operator='Exists' to tolerate everything"
        reader.problem("tolerations", "it has no key", mend)
    if entry.get("tolerationSeconds") is not None:
        found["tolerationSeconds"] = int(entry["tolerationSeconds"])
    return found


def _affinity(kubernetes: Mapping[str, Any], reader: Reader) -> tuple[dict[str, Any], str]:
    found: dict[str, Any] = {}
    nodes, patch = _node_affinity(kubernetes.get("nodeAffinity", []), reader)
    if nodes:
        found["nodeAffinity"] = nodes
    for entry in kubernetes.get("podAffinity", []):
        kind = "podAntiAffinity" if entry.get("anti") else "podAffinity"
        term = _pod_term(entry, reader)
        if weight := entry.get("weight"):
            term = {"weight": int(weight), "podAffinityTerm": term}
        terms = found.setdefault(kind, {})
        terms.setdefault(f"{_firmness(entry)}DuringSchedulingIgnoredDuringExecution", []).append(term)
    return found, patch


def _firmness(entry: Mapping[str, Any]) -> str:
    return "preferred" if entry.get("weight") else "required"


def _node_affinity(entries: list[Mapping[str, Any]], reader: Reader) -> tuple[dict[str, Any], str]:
    required: list[Any] = []
    preferred: list[Any] = []
    patch = ""
    for entry in entries:
        reader.only("nodeAffinity", entry, ("matchExpressions", "matchFields", "weight", "nodeAffinityJson"))
        if "nodeAffinityJson" in entry:
            value = reader.value("nodeAffinity.nodeAffinityJson", entry["nodeAffinityJson"])
            if value.expression:
                patch = value.json()
                continue
            given = value.constant or {}
            terms = given.get("requiredDuringSchedulingIgnoredDuringExecution", {})
            required.extend(terms.get("nodeSelectorTerms", []))
            preferred.extend(given.get("preferredDuringSchedulingIgnoredDuringExecution", []))
            continue
        keys = ("matchExpressions", "matchFields")
        term = {key: _selectors(f"nodeAffinity.{key}", entry[key], reader) for key in keys if entry.get(key)}
        if weight := entry.get("weight"):
            preferred.append({"weight": int(weight), "preference": term})
        else:
            required.append(term)
    if patch and (required or preferred):
        what = "an affinity that is only known at run time cannot be joined with others"
        reader.problem("nodeAffinity.nodeAffinityJson", what, "put all of it into that one value")
    found: dict[str, Any] = {}
    if required:
        found["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": required}
    if preferred:
        found["preferredDuringSchedulingIgnoredDuringExecution"] = preferred
    return found, patch


def _selectors(setting: str, entries: list[Mapping[str, Any]], reader: Reader) -> list[dict[str, Any]]:
    for entry in entries:
        reader.only(setting, entry, _SELECTOR)
        for text in (entry.get("key", ""), entry.get("operator", ""), *entry.get("values", [])):
            reader.literal(setting, text)
    return [dict(entry) for entry in entries]


def _pod_term(entry: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    reader.only("podAffinity", entry, _POD_TERM)
    term: dict[str, Any] = {
        "topologyKey": reader.literal("podAffinity.topologyKey", entry.get("topologyKey", ""))
    }
    if not term["topologyKey"]:
        reader.problem("podAffinity.topologyKey", "it is empty", "say kubernetes.io/hostname, for example")
    pods = _label_selector("Pod", entry, reader)
    namespaces = _label_selector("Namespace", entry, reader)
    if pods:
        term["labelSelector"] = pods
    if namespaces:
        term["namespaceSelector"] = namespaces
    if entry.get("namespaces"):
        term["namespaces"] = [reader.literal("podAffinity.namespaces", each) for each in entry["namespaces"]]
    return term


def _label_selector(kind: str, entry: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if expressions := entry.get(f"match{kind}Expressions"):
        found["matchExpressions"] = _selectors(f"podAffinity.match{kind}Expressions", expressions, reader)
    if given := entry.get(f"match{kind}Labels"):
        found["matchLabels"] = labels(f"podAffinity.match{kind}Labels", given, reader)
    return found
