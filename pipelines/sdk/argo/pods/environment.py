"""Environment variables of a step: literals, keys of Secrets and ConfigMaps, fields of the pod."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipelines.sdk.argo.pods.checks import object_name
from pipelines.sdk.argo.pods.patch import ELEMENT, Raw, when_there
from pipelines.sdk.argo.pods.reader import Reader
from pipelines.sdk.argo.pods.secrets import secret_in
from pipelines.sdk.plan import Step

BRACE: Final = "LEFT_BRACE"
"""Variable whose value is `{`: the kubelet puts it in, long after Argo looked for `{{`."""

_NAME: Final = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_KEYS: Final = {"secretAsEnv": ("secret", "secretKey"), "configMapAsEnv": ("configMap", "configMapKey")}
_FIELD: Final = re.compile(
    r"metadata\.(name|namespace|uid|(labels|annotations)\['[^']+'\])"
    r"|spec\.(nodeName|serviceAccountName)|status\.(hostIPs?|podIPs?)"
)
_Variable = tuple[str, str, Any]  # setting, name, the variable or the expression that gives it


def variables(step: Step, defaults: list[dict[str, Any]], reader: Reader) -> list[dict[str, Any]]:
    """The step's variables, each once; its own win over the defaults.

    Args:
        step: the step.
        defaults: what every step has.
        reader: takes the problems, and in its patch what is only known when the step starts.
    """
    found: dict[str, Any] = {variable["name"]: variable for variable in defaults}
    own: dict[str, str] = {}
    for setting, name, variable in (*_literals(step, reader), *_references(step.kubernetes, reader)):
        if not _NAME.fullmatch(name):
            mend = "letters, digits and underscores make one"
            reader.problem(setting, f"{name!r} cannot be the name of an environment variable", mend)
        if name in own:
            reader.warn(setting, f"{name} was already set by {own[name]}; this one counts", "set it once")
        own[name] = setting
        found[name] = variable
    if any(f"$({BRACE})" in str(each) for each in found.values()):
        found = {BRACE: {"name": BRACE, "value": "{"}, **found}  # it has to stand before those that use it
    later = [each.expression for each in found.values() if isinstance(each, Raw)]
    if later:
        reader.patch.main["env"] = later
    return [each for each in found.values() if not isinstance(each, Raw)]


def _literals(step: Step, reader: Reader) -> Iterator[_Variable]:
    for name, value in step.env.items():
        setting = f"environment variable {name}"
        if kind := secret_in(name, value, _used_secrets(step.kubernetes)):
            mend = "keep it in a Secret and use kubernetes.use_secret_as_env(task, SECRET, {KEY: NAME})"
            reader.problem(setting, f"its literal value looks like {kind}; anybody could read it", mend)
        elif "\0" in value:
            reader.problem(setting, "its value has a NUL, which no variable can hold", "give it as an input")
        # Argo would replace what is between two pairs of braces, and does so before the kubelet has a look.
        written = unexpanded(value).replace("{{", f"{{$({BRACE})")
        yield setting, name, {"name": name, "value": written}


def unexpanded(value: str) -> str:
    """A value that the kubelet leaves as it was written: it would replace $(OTHER), and $$ by $.

    On a laptop, and for KFP's SDK, both are plain text.
    """
    return value.replace("$", "$$") if "$(" in value or "$$" in value else value


def _used_secrets(kubernetes: Mapping[str, Any]) -> frozenset[str]:
    entries = (*kubernetes.get("secretAsEnv", []), *kubernetes.get("secretAsVolume", []))
    return frozenset(entry.get("secretName", "") for entry in entries)


def _references(kubernetes: Mapping[str, Any], reader: Reader) -> Iterator[_Variable]:
    for setting, (kind, key) in _KEYS.items():
        for entry in kubernetes.get(setting, []):
            yield from _keys(setting, kind, key, entry, reader)
    for entry in kubernetes.get("fieldPathAsEnv", []):
        reader.only("fieldPathAsEnv", entry, ("name", "fieldPath"))
        path = reader.literal("fieldPathAsEnv.fieldPath", entry.get("fieldPath", ""))
        if not _FIELD.fullmatch(path):
            mend = "metadata.name, metadata.labels['KEY'], spec.nodeName, status.podIP, for example"
            reader.problem("fieldPathAsEnv.fieldPath", f"{path!r} is no field that a pod can read", mend)
        name = reader.literal("fieldPathAsEnv.name", entry.get("name", ""))
        yield "fieldPathAsEnv", name, {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _keys(setting: str, kind: str, key: str, entry: Mapping[str, Any], reader: Reader) -> Iterator[_Variable]:
    named = f"{kind}Name"
    reader.only(setting, entry, (named, f"{named}Parameter", "keyToEnv", "optional"))
    value = reader.named(setting, entry, named)
    if not value.expression and value.constant is None:
        return  # an optional parameter of the pipeline that was not given: KFP leaves the variables out, too
    source = ELEMENT if value.expression else object_name(setting, value.constant, reader)
    optional = {"optional": True} if entry.get("optional") else {}
    if not entry.get("keyToEnv"):
        reader.problem(setting, "it names no key", "say which key becomes which variable")
    for pair in entry.get("keyToEnv", []):
        reader.only(f"{setting}.keyToEnv", pair, (key, "envVar"))
        name = reader.literal(f"{setting}.keyToEnv.envVar", pair.get("envVar", ""))
        wanted = reader.literal(f"{setting}.keyToEnv.{key}", pair.get(key, ""))
        if not _KEY.fullmatch(wanted):
            mend = "letters, digits, -, _ and . make one"
            reader.problem(f"{setting}.keyToEnv", f"{wanted!r} cannot be a key", mend)
        one = {"name": source, "key": wanted, **optional}
        variable = {"name": name, "valueFrom": {f"{kind}KeyRef": one}}
        yield setting, name, Raw(when_there(value.expression, variable)) if value.expression else variable
