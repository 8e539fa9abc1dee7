"""Digest of this package's own source, for results that must notice when the code that made them has changed."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

_BUILT = (".pyc", *EXTENSION_SUFFIXES)  # what Python or the build makes from the sources


@cache
def digest(folder: str) -> str:
    """Return 32 hexadecimal digits over all the source that code in ``folder`` of the package, such as "training", can run; of
    one module, such as "report/figures.py".

    Covered are the files of the folder and the modules of the package that they import, directly or indirectly, as read from
    the sources. So every file that takes part is covered without a list of files, and one that takes no part, such as a report
    or a claim, changes nothing. A module of which only an unrelated half has changed may cost a needless training; a file
    missing from a list would cost a wrong result.
    """
    root = Path(__file__).parent.parent
    total = hashlib.sha256()
    for path in sorted(sources(root, folder)):
        content = path.read_bytes()
        total.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()[:32]


def sources(root: Path, folder: str) -> set[Path]:
    """Return the files of the package in ``root`` that ``digest`` covers for ``folder``, or one module."""
    found: set[Path] = set()
    whole = root / folder
    files = [whole] if whole.is_file() else (path for path in whole.rglob("*") if path.is_file())
    waiting = [path for path in files if not path.name.endswith(_BUILT) and not path.name.startswith(".")]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            if path.suffix == ".py":
                waiting += _imported(root, path)
    return found


def _imported(root: Path, path: Path) -> Iterator[Path]:
    """Yield the files of the package in ``root`` that the module at ``path`` imports, at its top or inside functions."""
    for node in _imports(path.read_bytes()):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module(root, alias.name.split("."))
        else:
            inside = [] if not node.level else [root.name, *path.relative_to(root).parts[: -node.level]]
            package = inside + (node.module.split(".") if node.module else [])
            for alias in node.names:
                # Either a module of that name, or a name defined in the package's own file.
                yield from _module(root, [*package, alias.name]) or _module(root, package)


@cache
def _imports(content: bytes) -> list[ast.Import | ast.ImportFrom]:
    """Return the imports of the source ``content``. Remembered, because a session asks for several folders that share modules."""
    return [node for node in _statements(ast.parse(content)) if isinstance(node, ast.Import | ast.ImportFrom)]


def _statements(of: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements inside ``of``, at any depth, without looking into expressions, which hold no import."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        inside = getattr(of, name, ())
        for node in inside if isinstance(inside, list) else ():
            yield node
            yield from _statements(node)


def _module(root: Path, names: list[str]) -> list[Path]:
    """Return the file of the module with the dotted ``names`` and the files of the packages around it; [] if there is none.

    The outermost package's file is left out: it is the public list, which imports everything, and runs before any module.
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
