"""Tables of text in CSV files."""

import csv
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from hw1bench.support.checks import shown
from hw1bench.support.files import open_regular


@dataclass(frozen=True)
class CsvFile:
    """The lines of a CSV file: the names of its columns, and the cells of each line with where it stands, for messages."""

    path: Path
    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def read(cls, path: str | Path, example: str) -> "CsvFile":
        """Read the file at ``path``, in UTF-8; its first line has the names. ``example`` is a name for the way out.

        Raises ValueError, in one line that names the file and the line, for a file that cannot be read or is no such table.
        """
        path = Path(path)
        try:
            # Spreadsheets begin a file with a mark of its encoding.
            with TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                columns = tuple(name.strip() for name in next(reader, []))
                lines = tuple((f"{path}, line {reader.line_num}", tuple(cells)) for cells in reader if cells)
        except OSError as error:
            way = f"give its path, such as Path(__file__).with_name({example!r})"
            raise ValueError(f"{path.absolute()} cannot be read ({error.strerror}): {way}") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} is not a CSV file in UTF-8 ({error}): save it as one") from None
        for where, cells in lines:
            if len(cells) != len(columns):
                raise ValueError(
                    f"{where} has {len(cells)} cells, and the first line {len(columns)}: give one per column"
                )
        return cls(path, columns, lines)

    def place(self, column: str) -> int:
        """The place of the only column of that name. Raises ValueError if there is none, or more."""
        if self.columns.count(column) != 1:
            there = ", ".join(map(shown, self.columns)) or "none"
            raise ValueError(f"{self.path} needs one column {column!r}, and its first line has {there}: rename one")
        return self.columns.index(column)
