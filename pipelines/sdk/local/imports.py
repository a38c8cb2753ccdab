"""What a component's source imports, by reading alone: for the preload, the cache and the check of images."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import site
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Imports:
    """What running a source can import.

    Args:
        modules: dotted names, in the order in which they are met.
        own: SHA-256 of each of the project's own modules among them, which no lock file names.
    """

    modules: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """SHA-256 of all of the project's own modules; empty where there are none."""
        text = "\n".join(f"{name} {digest}" for name, digest in sorted(self.own.items()))
        return hashlib.sha256(text.encode()).hexdigest() if text else ""

    def uses(self, package: str) -> bool:
        """Whether a module of that package is imported."""
        return any(name.partition(".")[0] == package for name in self.modules)

    @property
    def heavy(self) -> bool:
        """Whether more is imported than the standard library and kfp, which every step has anyway."""
        light = {*sys.stdlib_module_names, "kfp"}
        return any(name.partition(".")[0] not in light for name in self.modules)


@dataclass(frozen=True)
class _Module:
    file: Path | None
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True)
class ImportFinder:
    """Follows imports through the project's own modules; what is installed is named, and not looked into.

    An import counts wherever it stands: in a function, in a branch. Only what is for type checkers does not.

    Args:
        names: gives the dotted names that a source imports, knowing the package that it is in.
    """

    names: Callable[[str, str], Iterable[str]] = field(default_factory=lambda: names_in)
    _modules: dict[str, _Module | None] = field(default_factory=dict)
    _files: dict[Path, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def of(self, source: str) -> Imports:
        """What a source imports.

        Args:
            source: Python source text of a component. One that is no Python imports nothing.
        """
        names, files = dict.fromkeys(self.names(source, "")), dict[str, str]()
        pending = list(reversed(names))
        while pending:
            for part in _prefixes(pending.pop()):
                module = self._locate(part)
                if part in files or module is None or module.file is None or is_installed(module.file):
                    continue
                files[part], inner = self._read(part, module.file)
                new = [name for name in inner if name not in names]
                names.update(dict.fromkeys(new))
                pending.extend(reversed(new))
        modules = (name for name in names if self._can_be_one(name))
        return Imports(tuple(modules), files)

    def _can_be_one(self, name: str) -> bool:
        """Whether a name is a module, or may be: of the project's own, it is known."""
        root = self._locate(name.partition(".")[0])
        if root is None or (root.file and is_installed(root.file)):
            return True
        return self._locate(name) is not None or any(is_installed(folder) for folder in root.folders)

    def _read(self, name: str, file: Path) -> tuple[str, tuple[str, ...]]:
        if file not in self._files:
            try:
                content = file.read_bytes()
                package = name if file.name == "__init__.py" else name.rpartition(".")[0]
                names = tuple(self.names(content.decode("utf-8", "replace"), package))
            except OSError:
                content, names = b"", ()
            self._files[file] = hashlib.sha256(content).hexdigest(), names
        return self._files[file]

    def _locate(self, name: str) -> _Module | None:
        if name not in self._modules:
            parent, _, last = name.rpartition(".")
            self._modules[name] = self._inside(parent, last) if parent else _top(name)
        return self._modules[name]

    def _inside(self, parent: str, name: str) -> _Module | None:
        package = self._locate(parent)
        folders: list[Path] = []
        for folder in package.folders if package else ():
            inner = folder / name
            for file in (inner / "__init__.py", folder / f"{name}.py"):
                if file.is_file():
                    return _Module(file, (inner,) if file.name == "__init__.py" else ())
            if inner.is_dir():
                folders.append(inner)
        return _Module(None, tuple(folders)) if folders else None


def _top(name: str) -> _Module | None:
    try:
        spec = importlib.util.find_spec(name)  # of a top-level name: it imports nothing
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    file = Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    return _Module(file, tuple(map(Path, spec.submodule_search_locations or ())))


def is_installed(path: Path) -> bool:
    """Whether a file or folder is the interpreter's, or an installed package's; else it is the project's."""
    return bool({"site-packages", "dist-packages"} & set(path.parts)) or any(
        path.is_relative_to(folder) for folder in _installed_folders()
    )


@cache
def _installed_folders() -> tuple[str, ...]:
    paths = [sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    return tuple(dict.fromkeys([*paths, *site.getsitepackages(), site.getusersitepackages()]))


def _prefixes(name: str) -> Iterator[str]:
    """`a`, `a.b`, `a.b.c`: importing the last runs them all."""
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def names_in(source: str, package: str) -> Iterator[str]:
    """Dotted names of modules that a source imports or reaches (`mlflow.sklearn` of `import mlflow`).

    Args:
        source: Python source text.
        package: that it is in, for relative imports; '' for none.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    nodes = list(_run_time(tree))
    roots: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            roots.update(alias.name for alias in node.names if alias.asname is None)
        elif isinstance(node, ast.ImportFrom) and (base := _base(node, package)):
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in roots:
            yield f"{node.value.id}.{node.attr}"


def _base(node: ast.ImportFrom, package: str) -> str:
    """The module that a `from ... import` names; '' where it leads out of the package."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    if node.level > len(parts):
        return ""
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def _run_time(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes, but for the bodies of `if TYPE_CHECKING:`."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        yield node
        children: Iterable[ast.AST] = ast.iter_child_nodes(node)
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            children = node.orelse
        pending.extend(reversed(list(children)))


def _is_type_checking(test: ast.expr) -> bool:
    name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
    return name == "TYPE_CHECKING"
