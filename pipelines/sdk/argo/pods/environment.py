"""Environment variables of a step: literals, keys of Secrets and ConfigMaps, fields of the pod."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.sdk.argo.pods.checks import object_name
from pipelines.sdk.argo.pods.reader import Reader
from pipelines.sdk.argo.pods.secrets import secret_in
from pipelines.sdk.plan import Step

_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_KEYS = {"secretAsEnv": ("secret", "secretKey"), "configMapAsEnv": ("configMap", "configMapKey")}


def variables(step: Step, defaults: list[dict[str, Any]], reader: Reader) -> list[dict[str, Any]]:
    """The step's variables, each once; its own win over the defaults.

    Args:
        step: the step.
        defaults: what every step has.
        reader: takes the problems.
    """
    found = {variable["name"]: variable for variable in defaults}
    own: dict[str, str] = {}
    for setting, variable in (*_literals(step, reader), *_references(step.kubernetes, reader)):
        name = variable["name"]
        if not _NAME.fullmatch(name):
            reader.problem(setting, f"{name!r} cannot be the name of an environment variable")
        if name in own:
            reader.warn(setting, f"{name} was already set by {own[name]}; this one counts", "set it once")
        own[name] = setting
        found[name] = variable
    return list(found.values())


def _literals(step: Step, reader: Reader) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in step.env.items():
        setting = f"environment variable {name}"
        if "{{" in value:
            what = "its value has {{, which Argo would replace, and KFP would not"
            reader.problem(setting, what, "give the value to the step as an input")
        elif kind := secret_in(name, value):
            mend = "keep it in a Secret and use kubernetes.use_secret_as_env"
            reader.problem(setting, f"its literal value looks like {kind}; anybody could read it", mend)
        # The kubelet would expand $(OTHER); on a laptop and for KFP's SDK it is plain text.
        yield setting, {"name": name, "value": value.replace("$(", "$$(")}


def _references(kubernetes: Mapping[str, Any], reader: Reader) -> Iterator[tuple[str, dict[str, Any]]]:
    for setting, (kind, key) in _KEYS.items():
        for entry in kubernetes.get(setting, []):
            yield from _keys(setting, kind, key, entry, reader)
    for entry in kubernetes.get("fieldPathAsEnv", []):
        reader.only("fieldPathAsEnv", entry, ("name", "fieldPath"))
        path = reader.literal("fieldPathAsEnv.fieldPath", entry.get("fieldPath", ""))
        name = reader.literal("fieldPathAsEnv.name", entry.get("name", ""))
        yield "fieldPathAsEnv", {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _keys(
    setting: str, kind: str, key: str, entry: Mapping[str, Any], reader: Reader
) -> Iterator[tuple[str, dict[str, Any]]]:
    named = f"{kind}Name"
    reader.only(setting, entry, (named, f"{named}Parameter", "keyToEnv", "optional"))
    source: dict[str, Any] = {"name": object_name(setting, reader.named(setting, entry, named), reader)}
    if "optional" in entry:
        source["optional"] = bool(entry["optional"])
    for pair in entry.get("keyToEnv", []):
        reader.only(f"{setting}.keyToEnv", pair, (key, "envVar"))
        name = reader.literal(f"{setting}.keyToEnv.envVar", pair.get("envVar", ""))
        one = {**source, "key": reader.literal(f"{setting}.keyToEnv.{key}", pair.get(key, ""))}
        yield setting, {"name": name, "valueFrom": {f"{kind}KeyRef": one}}
