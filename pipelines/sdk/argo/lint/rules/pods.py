"""Rules about containers: what Kubernetes or Argo's executor would stumble over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pipelines.sdk.argo.lint import depends
from pipelines.sdk.argo.lint.finding import WARNING, Hit, Path, Rule
from pipelines.sdk.argo.lint.nodes import close_to, dig, entries, has, mapping, names, sequence, text
from pipelines.sdk.argo.lint.views import Spec, Template

_UNITS = {"n": "1e-9", "u": "1e-6", "m": "1e-3", "": "1", "k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12"}
_UNITS |= {"P": "1e15", "E": "1e18"}
_BINARY = {unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([KMGTPE]i|[numkMGTPE]?)")


def _mains(template: Template) -> list[tuple[Path, Mapping[str, Any], str]]:
    """The containers of a template that Argo wraps; the last is the kind that templateDefaults knows."""
    found = [
        ((*template.at, kind), mapping(template.node[kind]), kind)
        for kind in ("container", "script")
        if isinstance(template.node.get(kind), Mapping)
    ]
    found += [
        (at, each, "") for at, each in entries(template.node, template.at, "containerSet", "containers")
    ]
    return found + [(at, each, "") for at, each in entries(template.node, template.at, "sidecars")]


def _default(template: Template, kind: str, key: str) -> Any:
    return dig(template.spec.value("templateDefaults"), kind, key) if kind else None


def _image(template: Template) -> Iterator[Hit]:
    for at, container, kind in _mains(template):
        if not container.get("image") and not _default(template, kind, "image"):
            yield Hit((*at, "image"), "the container has no image", "add one")


def _command(template: Template) -> Iterator[Hit]:
    for at, container, kind in _mains(template):
        if not sequence(container.get("command")) and not _default(template, kind, "command"):
            yield Hit(
                (*at, "command"),
                "the container has no command",
                "write out the image's entrypoint as `command`",
            )


def _source(template: Template) -> Iterator[Hit]:
    default = _default(template, "script", "source")
    if template.type == "script" and not default and not text(dig(template.node, "script", "source")):
        yield Hit(
            (*template.at, "script", "source"), "the script has no source", "add it, or use a `container`"
        )


def _collisions(template: Template) -> Iterator[Hit]:
    for kind in ("container", "script"):
        mounts = entries(template.node, template.at, kind, "volumeMounts")
        taken = {text(each.get("mountPath")) for _, each in mounts} - {""}
        for at, artifact in entries(template.node, template.at, "inputs", "artifacts"):
            path = text(artifact.get("path"))
            if path in taken:
                what = f"something else is at {path!r} already, where the artifact is to be"
                yield Hit((*at, "path"), what, "give each a path of its own")
            taken |= {path} - {""} if has(template.node, kind) else set()


def _volumes(template: Template) -> Iterator[Hit]:
    spec = template.spec
    if spec.reusable and not spec.value("entrypoint"):
        return  # only others run what is in it, with the volumes of their own spec
    if "volumes" in str(template.node.get("podSpecPatch", "")) + str(spec.value("podSpecPatch") or ""):
        return
    known = names(template.node, "volumes") | spec.names("volumes") | _claims(spec)
    for at, container, _ in _mains(template):
        for path, mount in entries(container, at, "volumeMounts"):
            name = text(mount.get("name"))
            if name and "{{" not in name and name not in known:
                what = f"there is no volume {name!r} to mount"
                mend = close_to(name, known) or "add it to `volumes` of the template or of spec"
                yield Hit((*path, "name"), what, mend, WARNING if spec.reusable else "")


def _claims(spec: Spec) -> set[str]:
    below = spec.referenced.node if spec.referenced else {}
    found = [
        *entries(spec.node, (), "volumeClaimTemplates"),
        *entries(below, (), "volumeClaimTemplates"),
        *entries(spec.node.get("templateDefaults"), (), "volumes"),
    ]
    return {text(dig(each, "metadata", "name")) or text(each.get("name")) for _, each in found}


def _requests(template: Template) -> Iterator[Hit]:
    places = [(at, container) for at, container, _ in _mains(template)]
    places += entries(template.node, template.at, "initContainers")
    for at, container in places:
        limits = mapping(dig(container, "resources", "limits"))
        for name, request in mapping(dig(container, "resources", "requests")).items():
            wanted, most = _amount(request), _amount(limits.get(name))
            if wanted is not None and most is not None and wanted > most:
                what = f"{request} of {name} is requested, more than the limit of {limits[name]}"
                yield Hit((*at, "resources", "requests", str(name)), what, "raise the limit, or request less")


def _amount(quantity: Any) -> Decimal | None:
    match = _QUANTITY.fullmatch(str(quantity)) if isinstance(quantity, str | int) else None
    if not match:
        return None
    try:
        return Decimal(match[1]) * (_BINARY.get(match[2]) or Decimal(_UNITS[match[2]]))
    except InvalidOperation:
        return None


def _milli_bytes(template: Template) -> Iterator[Hit]:
    for at, container, _ in _mains(template):
        for kind in ("requests", "limits"):
            for name in ("memory", "ephemeral-storage"):
                amount = dig(container, "resources", kind, name)
                if isinstance(amount, str) and amount.endswith("m"):
                    what = f"{amount} of {name} are thousandths of a byte"
                    mend = f"did you mean {amount[:-1]}Mi?"
                    yield Hit((*at, "resources", kind, name), what, mend)


def _names(template: Template) -> Iterator[Hit]:
    for keys in (("containerSet", "containers"), ("sidecars",), ("initContainers",)):
        for at, container in entries(template.node, template.at, *keys):
            name = text(container.get("name"))
            if (
                has(container, "name")
                and "{{" not in name
                and not (_LABEL.fullmatch(name) and len(name) < 64)
            ):
                mend = "use up to 63 lower-case letters, digits and `-`"
                yield Hit((*at, "name"), f"{name!r} cannot be the name of a container", mend)


def _set_order(template: Template) -> Iterator[Hit]:
    found = entries(template.node, template.at, "containerSet", "containers")
    known = names(template.node, "containerSet", "containers")
    needs: dict[str, list[str]] = {}
    for at, each in found:
        needs[text(each.get("name"))] = [text(need) for need in sequence(each.get("dependencies"))]
        for index, need in enumerate(sequence(each.get("dependencies"))):
            if isinstance(need, str) and need not in known:
                yield Hit(
                    (*at, "dependencies", index), f"there is no container {need!r}", close_to(need, known)
                )
    circle = depends.order(needs).circle
    if circle:
        what = f"containers wait for one another: {' -> '.join(circle)}"
        yield Hit((*template.at, "containerSet", "containers"), what, "break the circle")


_POD = "Kubernetes refuses the pod, and the step fails."
RULES: tuple[Rule[Template], ...] = (
    Rule("image-missing", "Argo refuses the workflow.", _image),
    Rule(
        "command-missing",
        "The controller asks the image's registry for it at every start: images only on the node, or "
        "behind a login, fail with `failed to look-up entrypoint`.",
        _command,
        WARNING,
    ),
    Rule("script-source", "There is nothing to run.", _source, WARNING),
    Rule("mount-collision", "Argo refuses the workflow.", _collisions),
    Rule("unknown-volume", _POD, _volumes),
    Rule("request-over-limit", _POD, _requests),
    Rule(
        "milli-bytes",
        "Kubernetes takes it, rounds it to a byte, and the container cannot start.",
        _milli_bytes,
        WARNING,
    ),
    Rule("container-name", _POD, _names),
    Rule("container-order", "Argo refuses the workflow.", _set_order),
)
