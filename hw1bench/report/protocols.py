"""Quick protocols compared with full ones: in sentences for a verdict, in a table for the docs.

Everything here is about specifications: nothing imports torch.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hw1bench.specs.experiment import (
    Arm,
    CosineAnnealingLR,
    Data,
    Experiment,
    ExponentialLR,
    Function,
    Images,
    Network,
    Protocol,
    RateSchedule,
    StepLR,
)
from hw1bench.specs.images import PART_OF
from hw1bench.specs.ingredients import Model
from hw1bench.specs.notation import scaled
from hw1bench.support.checks import shown

_PAGE = """\
# Protocols

What each experiment trains in the full tier, as in its report, and (after the arrow) in the quick tier if that differs.
"widths" is the number by which the quick tier divides all channels and hidden widths of the report's nets (or it shows the
nets), "steps" the number of optimiser steps in one run, "looks" the numbers of seeds at which a verdict may be reached, and
"seconds" the time that a quick session took to train the experiment, all its looks together. `make protocols` writes this page
from the experiments and the last session's `benchmark.json`. A session that reused blocks did not measure their seconds, so
run `make claims ARGS=--fresh` first.

"""
_CONTENT = ("x", "y", "test", "fingerprint")
"""Fields that hold the content of data of one's own."""
_NOT_FORM = ("name", "stands_for", "first", "classes", "path", "samples", "targets", *_CONTENT)
"""Fields of data that do not say in which form a net gets them: they are told by its title, or are its content."""
_HEAD = ("experiment", "data", "arms", "widths", "epochs", "steps", "looks", "seconds")


def steps(arm: Arm) -> int:
    """Optimiser steps of one run of ``arm``."""
    return arm.steps


# In sentences.


def differences(experiment: Experiment) -> tuple[str, ...]:
    """Changes that the quick protocol makes to the full one, except looks, one text each: 'widths divided by 4'.

    Empty if it trains the same, and if there is no quick protocol. A change of some arms only names them.
    """
    full, quick = experiment.full, experiment.quick
    if quick is None:
        return ()
    reported = {arm.name: arm for arm in full.arms}
    pairs = [(reported[arm.name], arm) for arm in quick.arms if arm.name in reported]
    narrowing = full.widths_over / quick.widths_over
    return (
        *_by_arms(pairs, _data),
        *([f"widths divided by {quick.widths_over}"] if narrowing != 1 else []),
        *_arms(full, quick),
        *_sizes(full, quick),
        *_by_arms(pairs, lambda full, quick: _model(full, quick, narrowing)),
        *_by_arms(pairs, _budget),
        *_by_arms(pairs, _schedule),
        *_by_arms(pairs, _rest),
    )


def _sizes(full: Protocol, quick: Protocol) -> Iterable[str]:
    """How many parameters the nets have instead, if the numbers differ, and their order by parameters, if it changes."""
    reported = {arm.name: arm.model.parameters for arm in full.arms}
    pairs = [(reported[arm.name], arm.model.parameters, arm.name) for arm in quick.arms if arm.name in reported]
    if all(before == now for before, now, _ in pairs):
        return
    if len(pairs) > 1 and len({(before, now) for before, now, _ in pairs}) == 1:
        before, now, _ = pairs[0]
        yield f"{now:,} instead of {before:,} parameters"
        return
    if len(pairs) <= 3:
        yield "parameters: " + ", ".join(f"{name} {now:,} instead of {before:,}" for before, now, name in pairs)
        return
    (least, most), (fewest, largest) = ((min(p[i] for p in pairs), max(p[i] for p in pairs)) for i in (0, 1))
    yield f"{fewest:,} to {largest:,} parameters instead of {least:,} to {most:,}"
    order = [name for _, _, name in sorted(pairs, key=lambda pair: pair[1])]
    if order != [name for _, _, name in sorted(pairs)]:
        yield f"ordered by parameters, the nets are now {', '.join(order)}"


def _by_arms(pairs: Sequence[tuple[Arm, Arm]], aspect: Callable[[Arm, Arm], str]) -> Iterable[str]:
    """The texts of ``aspect`` for pairs of a full arm and a quick arm, once for all pairs with the same text."""
    said: dict[str, list[Arm]] = {}
    for full, quick in pairs:
        said.setdefault(aspect(full, quick), []).append(quick)
    for text, arms in said.items():
        if text:
            others = [quick for _, quick in pairs if quick not in arms]
            yield f"{_whose(arms, others)}: {text}" if others else text


def _whose(arms: Sequence[Arm], others: Sequence[Arm]) -> str:
    """The data sets of ``arms`` if these tell them from ``others``, otherwise their names."""
    theirs = dict.fromkeys(_title(arm.data) for arm in arms)
    if theirs.keys().isdisjoint(_title(arm.data) for arm in others):
        return " and ".join(theirs)
    return _names(arms)


def _names(arms: Iterable[Arm]) -> str:
    names = [arm.name for arm in arms]
    return ", ".join(f'"{name}"' for name in names) if any("," in name for name in names) else ", ".join(names)


def _title(data: Data) -> str:
    return data.name if isinstance(data, Function) else data.title


def _arms(full: Protocol, quick: Protocol) -> Iterable[str]:
    kept = [arm for arm in quick.arms if arm.name in {arm.name for arm in full.arms}]
    new = [arm for arm in quick.arms if arm not in kept]
    if len(kept) < len(full.arms):
        yield f"{len(kept)} of {len(full.arms)} arms" + (f": {_names(kept)}" if kept else "")
    if new:
        yield f"arms that the full tier does not have: {_names(new)}"


def _data(full: Arm, quick: Arm) -> str:
    a, b = full.data, quick.data
    if type(a) is not type(b):
        return f"{_title(b)} instead of {_title(a)}"
    parts: list[str] = []
    if _title(a) != _title(b):
        parts.append(_replacement(a, b))
    elif _content(a) != _content(b):
        parts.append(f"other content of {_title(b)}, {b.samples:,} samples instead of {a.samples:,}")
    parts += _fields(a, b, *(("name",) if isinstance(a, Function) else _NOT_FORM))
    return ", ".join(parts) or (f"other values of {_title(b)}" if a != b else "")


def _content(data: Data) -> list[Any]:
    """The content of tables and folders of one's own; '' for each field that the kind of data does not have."""
    return [] if isinstance(data, Function) else [getattr(data, name, "") for name in _CONTENT]


def _replacement(full: Data, quick: Data) -> str:
    """What the data ``quick`` are to the data ``full`` of another name: a stand-in, a part of them, or neither."""
    if isinstance(quick, Images) and quick.stands_for:
        return f"{_title(quick)} stand in for {quick.stands_for}"
    if isinstance(full, Images) and isinstance(quick, Images) and _is_part(full, quick):
        return f"only {_title(quick)}"
    return f"{_title(quick)} instead of {_title(full)}"


def _is_part(full: Images, quick: Images) -> bool:
    """Whether all images of ``quick`` are known to be images of ``full``."""
    if quick.name == full.name and quick.classes == full.classes:
        return quick.samples <= full.samples
    of_the_set = full.name in (quick.name, PART_OF.get(quick.name)) and full.first is None
    return of_the_set and (not full.classes or {*quick.classes} & {*full.classes} == {*quick.classes} != set())


def _model(full: Arm, quick: Arm, narrowing: float) -> str:
    expected = full.model
    if type(expected) is not type(quick.model):
        return f"net {quick.model.title} instead of {expected.title}"
    if isinstance(expected, Model) and narrowing != 1:
        expected = replace(expected, layout=scaled(expected.layout, narrowing))
    apart = ["parameters"] if isinstance(expected, Network) else []  # which are told for all nets together
    found = ", ".join(_fields(expected, quick.model, *apart))
    return found or (f"net {quick.model.title} made otherwise" if expected != quick.model else "")


def _budget(full: Arm, quick: Arm) -> str:
    before, now = steps(full), steps(quick)
    if (full.epochs, before) == (quick.epochs, now):
        return ""
    epochs = _of(quick.epochs, full.epochs, "epochs")
    # With one step per epoch, the steps say nothing more.
    return epochs if (before, now) == (full.epochs, quick.epochs) else f"{epochs}, {_of(now, before, 'steps')}"


def _of(now: int, before: int, what: str) -> str:
    if now == before:
        return f"{now:,} {what}"
    return f"{now:,} {'of' if now < before else 'instead of'} {before:,} {what}"


def _schedule(full: Arm, quick: Arm) -> str:
    if full.schedule == quick.schedule:
        return ""
    return f"learning rate {_falls(quick.schedule)} instead of {_falls(full.schedule)}"


def _falls(schedule: RateSchedule | None) -> str:
    match schedule:
        case None:
            return "constant"
        case StepLR(every=every, factor=factor):
            return f"times {factor:g} every {f'{every:,} epochs' if every > 1 else 'epoch'}"
        case ExponentialLR(factor=factor):
            return f"times {factor:g} every epoch"
        case CosineAnnealingLR(over=over, least=least):
            return f"along a cosine to {least:g} in {over:,} epochs"


def _rest(full: Arm, quick: Arm) -> str:
    return ", ".join(
        [
            *_fields(full.optimizer, quick.optimizer),
            *_fields(full, quick, "name", "data", "model", "optimizer", "epochs", "schedule", "evaluation"),
        ]
    )


def _fields(full: Any, quick: Any, *apart: str) -> list[str]:
    """'batch size 64 instead of 128' for each field that is shown and in which two specifications differ, except those in
    ``apart``."""
    found = []
    for name in (field.name for field in dataclasses.fields(full) if field.repr):
        before, now = getattr(full, name), getattr(quick, name)
        if name not in apart and before != now:
            found.append(f"{name.replace('_', ' ')} {_value(now)} instead of {_value(before)}")
    return found


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return shown(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


# In a table.


def table(experiments: Sequence[Experiment], seconds: Mapping[str, float]) -> str:
    """A Markdown table, one row per experiment; ``seconds`` maps an experiment's id to its training in the quick tier."""
    rows = [_row(experiment, seconds.get(experiment.id)) for experiment in experiments]
    lines = [_HEAD, ["---"] * len(_HEAD), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _row(experiment: Experiment, seconds: float | None) -> list[str]:
    full, quick = experiment.full, experiment.quick
    looks = [", ".join(map(str, protocol.looks)) if protocol else "none" for protocol in (full, quick)]
    cells = [
        experiment.id,
        _arrow(_sets(full), _sets(quick)),
        _arms_cell(full, quick),
        _widths(full, quick),
        _numbers(experiment, lambda arm: arm.epochs),
        _numbers(experiment, steps),
        _arrow(*looks),
        "-" if seconds is None or quick is None else f"{seconds:.1f}",  # a page keeps those of an earlier protocol
    ]
    return [cell.replace("|", "\\|") for cell in cells]


def _widths(full: Protocol, quick: Protocol | None) -> str:
    """The number that divides the widths, or the layouts if the quick tier has other nets."""
    if quick is None or quick.widths_over > 1:
        return str(quick.widths_over) if quick else "-"
    reported = {arm.name: arm.model.title for arm in full.arms}
    others = {
        (reported[arm.name], arm.model.title)
        for arm in quick.arms
        if reported.get(arm.name, arm.model.title) != arm.model.title
    }
    return "; ".join(f"{before} -> {now}" for before, now in sorted(others)) or "-"


def _arrow(full: str, quick: str) -> str:
    return full if full == quick else f"{full} -> {quick}"


def _sets(protocol: Protocol | None) -> str:
    return " and ".join(dict.fromkeys(_described(arm.data) for arm in protocol.arms)) if protocol else "none"


def _described(data: Data) -> str:
    if isinstance(data, Function):
        return f"{data.name}, {data.samples:,} points"
    return data.described + ", augmented" * data.augment + ", random labels" * data.random_labels


def _arms_cell(full: Protocol, quick: Protocol | None) -> str:
    if quick is None:
        return f"{len(full.arms)} -> none"
    if [arm.name for arm in full.arms] == [arm.name for arm in quick.arms]:
        return str(len(full.arms))
    return f"{len(full.arms)} -> {len(quick.arms)}: {_names(quick.arms)}"


def _numbers(experiment: Experiment, value: Callable[[Arm], int]) -> str:
    """A number of each arm, full -> quick: one for all, one per data set of the full protocol, or a range."""
    sets = {arm.name: _title(arm.data) for arm in experiment.full.arms}
    cells = {}
    for title in dict.fromkeys(sets.values()):
        full = [value(arm) for arm in experiment.full.arms if sets[arm.name] == title]
        quick = [value(arm) for arm in experiment.quick.arms if sets.get(arm.name) == title] if experiment.quick else []
        cells[title] = _arrow(_span(full), _span(quick))
    if len(set(cells.values())) == 1:
        return next(iter(cells.values()))
    return "; ".join(f"{title}: {cell}" for title, cell in cells.items())


def _span(values: Sequence[int]) -> str:
    if not values:
        return "none"
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


# The docs page.


def page(experiments: Sequence[Experiment], seconds: Mapping[str, float]) -> str:
    """The docs page with the table of ``experiments``."""
    return _PAGE + table(experiments, seconds)


def measured(text: str) -> dict[str, float]:
    """Experiment -> its seconds, as written on a page."""
    rows = [line.strip("| \n").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: float(row[-1]) for row in rows if row[-1].replace(".", "", 1).isdigit()}


def trained(benchmark: Mapping[str, Any]) -> dict[str, float]:
    """Experiment -> seconds of all its training in the quick tier, later looks included, from a session's benchmark.json."""
    found = {}
    for row in benchmark["benchmarks"]:
        extra = row["extra_info"]
        if "experiment" in extra and "[quick-" in row["name"]:
            found[extra["experiment"]] = row["stats"]["total"] + math.fsum(extra["later_looks_seconds"])
    return found
