"""Texts made safe to print: a file's name may contain line ends or control sequences of terminals."""

from dataclasses import dataclass

from hw1bench.support.progress import Progress


def printable(text: object) -> str:
    """Return the text in one line, with unprintable characters as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


@dataclass(frozen=True)
class PrintableProgress:
    """Progress that passes printable texts on to another."""

    inner: Progress

    def start(self, label: str, steps: int) -> None:
        self.inner.start(printable(label), steps)

    def advance(self, steps: int, label: str = "") -> None:
        self.inner.advance(steps, printable(label))

    def finish(self) -> None:
        self.inner.finish()

    def notice(self, text: str) -> None:
        self.inner.notice(printable(text))
