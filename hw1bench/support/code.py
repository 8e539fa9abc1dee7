"""The digest of this package's own source, for what must notice when the code that made it has changed."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

# What Python or the build makes of the sources.
_MADE = (".pyc", *EXTENSION_SUFFIXES)


@cache
def digest(folder: str) -> str:
    """32 hexadecimal digits of the content of all that code in ``folder`` of the package, such as "training", can run.

    These are the files of the folder, and the modules of the package that they import, and those that these import, and so
    on, read from the sources: a file that takes part is covered without anybody listing it, and what takes no part, such as
    reports and claims, moves nothing. That a module is imported for one of two things that it holds may cost a
    training that was not needed; a list of files or names that somebody forgot to add to would cost a wrong result.
    """
    root = Path(__file__).parent.parent
    total = hashlib.sha256()
    for path in sorted(sources(root, folder)):
        content = path.read_bytes()
        total.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()[:32]


def sources(root: Path, folder: str) -> set[Path]:
    """The files that `digest` covers, of the package in ``root``."""
    found: set[Path] = set()
    files = (path for path in (root / folder).rglob("*") if path.is_file())
    waiting = [path for path in files if not path.name.endswith(_MADE) and not path.name.startswith(".")]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            if path.suffix == ".py":
                waiting += _imported(root, path)
    return found


def _imported(root: Path, path: Path) -> Iterator[Path]:
    """The files of the package in ``root`` that the module at ``path`` imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module(root, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            inside = [] if not node.level else [root.name, *path.relative_to(root).parts[: -node.level]]
            whence = inside + (node.module.split(".") if node.module else [])
            for alias in node.names:
                # A module of that name; else a name that the package's own file holds.
                yield from _module(root, [*whence, alias.name]) or _module(root, whence)


def _module(root: Path, names: list[str]) -> list[Path]:
    """The file of the module with the dotted ``names``, and those of the packages in which it lies, if this package has it.

    The outermost package's file is left out: it is the public list, which imports all there is, and runs before any module.
    """
    if names[0] != root.name or len(names) == 1:
        return [root / "__init__.py"] if names == [root.name] else []
    place = root.joinpath(*names[1:])
    if place.with_name(f"{place.name}.py").is_file():
        file = place.with_name(f"{place.name}.py")
    elif (place / "__init__.py").is_file():
        file = place / "__init__.py"
    else:
        return []
    packages = [root.joinpath(*names[1:end], "__init__.py") for end in range(2, len(names))]
    return [file, *(package for package in packages if package.is_file())]
