"""Findings: pages that say in prose what the record shows, each number of which is looked up in the record.

A page is Markdown. Each section, under a heading of level 2, is about one question, and names the claims that it rests on by
links: ``[13 of 16 seeds](record.md#claim-id)``. The numbers in a link's text must be numbers of the full tier's
ruling on that claim, or of the claim itself; no number stands anywhere else.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hw1bench.court.docket import Book, Case
from hw1bench.court.rulings import Ruling
from hw1bench.court.values import Values
from hw1bench.court.vocabulary import RULED
from hw1bench.effects import Effect

if TYPE_CHECKING:
    from markdown_it.token import Token

PAGE = "record.md#"
"""What the target of a link to a claim or a topic begins with."""

_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?![\w])|(?<![\w.])\d+(?:\.\d+)?e-?\d+")
_ANY_DIGIT = re.compile(r"\d")
_SHARE = re.compile(r"(fails in )?(?:(\d+|none|all) of (?:the )?(\d+)|all (\d+))")
_MEASURED = re.compile(r"a factor of ([\d.,]+)|([\d.,]+) (points|%)")
_ENDS = re.compile(r"^([\d.e-]+) - |- ([\d.e-]+)$")
"""The threshold in the formula of an effect, "0.15 - train accuracy" or "train accuracy - 0.99"."""
_VERDICT = re.compile(r"\b(supported|refuted|inconclusive|no evidence)\b")
_NAMES = ("CIFAR-10",)
"""Names with a digit that are no numbers."""


@dataclass(frozen=True)
class Section:
    """A section of a page under ``title``: its ``links``, pairs of the text and the target, and the ``plain`` text outside links,
    code in it marked off; ``images`` are the targets of its images."""

    title: str
    links: list[tuple[str, str]] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)

    @property
    def claims(self) -> list[str]:
        """The ids that the section links to, of claims and topics, each once and in their order."""
        return list(dict.fromkeys(target.removeprefix(PAGE) for _, target in self.links if target.startswith(PAGE)))


def sections(page: str) -> list[Section]:
    """The sections of a page; text before the first heading of level 2 is a section with the title ''.

    Raises ValueError without the package markdown-it-py.
    """
    try:
        from markdown_it import MarkdownIt
    except ModuleNotFoundError as error:
        package = "markdown-it-py"
        raise ValueError(
            f"a page of findings is read by the package {package}, which is not installed: pip install {package}"
        ) from error
    found = [Section("")]
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    for place, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            found.append(Section(tokens[place + 1].content))
        for child in _within(token):
            match child.type:
                case "text":
                    found[-1].plain.append(child.content)
                case "code_inline":
                    found[-1].code.append(child.content)
                case "image":
                    found[-1].images.append(str(child.attrs["src"]))
                case "link":
                    found[-1].links.append((child.content, str(child.attrs["href"])))
        if token.type in ("fence", "code_block"):
            found[-1].code.append(token.content)
    return found


def _within(token: "Token") -> Iterator["Token"]:
    """The parts of a block of text; a link is one part, whose content is all of its text."""
    link: Token | None = None
    for child in token.children or ():
        if child.type == "link_open":
            link = type(child)("link", "a", 0, attrs=child.attrs)
        elif child.type == "link_close" and link is not None:
            yield link
            link = None
        elif link is not None:
            link.content += " " if child.type in ("softbreak", "hardbreak") else child.content
        else:
            yield child


def faults(page: str, cases: Sequence[Case], book: Book) -> list[str]:
    """What in ``page`` the record does not bear out, one line each: a number or a word that is no number or verdict of the claim
    that it links to, a claim that does not exist or has no ruling, a number outside a link."""
    by_id = {case.claim.id: case for case in cases}
    topics: dict[str, list[Case]] = {}
    for case in cases:
        topics.setdefault(case.topic, []).append(case)
    found = []
    for section in sections(page):
        where = f"section {section.title!r}" if section.title else "the introduction"
        for text, target in section.links:
            if not target.startswith(PAGE):
                if _ANY_DIGIT.search(_unnamed(text)):
                    found.append(f"{where}: {text!r} has a number, and links to no claim: link it to {PAGE}CLAIM")
                continue
            name = target.removeprefix(PAGE)
            if name in by_id:
                found += [f"{where}: {fault}" for fault in _claim_faults(text, by_id[name], book)]
            elif name in topics:
                found += [f"{where}: {fault}" for fault in _topic_faults(text, name, topics[name], book)]
            else:
                found.append(f"{where}: there is no claim or topic {name!r}: link to one of the claims or topics")
        arms = _names(by_id[name] for name in section.claims if name in by_id)
        found += [
            f"{where}: {text.strip()!r} has a number outside a link: link it to the claim whose number it is"
            for text in section.plain
            if _ANY_DIGIT.search(_unnamed(text))
        ]
        found += [
            f"{where}: `{code}` has a number, and no claim of the section names it: link to the claim"
            for code in section.code
            if _ANY_DIGIT.search(code) and code not in arms
        ]
    return found


def figures(page: str, cases: Sequence[Case], book: Book) -> dict[str, list[tuple[Case, Ruling]]]:
    """The figures of ``page``, by the targets of its images: the rulings on the claims that the image's section links to."""
    by_id = {case.claim.id: case for case in cases}
    found: dict[str, list[tuple[Case, Ruling]]] = {}
    for section in sections(page):
        named = [by_id[name] for name in section.claims if name in by_id]
        rulings = [(case, ruling) for case in named if (ruling := case.ruled(book, "full")) is not None]
        found |= dict.fromkeys(section.images, sorted(rulings, key=lambda pair: pair[0].claim.report))
    return found


def _unnamed(text: str) -> str:
    for name in _NAMES:
        text = text.replace(name, "")
    return text


def _names(cases: Iterable[Case]) -> set[str]:
    """The arms of the experiments of ``cases``, and the layouts of their nets."""
    experiments = [case.claim.experiment for case in cases if case.claim.experiment is not None]
    return {name for one in experiments for arm in one.full.arms for name in (arm.name, arm.model.title)}


def _claim_faults(text: str, case: Case, book: Book) -> list[str]:
    ruling = case.ruled(book, "full")
    if ruling is None:
        return [f"{text!r}: claim {case.claim.id} has no ruling: put it on record, or leave it out"]
    said = _unnamed(text)
    found = []
    for word in _VERDICT.findall(said):
        if word != ruling.verdict:
            found.append(f"{text!r}: the ruling on {case.claim.id} is {ruling.verdict!r}")
    for match in _SHARE.finditer(said):
        if not _is_share(match, ruling):
            found.append(f"{text!r}: {case.claim.id} holds in {ruling.holds} of {ruling.seeds} seeds")
    said = _SHARE.sub("", said)
    for match in _MEASURED.finditer(said):
        factor, number, unit = match.groups()
        if unit == "%" and "threshold" in said:
            known = [100 * stated for stated in _stated_numbers(case)]
        else:
            known = [*_measured(case, ruling, unit or "factor")]
        if not any(rounded_to(factor or number, value) for value in known):
            measured = ", ".join(f"{value:.4g}" for value in known) or "there is none"
            found.append(f"{text!r}: {match.group()} is not what was found of {case.claim.id}: {measured}")
    known = [*_ruled_numbers(ruling), *_stated_numbers(case)]
    for number in _NUMBER.findall(_MEASURED.sub("", said)):
        if not any(rounded_to(number, value) for value in known):
            found.append(f"{text!r}: {number} is no number of the ruling on {case.claim.id} or of the claim")
    return found


def _topic_faults(text: str, topic: str, cases: Sequence[Case], book: Book) -> list[str]:
    """Counts of a topic's claims: "3 of 15 are refuted", of the claims that have a ruling."""
    words = Counter(ruling.verdict for case in cases if (ruling := case.ruled(book, "full")) is not None)
    known = {*words.values(), words.total(), len(cases), 0}
    wanted = _VERDICT.findall(text)
    numbers = [int(number.replace(",", "")) for number in _NUMBER.findall(_unnamed(text)) if number.isdigit()]
    if len(wanted) == 1 and numbers and numbers[0] != words[wanted[0]]:
        return [f"{text!r}: {words[wanted[0]]} claims of topic {topic} are {wanted[0]}"]
    odd = [number for number in numbers if number not in known]
    counted = ", ".join(f"{words[word]} {word}" for word in RULED)
    return [f"{text!r}: of {words.total()} claims of topic {topic} that have a ruling, {counted}"] if odd else []


def _is_share(match: re.Match[str], ruling: Ruling) -> bool:
    """Whether "13 of 16", "none of 8" or "all 8" are the seeds in which the claim holds; with "fails in" the others."""
    fails, holds, seeds, every = match.groups()
    if ruling.holds is None or ruling.seeds is None:
        return False
    wanted = ruling.seeds - ruling.holds if fails else ruling.holds
    of = int(seeds or every)
    count = of if every or holds == "all" else 0 if holds == "none" else int(holds)
    return (count, of) == (wanted, ruling.seeds)


def _measured(case: Case, ruling: Ruling, unit: str) -> Iterator[float]:
    """What the median effect is as a "factor", in "points" or in "%"; nothing if its unit is another."""
    effect, median = case.claim.effect, ruling.median
    if not isinstance(effect, Effect) or not isinstance(median, int | float):
        return
    if unit == "factor" and effect.unit == "log ratio":
        yield math.exp(abs(median))
    if unit == "points" and effect.unit == "share":
        yield 100 * abs(median)
    if unit == "%" and effect.unit == "ratio":
        yield 100 * abs(median)
    if unit == "%" and effect.unit == "share":
        for first, last in _ENDS.findall(effect.name):
            yield 100 * (float(first) - median if first else median + float(last))


def _ruled_numbers(ruling: Ruling) -> Iterator[float]:
    """The numbers of ``ruling``: seeds, and the median effect and its interval."""
    yield from (float(count) for count in (ruling.holds, ruling.seeds) if count is not None)
    for value in (ruling.median, *(ruling.interval or ())):
        if isinstance(value, int | float):
            yield abs(value)


def _stated_numbers(case: Case) -> Iterator[float]:
    """The numbers of the claim, of its effect and of its arms."""
    claim = case.claim
    for text in (claim.says, claim.where):
        yield from _numbers(text)
    if isinstance(claim.effect, Effect | Values):
        yield from _numbers(claim.effect.name)
    if claim.experiment is not None:
        for arm in claim.experiment.full.arms:
            yield from map(float, (arm.epochs, arm.model.parameters, arm.data.samples, arm.optimizer.lr))
            if arm.batch_size is not None:
                yield float(arm.batch_size)


def _numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in _NUMBER.findall(text)]


def rounded_to(number: str, value: float) -> bool:
    """Whether ``number``, as written, is ``value`` rounded to as many digits as it has."""
    digits, _, exponent = number.replace(",", "").partition("e")
    decimals = len(digits.partition(".")[2]) - int(exponent or 0)
    return math.isfinite(value) and abs(float(number.replace(",", "")) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-9)
