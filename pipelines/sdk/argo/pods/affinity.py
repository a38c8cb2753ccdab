"""Which nodes, and which other pods, a step's pod wants near, or far away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.sdk.argo import exprlang
from pipelines.sdk.argo.pods.checks import labels
from pipelines.sdk.argo.pods.patch import ELEMENT, Raw, written
from pipelines.sdk.argo.pods.reader import Reader

REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
_POD_TERM: Final = (
    "matchPodExpressions",
    "matchPodLabels",
    "topologyKey",
    "namespaces",
    "matchNamespaceExpressions",
    "matchNamespaceLabels",
    "weight",
    "anti",
)
_OF_LABELS: Final = ("In", "NotIn", "Exists", "DoesNotExist")
_OF_NODES: Final = (*_OF_LABELS, "Gt", "Lt")


def affinity(kubernetes: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """The field `affinity`; the reader's patch gets what is only known when the step starts.

    Args:
        kubernetes: the step's settings.
        reader: takes the problems.
    """
    found: dict[str, Any] = {}
    if nodes := _nodes(kubernetes.get("nodeAffinity", []), reader):
        found["nodeAffinity"] = nodes
    for entry in kubernetes.get("podAffinity", []):
        term = _pod_term(entry, reader)
        terms = found.setdefault("podAntiAffinity" if entry.get("anti") else "podAffinity", {})
        if "weight" in entry:
            weighted = {"weight": _weight("podAffinity", entry, reader), "podAffinityTerm": term}
            terms.setdefault(PREFERRED, []).append(weighted)
        else:
            terms.setdefault(REQUIRED, []).append(term)
    return found


def _weight(setting: str, entry: Mapping[str, Any], reader: Reader) -> int:
    weight = int(entry["weight"])
    if not 1 <= weight <= 100:
        reader.problem(f"{setting}.weight", f"{weight} is not between 1 and 100", "choose one that is")
    return weight


def _nodes(entries: list[Mapping[str, Any]], reader: Reader) -> dict[str, Any]:
    required: list[Any] = []
    preferred: list[Any] = []
    later: list[str] = []
    for entry in entries:
        reader.only("nodeAffinity", entry, ("matchExpressions", "matchFields", "weight", "nodeAffinityJson"))
        if "nodeAffinityJson" in entry:
            given = reader.value("nodeAffinity.nodeAffinityJson", entry["nodeAffinityJson"])
            if given.expression:
                later.append(given.expression)
            elif given.constant:
                _whole(given.constant, required, preferred, reader)
            continue
        term = _node_term(entry, reader)
        if not term:
            reader.warn("nodeAffinity", "it names nothing, and has no effect", "remove it")
        elif "weight" in entry:
            weight = _weight("nodeAffinity", entry, reader)
            preferred.append({"weight": weight, "preference": term})
        else:
            required.append(term)
    if later:
        reader.patch.members["affinity"] = _joined(required, preferred, later)
        return {}
    found: dict[str, Any] = {REQUIRED: {"nodeSelectorTerms": required}} if required else {}
    return found | ({PREFERRED: preferred} if preferred else {})


def _node_term(entry: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    keys = ("matchExpressions", "matchFields")
    return {
        key: _requirements(f"nodeAffinity.{key}", entry[key], _OF_NODES, reader)
        for key in keys
        if entry.get(key)
    }


def _whole(given: Any, required: list[Any], preferred: list[Any], reader: Reader) -> None:
    """Takes a NodeAffinity as Kubernetes has it; what is in its terms, the API server checks."""
    setting = "nodeAffinity.nodeAffinityJson"
    terms = given.get(REQUIRED, {}) if isinstance(given, dict) else None
    wanted = given.get(PREFERRED, []) if isinstance(given, dict) else None
    if not isinstance(terms, dict) or not isinstance(wanted, list):
        reader.problem(setting, "it is no NodeAffinity", f"its keys are {REQUIRED} and {PREFERRED}")
        return
    reader.only(setting, given, (REQUIRED, PREFERRED))
    reader.only(f"{setting}.{REQUIRED}", terms, ("nodeSelectorTerms",))
    required.extend(terms.get("nodeSelectorTerms", []))
    preferred.extend(wanted)


def _joined(required: list[Any], preferred: list[Any], later: list[str]) -> str:
    """The affinity as an expression; without terms there is none, because an empty one matches no node."""
    terms = [written(required), *(f"({each})?.{REQUIRED}?.nodeSelectorTerms ?? []" for each in later)]
    wanted = [written(preferred), *(f"({each})?.{PREFERRED} ?? []" for each in later)]
    every, some = (f"flatten([{', '.join(each)}])" for each in (terms, wanted))
    must = exprlang.given(every, f"len(#) > 0 ? {written({'nodeSelectorTerms': ELEMENT})} : nil")
    return written({"nodeAffinity": {REQUIRED: Raw(must), PREFERRED: Raw(some)}})


def _requirements(
    setting: str, entries: list[Mapping[str, Any]], operators: tuple[str, ...], reader: Reader
) -> list[dict[str, Any]]:
    found = []
    for entry in entries:
        reader.only(setting, entry, ("key", "operator", "values"))
        operator, values = entry.get("operator", ""), list(entry.get("values", []))
        for text in (entry.get("key", ""), *values):
            reader.literal(setting, text)
        alone = operator in ("Exists", "DoesNotExist")
        if not entry.get("key"):
            reader.problem(setting, "it has no key", "name the label")
        if operator not in operators:
            reader.problem(setting, f"operator {operator!r} is none", f"one of {', '.join(operators)}")
        elif alone == bool(values) or (operator in ("Gt", "Lt") and len(values) != 1):
            count = "no values" if alone else "one value" if operator in ("Gt", "Lt") else "values"
            reader.problem(setting, f"operator {operator!r} takes {count}", "mend its values")
        found.append(dict(entry))
    return found


def _pod_term(entry: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    reader.only("podAffinity", entry, _POD_TERM)
    setting = "podAffinity.topologyKey"
    term: dict[str, Any] = {"topologyKey": reader.literal(setting, entry.get("topologyKey", ""))}
    if not term["topologyKey"]:
        reader.problem(setting, "it is empty", "say kubernetes.io/hostname, for example")
    for kind, key in (("Pod", "labelSelector"), ("Namespace", "namespaceSelector")):
        if selector := _label_selector(kind, entry, reader):
            term[key] = selector
    if entry.get("namespaces"):
        term["namespaces"] = [reader.literal("podAffinity.namespaces", each) for each in entry["namespaces"]]
    return term


def _label_selector(kind: str, entry: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if expressions := entry.get(f"match{kind}Expressions"):
        setting = f"podAffinity.match{kind}Expressions"
        found["matchExpressions"] = _requirements(setting, expressions, _OF_LABELS, reader)
    if given := entry.get(f"match{kind}Labels"):
        found["matchLabels"] = labels(f"podAffinity.match{kind}Labels", given, reader)
    return found
