"""Volumes that a step's settings ask for, and where they are mounted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.sdk.argo.pods.checks import labels, object_name, quantity
from pipelines.sdk.argo.pods.defaults import FOLDERS, LAUNCHER_VOLUMES
from pipelines.sdk.argo.pods.platform import WORKSPACE
from pipelines.sdk.argo.pods.reader import Reader

_OWN: Final = (*FOLDERS.values(), *LAUNCHER_VOLUMES.values(), "/kfp")
_REPLACEABLE: Final = FOLDERS["tmp"]
_MODES: Final = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")


@dataclass(frozen=True)
class Mounts:
    """A step's volumes and mounts while they are collected.

    Args:
        reader: takes the problems.
        volumes: by name.
        mounts: by path.
        names: of volumes, by what they are made from: two mounts of one claim share its volume.
    """

    reader: Reader
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    mounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, setting: str, wished: str, source: Mapping[str, Any], mount: Mapping[str, Any]) -> None:
        """Mounts a volume.

        Args:
            setting: for messages.
            wished: name of the volume.
            source: the volume without its name.
            mount: with at least mountPath.
        """
        path = self.reader.literal(f"{setting}.mountPath", mount.get("mountPath", ""))
        if not path.startswith("/") or ":" in path:
            self.reader.problem(
                setting, f"{path!r} is no path to mount at", "give an absolute path without colons"
            )
            return
        path = path.rstrip("/") or "/"
        taken = [own for own in _OWN if path == own or (path.startswith("/kfp/"))]
        if path == "/" or (taken and path != _REPLACEABLE):
            self.reader.problem(setting, f"{path} is needed by the launcher", "mount it at another path")
        elif path in self.mounts:
            self.reader.problem(setting, f"something else is mounted at {path}", "mount it at another path")
        name = self._name(wished, source)
        self.volumes[name] = {"name": name, **source}
        self.mounts[path] = {"name": name, **mount, "mountPath": path}

    def _name(self, wished: str, source: Mapping[str, Any]) -> str:
        slug = re.sub(r"[^a-z0-9]+", "-", wished.lower())[:50].strip("-") or "volume"
        key = (slug, repr(source))
        reserved = (*FOLDERS, *LAUNCHER_VOLUMES, WORKSPACE)
        if key not in self.names:
            number = 1
            name = slug
            while name in self.volumes or name in reserved:
                number += 1
                name = f"{slug}-{number}"
            self.names[key] = name
        return self.names[key]


def collect(kubernetes: Mapping[str, Any], reader: Reader) -> Mounts:
    """All volumes and mounts of a step.

    Args:
        kubernetes: the step's settings.
        reader: takes the problems.
    """
    mounts = Mounts(reader)
    for entry in kubernetes.get("secretAsVolume", []):
        _keys("secretAsVolume", "secret", entry, mounts)
    for entry in kubernetes.get("configMapAsVolume", []):
        _keys("configMapAsVolume", "configMap", entry, mounts)
    for entry in kubernetes.get("pvcMount", []):
        _claim(entry, mounts)
    for entry in kubernetes.get("emptyDirMounts", []):
        _empty(entry, mounts)
    for entry in kubernetes.get("genericEphemeralVolume", []):
        _ephemeral(entry, mounts)
    if "enabledSharedMemory" in kubernetes:
        _shared_memory(kubernetes["enabledSharedMemory"], mounts)
    return mounts


def _keys(setting: str, kind: str, entry: Mapping[str, Any], mounts: Mounts) -> None:
    named, reader = f"{kind}Name", mounts.reader
    reader.only(setting, entry, (named, f"{named}Parameter", "mountPath", "optional"))
    value = reader.named(setting, entry, named)
    source = {"secretName" if kind == "secret" else "name": object_name(setting, value, reader)}
    optional = {"optional": bool(entry["optional"])} if "optional" in entry else {}
    wished = kind if value.expression else f"{kind}-{value.constant}"
    mount = {"mountPath": entry.get("mountPath", ""), "readOnly": True}
    mounts.add(setting, wished, {kind: {**source, **optional}}, mount)


def _claim(entry: Mapping[str, Any], mounts: Mounts) -> None:
    reader, old = mounts.reader, ("constant", "componentInputParameter", "taskOutputParameter")
    reader.only("pvcMount", entry, ("pvcNameParameter", "mountPath", "subPath", *old))
    spec = entry.get("pvcNameParameter")
    if spec is None:  # the form of older SDKs
        name = entry.get("constant")
        spec = {"runtimeValue": {"constant": name}} if name else {k: entry[k] for k in old if k in entry}
    value = reader.value("pvcMount", spec)
    source = {"persistentVolumeClaim": {"claimName": object_name("pvcMount", value, reader)}}
    mount = {"mountPath": entry.get("mountPath", "")}
    if sub_path := reader.literal("pvcMount.subPath", entry.get("subPath", "")):
        mount["subPath"] = sub_path
    mounts.add("pvcMount", "claim" if value.expression else f"claim-{value.constant}", source, mount)


def _empty(entry: Mapping[str, Any], mounts: Mounts) -> None:
    setting, reader = "emptyDirMounts", mounts.reader
    reader.only(setting, entry, ("volumeName", "mountPath", "medium", "sizeLimit"))
    source: dict[str, Any] = {}
    if medium := reader.literal(f"{setting}.medium", entry.get("medium", "")):
        if medium != "Memory" and not medium.startswith("HugePages"):
            reader.problem(f"{setting}.medium", f"{medium!r} is none", "Memory, HugePages, or leave it out")
        source["medium"] = medium
    if size := entry.get("sizeLimit"):
        source["sizeLimit"] = quantity(f"{setting}.sizeLimit", size, reader)
    name = reader.literal(f"{setting}.volumeName", entry.get("volumeName", ""))
    mounts.add(setting, name, {"emptyDir": source}, {"mountPath": entry.get("mountPath", "")})


def _ephemeral(entry: Mapping[str, Any], mounts: Mounts) -> None:
    setting, reader = "genericEphemeralVolume", mounts.reader
    own = (
        "volumeName",
        "mountPath",
        "accessModes",
        "size",
        "defaultStorageClass",
        "storageClassName",
        "metadata",
    )
    reader.only(setting, entry, own)
    modes = list(entry.get("accessModes", []))
    if not modes or set(modes) - set(_MODES):
        reader.problem(
            f"{setting}.accessModes", f"{modes} is not a list of modes", f"one of {', '.join(_MODES)}"
        )
    size = quantity(f"{setting}.size", entry.get("size", ""), reader)
    spec: dict[str, Any] = {"accessModes": modes, "resources": {"requests": {"storage": size}}}
    if not entry.get("defaultStorageClass"):
        spec["storageClassName"] = reader.literal(setting, entry.get("storageClassName", ""))
    template: dict[str, Any] = {"spec": spec}
    if metadata := metadata_of(setting, entry.get("metadata", {}), reader):
        template["metadata"] = metadata
    name = reader.literal(f"{setting}.volumeName", entry.get("volumeName", ""))
    mount = {"mountPath": entry.get("mountPath", "")}
    mounts.add(setting, name, {"ephemeral": {"volumeClaimTemplate": template}}, mount)


def metadata_of(setting: str, entry: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """Labels and annotations, those that there are.

    Args:
        setting: for messages.
        entry: a PodMetadata.
        reader: takes the problems.
    """
    reader.only(setting, entry, ("labels", "annotations"))
    found: dict[str, Any] = {}
    if given := entry.get("labels"):
        found["labels"] = labels(f"{setting}.labels", given, reader)
    if given := entry.get("annotations"):
        found["annotations"] = labels(f"{setting}.annotations", given, reader, values=False)
    return found


def _shared_memory(entry: Mapping[str, Any], mounts: Mounts) -> None:
    setting, reader = "enabledSharedMemory", mounts.reader
    reader.only(setting, entry, ("volumeName", "size"))
    source = {"medium": "Memory"}
    if size := entry.get("size"):
        source["sizeLimit"] = quantity(f"{setting}.size", size, reader)
    name = reader.literal(f"{setting}.volumeName", entry.get("volumeName", "")) or "shm"
    mounts.add(setting, name, {"emptyDir": source}, {"mountPath": "/dev/shm"})  # noqa: S108 - its own volume
