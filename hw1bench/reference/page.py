"""The page of reference: every public name with its signature and its docstring, in groups, and the words that settings take.

A name finds its group by what it is, so that a new one finds it by itself; what fits no other group is among the claims.
"""

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import hw1bench
from hw1bench import Effect, effects
from hw1bench.effects import arguments, comparisons, effect, gradient, interpolation, orders, paths, ratios, thresholds
from hw1bench.records.runs import Record, Run
from hw1bench.reference import examples
from hw1bench.specs import notation
from hw1bench.specs.arm import Arm
from hw1bench.specs.functions import FUNCTIONS
from hw1bench.specs.images import TITLES, TRAINING_SAMPLES
from hw1bench.specs.kinds import KINDS
from hw1bench.specs.measurement import Measurement

_HEAD = """\
# Reference

Every public name. Names above the effects are imported from `hw1bench`, effects and what belongs to them from
`hw1bench.effects`. `make reference` writes this page from the code. [claims.md](claims.md) explains how they work together.

"""
_WIDTH = 100
_UNION = r"Union\[([^\]]*(?:\[[^\]]*\])?[^\]]*), NoneType\]"  # as Python writes an optional type with a Literal in it
_EXPERIMENTS = Path(__file__).with_name("experiments.py")
_CLAIMS, _ARMS, _DATA, _NETS, _OPTIMISERS = (
    "Claims and experiments",
    "Arms",
    "Data",
    "Nets",
    "Optimisers and schedules",
)
_MEASUREMENTS, _ELSEWHERE, _PACKS = "Measurements", "Values from elsewhere", "Packs"
_INTRODUCTIONS = {
    _CLAIMS: """\
A claim is a sentence, an experiment and an effect; an experiment has a protocol per tier; a protocol has arms. A file
`claims/test_<topic>.py` holds a list of claims, such as those [below](#experiments-of-the-examples), and a test:

```python
@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_depth(claim, court):
    court.judge(claim)
```

`pytest claims/ --collect-only -q` tells each mistake in one line, `python -m hw1bench plan` what would be trained and in what
time, `pytest claims/` judges the quick tier, and `pytest claims/ -m gpu` the full one.""",
    _ARMS: "An arm is one setting of an experiment: a complete training.",
    _DATA: "",
    _NETS: "",
    _OPTIMISERS: "An arm takes an `optimizer` and, if its learning rate changes, a `schedule`.",
    _MEASUREMENTS: """\
Taken of trained runs: `measures=[...]` of a protocol or of `both_tiers`. An effect reads `runs[arm].result(JacobianNorm)`, or of
arms that are measured together `runs[first].result(Interpolation, first, second)`. A measurement of your own is a class derived
from `Measurement` and a function below `@takes`, such as `WeightNorm` [below](#experiments-of-the-examples). The function gets
the measurement, pairs of a block and its record, one for each arm that is measured together, their data set, the device, and a
function to tell of progress; it returns the arrays that the measurement names, with the eight runs of a block as first axis.""",
    _ELSEWHERE: "Numbers of training that is not done here: one per seed.",
    _PACKS: "What a folder of claims says of its reports, topics and questions.",
}
_EFFECT_MODULES: dict[str, ModuleType] = {
    "Comparisons": comparisons,
    "Orders": orders,
    "Thresholds and tolerances": thresholds,
    "The gradient's norm": gradient,
    "Between two nets": interpolation,
    "Paths of weights": paths,
    "Ratios of eigenvalues": ratios,
    "Of other effects": effect,
}


def render() -> str:
    """The page as Markdown."""
    groups = _groups()
    parts = [_HEAD + _index(groups)]
    for title, names in groups.items():
        parts.append("\n\n".join([f"## {title}", *filter(None, [_INTRODUCTIONS[title]]), *_words(title)]))
        parts += [_entry(name, getattr(hw1bench, name)) for name in names]
    parts += [_runs(), _of_effects()]
    return "\n\n".join(parts) + "\n"


def _groups() -> dict[str, list[str]]:
    """The names of ``hw1bench`` by group."""
    fields = get_type_hints(Arm)
    found: dict[str, list[str]] = {title: [] for title in _INTRODUCTIONS}
    of_arms = {
        kind.__name__: title
        for field, title in (("data", _DATA), ("model", _NETS), ("optimizer", _OPTIMISERS), ("schedule", _OPTIMISERS))
        for kind in (get_args(fields[field]) or (fields[field],))
    }
    for name in hw1bench.__all__:
        value = getattr(hw1bench, name)
        module = value.__module__.rpartition(".")[2]
        if name in of_arms:
            title = of_arms[name]
        elif name in ("Arm", "Evaluation"):
            title = _ARMS
        elif module in ("measurement", "instruments") or (isinstance(value, type) and issubclass(value, Measurement)):
            title = _MEASUREMENTS
        elif module in ("values", "verdict"):
            title = _ELSEWHERE
        elif module in ("pack", "questions", "report"):
            title = _PACKS
        else:
            title = _CLAIMS
        found[title].append(name)
    return found


def _index(groups: dict[str, list[str]]) -> str:
    rows = [f"- [{title}](#{_anchor(title)}): {_linked(names)}" for title, names in groups.items()]
    rows.append("- [Runs](#runs): what an effect of your own reads")
    rows.append("- [Effects](#effects): [experiments of the examples](#experiments-of-the-examples)")
    rows += [f"  - [{title}](#{_anchor(title)}): {_linked(names)}" for title, names in _constructors().items()]
    rows.append(f"  - [What effects are made of](#what-effects-are-made-of): {_linked(_others())}")
    return "\n".join(rows)


def _linked(names: Sequence[str]) -> str:
    return ", ".join(f"[{name}](#{_anchor(name)})" for name in names)


def _anchor(title: str) -> str:
    return f"constant-{title}" if title.isupper() else title.lower().replace(" ", "-").replace("'", "")


def _constructors() -> dict[str, list[str]]:
    """The constructors of effects by group."""
    every = {name: getattr(effects, name) for name in effects.__all__}
    made = {name: one for name, one in every.items() if inspect.isfunction(one) and _makes(one) is Effect}
    return {
        title: [name for name, one in made.items() if one.__module__ == module.__name__]
        for title, module in _EFFECT_MODULES.items()
    }


def _makes(constructor: Any) -> Any:
    return inspect.signature(constructor).return_annotation


def _others() -> list[str]:
    """The names of ``hw1bench.effects`` that are no constructors and not explained above."""
    made = {name for names in _constructors().values() for name in names}
    return [name for name in effects.__all__ if name not in made and name not in hw1bench.__all__]


def _of_effects() -> str:
    parts = [
        "## Effects",
        f"The claim holds in a seed if the number of its effect is above 0. Histories are {_told(arguments.HISTORIES)}; what "
        f"sweeps take besides is {_told(('jacobian', 'reported', 'loss_gap'))}; `over=` takes {_told(arguments.SETTINGS)} of "
        "the arms. Shares are from 0 to 1.",
        "### Experiments of the examples",
        "Each example below is an effect on one of these experiments.",
        f"```python\n{_EXPERIMENTS.read_text(encoding='utf-8').rstrip()}\n```",
    ]
    shown = {_called(text): text for text in examples.EFFECTS}
    for title, names in _constructors().items():
        parts.append(f"### {title}")
        for name in names:
            one = getattr(effects, name)
            text = " ".join(_markdown(inspect.getdoc(one) or "").split())
            parts.append(f'<a id="{name}"></a>**`{name}{_signature(one)}`** {text}\n\n    {shown[name]}')
    parts.append("### What effects are made of")
    parts += [_entry(name, getattr(effects, name)) for name in _others()]
    return "\n\n".join(parts)


def _told(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _called(example: str) -> str:
    """The name that ``example`` calls."""
    return example.partition("(")[0]


def _runs() -> str:
    """What an effect of one's own reads, and the arrays that training records."""
    doc = inspect.getdoc(Record) or ""
    arrays = textwrap.dedent(doc[doc.index("arrays   ") : doc.index("seconds ")])
    return "\n\n".join(
        [
            "## Runs",
            "An effect gets the runs of one seed by arm; `runs[name]` is a run, with `.arm`, `.seed`, `.arrays`, `.facts` and:",
            _members(Run),
            "Axis `runs` is missing in the arrays of a run, which is one row of a record:",
            _markdown(arrays),
        ]
    )


def _members(kind: type[Any]) -> str:
    """The methods and properties of a class, one a line."""
    fields = {field.name for field in dataclasses.fields(kind)}
    return "\n".join(
        f"- `{name}{_signature(member) if callable(member) else ''}`: {_first(member)}"
        for name, member in vars(kind).items()
        if not name.startswith("_") and name not in fields and inspect.getdoc(getattr(member, "func", member))
        if callable(member) or isinstance(member, property | cached_property)
    )


def _first(member: Any) -> str:
    """The first sentence of a docstring."""
    text = " ".join((inspect.getdoc(getattr(member, "func", member)) or "").split())
    return _code(re.split(r"(?<=[.:]) (?=[A-Z])", text)[0])


def _words(title: str) -> Iterator[str]:
    """The words that settings of the group ``title`` take, as tables."""
    if title == _DATA:
        rows = [f"| `{name}` | {TITLES[name]} | {count:,} |" for name, count in TRAINING_SAMPLES.items()]
        yield "\n".join(["| set of `Images` | title | training samples |", "|---|---|---:|", *rows])
        yield f"Functions of `Function`: {_told(tuple(FUNCTIONS))}."
    if title == _NETS:
        doc = inspect.getdoc(notation) or ""
        yield "The words of a layout, from the input to the output:"
        yield (
            "```\n"
            + textwrap.dedent(doc[doc.index("    784") : doc.index("The activation follows")]).rstrip()
            + "\n```"
        )
        yield " ".join(doc[doc.index("The activation follows") :].split())
    if title == _CLAIMS:
        rows = [
            f"| `{name}` | {_told(kind.arrays)} | {f'`{kind.measurement.__name__}`' if kind.measurement else ''} |"
            for name, kind in KINDS.items()
        ]
        yield "\n".join(["| kind of `Figure` | drawn from | measurement |", "|---|---|---|", *rows])


def _entry(name: str, value: Any) -> str:
    """One name with signature, docstring and example."""
    constant = f'<a id="{_anchor(name)}"></a>'  # an effect may have the same name in small letters
    parts = [f"{constant}`{name}` = `{_short(repr(value))}`" if name.isupper() else f"### {name}"]
    if callable(value):
        parts.append(f"```python\n{_wrapped(name, value)}\n```")
        parts.append(_markdown(inspect.getdoc(value) or "", _unset(value)))
        made = {
            attribute: member
            for attribute, member in vars(value).items()
            if isinstance(member, classmethod) and not attribute.startswith("_")
        }
        parts += [f"A class of your own gives:\n\n{_members(value)}"] if value is Measurement else []
        parts += [
            f"**`{name}.{attribute}{_signature(getattr(value, attribute))}`** {_markdown(inspect.getdoc(one) or '')}"
            for attribute, one in made.items()
        ]
    elif not name.isupper():
        parts.append(f"`{_short(repr(value))}`")
    parts += [f"    {text}" for text in examples.OTHERS if _called(text) == name]
    return "\n\n".join(filter(None, parts))


def _signature(value: Any) -> str:
    """The names and defaults of the parameters."""
    signature = inspect.signature(value)
    plain = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    text = str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))
    return text.replace("slice(None, None, None)", "slice(None)")


def _wrapped(name: str, value: Any) -> str:
    """The call with types, on a line per parameter if one line is too long."""
    signature = inspect.signature(value)
    line = f"{name}{_short(str(signature.replace(return_annotation=inspect.Signature.empty)))}"
    if len(line) <= _WIDTH:
        return line
    shown: list[str] = []
    kind = None
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and kind is not parameter.KEYWORD_ONLY:
            shown.append("*")
        kind = parameter.kind
        shown.append(_short(str(parameter)))
    return "\n".join([f"{name}(", *(f"    {one}," for one in shown), ")"])


def _short(text: str) -> str:
    """A signature without the modules of its types, and without functions that no reader could write."""
    text = re.sub(r"<class '(\w+)'>", r"\1", text)
    text = re.sub(_UNION, lambda found: f"{found[1].replace(', ', ' | ')} | None", text)
    text = re.sub(r"<factory>|<function [^>]*>", "...", text)
    text = re.sub(r"\b(?:[A-Za-z_]\w*\.)+([A-Za-z_]\w*)", r"\1", text)
    return re.sub(r"Literal\[([^\]]*)\]", lambda found: found[1].replace("', '", "' | '"), text)


def _unset(value: Any) -> set[str]:
    """The fields that nobody sets."""
    return (
        {field.name for field in dataclasses.fields(value) if not field.init}
        if dataclasses.is_dataclass(value)
        else set()
    )


def _markdown(doc: str, without: Collection[str] = ()) -> str:
    """A docstring as Markdown: code, and lists of names, none of them in ``without``, with their meaning beside them."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", doc.strip()):
        rows: list[str] = []
        for line in paragraph.splitlines():
            named = re.match(r"(\S(?:.{0,60}?\S)?) {2,}(\S.*)", line)
            if named:
                rows.append(f"- `{named[1].replace('``', '')}`: {named[2]}")
            elif rows and rows[-1].startswith("- "):
                rows[-1] += f" {line.strip()}"
            else:
                rows.append(line.strip())
        parts.append("\n".join(row for row in rows if not row.startswith(tuple(f"- `{name}`" for name in without))))
    return _code("\n\n".join(parts))


def _code(text: str) -> str:
    """Text of a docstring with its code as Markdown has it, and no links, of which docstrings have none."""
    return text.replace("``", "`").replace("](", "]\\(")
