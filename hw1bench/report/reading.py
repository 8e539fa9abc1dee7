"""Reading claims.json from disk, where a file of that name may hold anything."""

from pathlib import Path
from typing import cast

from hw1bench.report.contract import Document, check
from hw1bench.report.plain import line
from hw1bench.support import json_file

NAME = "claims.json"

_WAY_OUT = f"name a report directory or a {NAME}"


def read(source: Path) -> tuple[Document, Path]:
    """The document in a report directory or in a file of its own, and the file's path.

    Raises ValueError, in one line that names the file, the fault and the way out, for anything that is not such a document.
    """
    path = source
    try:
        if source.is_dir():
            path = source / NAME
        document = json_file.read(path)
        check(document)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or error}): {_WAY_OUT}") from error
    except json_file.NotJson as error:
        raise ValueError(f"{path}: {line(str(error))}: {_WAY_OUT}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {line(str(error))}") from error
    return cast("Document", document), path
