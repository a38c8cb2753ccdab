"""Volumes that a step's settings ask for, and where they are mounted."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.sdk.argo.names import digest
from pipelines.sdk.argo.pods.checks import labels, object_name, quantity
from pipelines.sdk.argo.pods.defaults import FOLDERS
from pipelines.sdk.argo.pods.patch import ELEMENT, when_there, written
from pipelines.sdk.argo.pods.platform import WORKSPACE_PATH
from pipelines.sdk.argo.pods.reader import Reader, Value

_TEMPORARY: Final = FOLDERS["tmp"]
_OWN: Final = (
    *(path for path in FOLDERS.values() if path != _TEMPORARY),
    "/kfp",
    WORKSPACE_PATH,
    "/var/run/argo",
    "/argo",
)
"""Folders of the launcher and of Argo's executor; nothing can be mounted there or below."""

ACCESS_MODES: Final = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")


@dataclass(frozen=True)
class Mounts:
    """A step's volumes and mounts while they are collected.

    Args:
        reader: takes the problems.
        volumes: by name.
        mounts: by path; None for one that is only known to be there when the step starts.
    """

    reader: Reader
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    mounts: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def add(self, setting: str, name: str, source: Mapping[str, Any], mount: Mapping[str, Any]) -> None:
        """Mounts a volume; two mounts of the same share it.

        Args:
            setting: for messages.
            name: of the volume.
            source: the volume without its name.
            mount: with at least mountPath.
        """
        if path := self._path(setting, mount):
            name = _valid(name)
            volume = {"name": name, **source}
            if self.volumes.setdefault(name, volume) != volume:
                what = f"another volume is called {name.partition('-')[2]}"
                self.reader.problem(setting, what, "give each a name of its own")
            self.mounts[path] = {"name": name, **mount, "mountPath": path}

    def add_later(
        self, setting: str, kind: str, value: Value, source: Mapping[str, Any], mount: Mapping[str, Any]
    ) -> None:
        """Mounts a volume whose name is known when the step starts; none, where that is null then.

        Args:
            setting: for messages.
            kind: of the volume.
            value: the name; ELEMENT in `source` stands for it.
            source: the volume without its name.
            mount: with at least mountPath.
        """
        if path := self._path(setting, mount):
            name = f"{kind}-{digest([value.expression, written(source)])}"
            volume = when_there(value.expression, {"name": name, **source})
            volumes = self.reader.patch.lists.setdefault("volumes", [])
            if volume not in volumes:
                volumes.append(volume)
            mounted = when_there(value.expression, {"name": name, **mount, "mountPath": path})
            self.reader.patch.main.setdefault("volumeMounts", []).append(mounted)
            self.mounts[path] = None

    def _path(self, setting: str, mount: Mapping[str, Any]) -> str:
        """Where to mount; empty where that cannot be."""
        text = self.reader.literal(f"{setting}.mountPath", mount.get("mountPath", ""))
        path = posixpath.normpath(re.sub("/+", "/", text))
        mend = "mount it at another path"
        if not text.startswith("/") or ":" in text or ".." in text.split("/"):
            mend = "give an absolute path without colons"
            self.reader.problem(f"{setting}.mountPath", f"{text!r} is no path to mount at", mend)
        elif path == "/" or any(path == own or path.startswith(f"{own}/") for own in _OWN):
            self.reader.problem(f"{setting}.mountPath", f"{path} is needed by what runs the step", mend)
        elif path == _TEMPORARY and mount.get("readOnly"):
            self.reader.problem(f"{setting}.mountPath", f"{path} must stay a place to write to", mend)
        elif path in self.mounts:
            self.reader.problem(f"{setting}.mountPath", f"something else is mounted at {path}", mend)
        else:
            return path
        return ""


def _valid(name: str) -> str:
    """A name that a volume can have, as near to the wished one as that can be."""
    if len(name) <= 63 and re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name):
        return name
    return f"{re.sub('[^a-z0-9]+', '-', name.lower())[:54].strip('-')}-{digest(name)}"


def collect(kubernetes: Mapping[str, Any], reader: Reader) -> Mounts:
    """All volumes and mounts of a step.

    Args:
        kubernetes: the step's settings.
        reader: takes the problems.
    """
    mounts = Mounts(reader)
    for entry in kubernetes.get("secretAsVolume", []):
        _object("secretAsVolume", "secret", "secretName", entry, mounts)
    for entry in kubernetes.get("configMapAsVolume", []):
        _object("configMapAsVolume", "configMap", "name", entry, mounts)
    for entry in kubernetes.get("pvcMount", []):
        _claim(entry, mounts)
    for entry in kubernetes.get("emptyDirMounts", []):
        _empty(entry, mounts)
    for entry in kubernetes.get("genericEphemeralVolume", []):
        _ephemeral(entry, mounts)
    if "enabledSharedMemory" in kubernetes:
        _shared_memory(kubernetes["enabledSharedMemory"], mounts)
    return mounts


def _named(
    setting: str, kind: str, key: str, value: Value, more: Mapping[str, Any], mount: Any, mounts: Mounts
) -> None:
    """Mounts a volume made of an object that has a name."""
    slug = {"configMap": "config-map", "persistentVolumeClaim": "claim"}.get(kind, kind)
    if value.expression:
        mounts.add_later(setting, slug, value, {kind: {key: ELEMENT, **more}}, mount)
    elif value.constant is not None:  # null: an optional parameter of the pipeline that was not given
        name = object_name(setting, value.constant, mounts.reader)
        variant = "-optional" if more.get("optional") else ""
        mounts.add(setting, f"{slug}-{name}{variant}", {kind: {key: name, **more}}, mount)


def _object(setting: str, kind: str, key: str, entry: Mapping[str, Any], mounts: Mounts) -> None:
    named, reader = f"{kind}Name", mounts.reader
    reader.only(setting, entry, (named, f"{named}Parameter", "mountPath", "optional"))
    optional = {"optional": True} if entry.get("optional") else {}
    mount = {"mountPath": entry.get("mountPath", ""), "readOnly": True}
    _named(setting, kind, key, reader.named(setting, entry, named), optional, mount, mounts)


def _claim(entry: Mapping[str, Any], mounts: Mounts) -> None:
    reader, old = mounts.reader, ("constant", "componentInputParameter", "taskOutputParameter")
    reader.only("pvcMount", entry, ("pvcNameParameter", "mountPath", "subPath", *old))
    spec = entry.get("pvcNameParameter")
    if spec is None:  # the form of older SDKs
        name = entry.get("constant")
        spec = {"runtimeValue": {"constant": name}} if name else {k: entry[k] for k in old if k in entry}
    mount = {"mountPath": entry.get("mountPath", "")}
    if sub_path := reader.literal("pvcMount.subPath", entry.get("subPath", "")):
        if sub_path.startswith("/") or ".." in sub_path.split("/"):
            mend = "give a path that starts at the volume's root, without .. and a slash in front"
            reader.problem("pvcMount.subPath", f"{sub_path!r} leaves the volume", mend)
        mount["subPath"] = sub_path
    value = reader.value("pvcMount", spec)
    _named("pvcMount", "persistentVolumeClaim", "claimName", value, {}, mount, mounts)


def _empty(entry: Mapping[str, Any], mounts: Mounts) -> None:
    setting, reader = "emptyDirMounts", mounts.reader
    reader.only(setting, entry, ("volumeName", "mountPath", "medium", "sizeLimit"))
    source: dict[str, Any] = {}
    if medium := reader.literal(f"{setting}.medium", entry.get("medium", "")):
        if not re.fullmatch(r"Memory|HugePages(-\d+[KMG]i)?", medium):
            reader.problem(f"{setting}.medium", f"{medium!r} is none", "Memory, HugePages, or leave it out")
        source["medium"] = medium
    if size := entry.get("sizeLimit"):
        source["sizeLimit"] = quantity(f"{setting}.sizeLimit", size, reader)
    name = reader.literal(f"{setting}.volumeName", entry.get("volumeName", ""))
    mounts.add(setting, f"empty-{name}", {"emptyDir": source}, {"mountPath": entry.get("mountPath", "")})


def _ephemeral(entry: Mapping[str, Any], mounts: Mounts) -> None:
    setting, reader = "genericEphemeralVolume", mounts.reader
    known = ("volumeName", "mountPath", "accessModes", "size", "defaultStorageClass", "storageClassName")
    reader.only(setting, entry, (*known, "metadata"))
    modes = list(entry.get("accessModes", []))
    if not modes or set(modes) - set(ACCESS_MODES):
        mend = f"some of {', '.join(ACCESS_MODES)}"
        reader.problem(f"{setting}.accessModes", f"{modes} is no list of access modes", mend)
    size = quantity(f"{setting}.size", entry.get("size", ""), reader)
    spec: dict[str, Any] = {"accessModes": modes, "resources": {"requests": {"storage": size}}}
    if not entry.get("defaultStorageClass"):
        spec["storageClassName"] = reader.literal(setting, entry.get("storageClassName", ""))
    template: dict[str, Any] = {"spec": spec}
    if metadata := metadata_of(f"{setting}.metadata", entry.get("metadata", {}), reader):
        template["metadata"] = metadata
    name = reader.literal(f"{setting}.volumeName", entry.get("volumeName", ""))
    source = {"ephemeral": {"volumeClaimTemplate": template}}
    mounts.add(setting, f"ephemeral-{name}", source, {"mountPath": entry.get("mountPath", "")})


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
    mounts.add(setting, f"empty-{name}", {"emptyDir": source}, {"mountPath": "/dev/shm"})  # noqa: S108 - its own
