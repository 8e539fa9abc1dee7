"""The summary of a step of GitHub Actions: Markdown in the file that an environment variable names."""

import os

from hw1bench.report import markdown
from hw1bench.report.contract import Document

VARIABLE = "GITHUB_STEP_SUMMARY"


def append(document: Document) -> str:
    """Append claims.md of ``document``, without links into the report directory, which is not there, to the step's summary if
    there is one. Return '', or a line that says why it cannot be written."""
    path = os.environ.get(VARIABLE)
    if not path:
        return ""
    try:
        with open(path, "a", encoding="utf-8") as file:  # after what other commands of the step have written
            file.write(f"{markdown.render(document, linked=False)}\n")
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        return f"the summary could not be written to {VARIABLE} ({path}: {reason})"
    return ""
