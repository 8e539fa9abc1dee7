"""Names of files made harmless to show: a name may hold the end of a line, or what acts on a terminal."""

from dataclasses import dataclass

from hw1bench.support.progress import Progress


def shown(text: object) -> str:
    """The text in one line, with what no terminal can show as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


@dataclass(frozen=True)
class Shown:
    """A progress that is told no more than can be shown."""

    told: Progress

    def start(self, label: str, steps: int) -> None:
        self.told.start(shown(label), steps)

    def advance(self, steps: int) -> None:
        self.told.advance(steps)

    def finish(self) -> None:
        self.told.finish()

    def notice(self, text: str) -> None:
        self.told.notice(shown(text))
