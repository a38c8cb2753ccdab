"""On which nodes a step's pod may run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.sdk.argo import exprlang
from pipelines.sdk.argo.pods.affinity import affinity
from pipelines.sdk.argo.pods.checks import labels
from pipelines.sdk.argo.pods.patch import written
from pipelines.sdk.argo.pods.reader import Reader, Value
from pipelines.sdk.argo.pods.shapes import check_template

_TOLERATION: Final = ("key", "operator", "value", "effect", "tolerationSeconds")
_OPERATORS: Final = ("", "Equal", "Exists")
_EFFECTS: Final = ("", "NoSchedule", "PreferNoSchedule", "NoExecute")


def placement(kubernetes: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """Node selector, tolerations and affinity, as fields of a template; the reader's patch gets the rest.

    Args:
        kubernetes: the step's settings.
        reader: takes the problems.
    """
    found: dict[str, Any] = {}
    selector = _node_selector(kubernetes.get("nodeSelector", {}), reader)
    if selector.expression:
        reader.patch.members["nodeSelector"] = selector.expression
    elif selector.constant:
        found["nodeSelector"] = selector.constant
    tolerations = [_toleration(each, reader) for each in kubernetes.get("tolerations", [])]
    if any(each.expression for each in tolerations):  # a patch replaces the whole list
        lists = [written(t.constant) if not t.expression else _as_list(t.expression) for t in tolerations]
        reader.patch.members["tolerations"] = f"flatten([{', '.join(lists)}])"
    elif tolerations:
        found["tolerations"] = [one for each in tolerations for one in each.constant]
    if wanted := affinity(kubernetes, reader):
        found["affinity"] = wanted
        if not reader.problems:
            check_template("affinity", {"affinity": wanted}, reader)
    return {key: value for key, value in found.items() if value}


def _as_list(expression: str) -> str:
    """KFP takes one toleration, a list of them, or nothing."""
    one = "type(#) == 'map' && len(#) > 0 ? [#] : []"
    return exprlang.given(expression, f"type(#) == 'array' ? # : {one}")


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
    if not isinstance(value.constant, dict):
        reader.problem(setting, f"{value.constant!r} is no mapping", 'write it as {"LABEL": "VALUE"}')
        return Value()
    return Value(labels(setting, value.constant, reader))


def _toleration(entry: Mapping[str, Any], reader: Reader) -> Value:
    """A list of tolerations."""
    reader.only("tolerations", entry, (*_TOLERATION, "tolerationJson"))
    if "tolerationJson" not in entry:
        return Value([_checked_toleration(entry, reader)])
    setting = "tolerations.tolerationJson"
    value = reader.value(setting, entry["tolerationJson"])
    if value.expression:
        return value
    given = value.constant if isinstance(value.constant, list) else [value.constant]
    found = []
    for each in given:
        if isinstance(each, dict) and each:
            reader.only(setting, each, _TOLERATION)
            found.append(_checked_toleration(each, reader))
        elif each:
            reader.problem(setting, f"{each!r} is no toleration", "write it as a mapping, or a list of them")
    return Value(found)


def _checked_toleration(entry: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in ("key", "operator", "value", "effect"):
        if text := entry.get(key):
            found[key] = reader.literal(f"tolerations.{key}", text)
    for key, known in (("operator", _OPERATORS), ("effect", _EFFECTS)):
        if found.get(key, "") not in known:
            mend = f"one of {', '.join(known[1:])}"
            reader.problem(f"tolerations.{key}", f"{found[key]!r} is none", mend)
    if found.get("operator", "Equal") == "Equal" and "key" not in found:
        mend = "give a key, or operator='Exists' to tolerate everything"
        reader.problem("tolerations", "it has no key", mend)
    if found.get("operator") == "Exists" and "value" in found:
        reader.problem("tolerations.value", "operator 'Exists' takes none", "use 'Equal', or leave it out")
    if entry.get("tolerationSeconds") is not None:
        found["tolerationSeconds"] = int(entry["tolerationSeconds"])
        if found.get("effect") != "NoExecute":
            mend = "say effect='NoExecute'"
            reader.problem("tolerations.tolerationSeconds", "it is for the effect NoExecute alone", mend)
    return found
