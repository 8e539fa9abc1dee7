"""A claims.json document that the tests of the report share: every word of verdicts and pilots, every remark, two figures."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hw1bench.court.verdict import decide
from hw1bench.court.vocabulary import PILOT_OF, agreement

DIGITS = {"name": "digits, 28x28", "fingerprint": "0f" * 16, "stand_in": True, "canonical": True}
COPY = {"name": "MNIST, 28x28", "fingerprint": "f0" * 16, "stand_in": False, "canonical": False}
STARTED = "2026-01-31T12:00:00+00:00"
REPORTS = [
    {"id": "A", "title": "ReLU", "source": "a course", "url": ""},
    {"id": "B", "title": "Leaky ReLU", "source": "", "url": ""},
    {"id": "C", "title": "", "source": "a group", "url": ""},
]
TOPICS = [
    {"id": "counts", "title": "Parameter counts"},
    {"id": "fit", "title": "Fitting functions"},
    {"id": "task", "title": "Real tasks"},
    {"id": "random", "title": "Random labels"},
]
HELD = [0.2, 0.31, 0.5, 0.8, 0.88, 1.1, 1.9, 2.5]
CALIBRATION = {"kind": "task, highest", "agree": 3, "of": 5}
VARIANTS = [{"name": "batches of 16", "verdict": "refuted"}, {"name": "Keras's weights", "verdict": "supported"}]
ENVIRONMENT = {"torch": "2.13.0", "device": "cpu", "isa": "avx2", "threads": 2, "kernels": True, "compiled": True}
TIED = "No evidence: its effect is a tie in every seed."
TRIVIAL = "the loss that the optimiser minimises would have to stand still"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><rect width="60" height="40"/></svg>'


def claim(name: str = "A-fit-sinc-shallow-first", **changed: Any) -> dict[str, Any]:
    """A claim supported in 8 of 8 seeds; ``changed`` replaces what a test is about."""
    return {
        "id": name,
        "report": name[0],
        "topic": name.split("-")[1].replace("count", "counts"),
        "where": "1-1-1, figures 2, 3",
        "says": "The third net gets there before the 7-layer net.",
        "tier": "quick",
        "fidelity": "as reported",
        "judged": STARTED,
        "verdict": "supported",
        "how": None,
        "ruling": None,
        "record": None,
        "agreement": None,
        "calibration": None,
        "outcome": "passed",
        "remark": "",
        **evidence(HELD),
        "chance": None,
        "close": False,
        "readings": [],
        "fragile": [],
        "trivial": "",
        "diverged": 0,
        "dataset": None,
        "assumptions": ["full batch", "300 points"],
        "changes": [],
        "origin": "report",
        "experiment": "7c1f2a9be04d",
        "effect_digest": "e5d0",
        "environment": ENVIRONMENT,
        "seconds": 12.3,
        "reused": False,
        "figure": "figures/A-fit-sinc-loss.svg",
        "note": "",
        **changed,
    }


def evidence(values: list[float], looks: tuple[int, ...] = (8, 16), unit: str = "ln ratio") -> dict[str, Any]:
    """What the rule says of the effects ``values``: verdict, share, effect and all that goes with them."""
    found = decide(values, looks, [-value for value in values])
    assert found.values is not None
    assert found.share is not None
    assert found.interval is not None
    return {
        "verdict": found.word,
        "how": found.how,
        "holds": found.holds,
        "seeds": found.seeds,
        "looks": list(looks),
        "level": found.level,
        "share": list(found.share),
        "effect": {
            "name": "log epochs(7) - log epochs(1)",
            "unit": unit,
            "median": finite(found.median),
            "interval": [finite(end) for end in found.interval],
            "values": [finite(value) for value in found.values],
            "not_finite": not_finite(found.median, found.interval, found.values),
        },
    }


def exact(name: str = "A-count-path", **changed: Any) -> dict[str, Any]:
    """A count claim: exact, and so without seeds, effect, experiment and figure."""
    return claim(
        name,
        **{
            "where": "1-1 to 1-3",
            "says": "784-500-50-10 has 418,060 parameters.",
            "note": "392,500 + 25,050 + 510 = 418,060, as stated",
            "assumptions": [],
            **dict.fromkeys(("holds", "seeds", "looks", "level", "share", "effect", "diverged")),
            **dict.fromkeys(("experiment", "environment", "figure")),
            "seconds": 0.0,
            **changed,
        },
    )


def unjudged(name: str, verdict: str, **changed: Any) -> dict[str, Any]:
    """A claim from seeds that reached no verdict: 'error' or 'not run'."""
    without = ("holds", "seeds", "looks", "level", "share", "effect", "diverged", "environment", "figure")
    nothing = dict.fromkeys(without)
    return claim(name, **{"verdict": verdict, **nothing, "seconds": 0.0, **changed})


def document(*claims: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A document of ``claims``, or of those of ``everything``, which show what a report can hold."""
    return {
        "schema": 3,
        "tier": "quick",
        "started": STARTED,
        "seconds": 135.4,
        "seed_offset": 0,
        "environment": {
            "python": "3.11.2",
            "torch": "2.13.0",
            "device": "cpu",
            "isa": "avx2",
            "threads": 2,
            "commit": None,
            "hw1bench": "0.1.0",
        },
        "reports": REPORTS,
        "topics": TOPICS,
        "claims": list(claims) or everything(),
        "figures": [
            figure("A", "3", "Loss against epoch, sinc", "figures/A-fit-sinc-loss.svg"),
            figure("A", "4", "The sawtooth", "figures/A-fit-sawtooth-function.svg"),
        ],
        **changed,
    }


def everything() -> list[dict[str, Any]]:
    """Fifteen claims: each word of verdicts and pilots, and each remark that a claim can carry."""
    mixed = [0.3, -0.2, 0.1, -0.4, 0.6, -0.1, 0.2, -0.3, 0.5, -0.6, 0.4, -0.5, 0.7, -0.7, 0.8, -0.9]
    return [
        exact(),
        exact("A-count-flatness", verdict="refuted", outcome="xfailed", ruling="refuted", note="203,530, not 7,960"),
        claim(record=on_record("inconclusive", 16), **readings("within 0.2", {"0.1": "supported", "0.4": "refuted"})),
        claim("A-fit-sinc-7-by-8000", **evidence([-1.0] * 8), outcome="failed", reused=True, variants=VARIANTS),
        claim("D-fit-deeper-better-sinc", **evidence(mixed), ruling="supported", outcome="skipped", figure=None),
        claim("D-fit-deeper-better-sigmoid", **evidence([2.0] * 7 + [float("nan")] + [1.0] * 8), origin="ours"),
        pilot(
            "E-task-deep-lower", note="budget 1/10", diverged=2, record=on_record("supported"), calibration=CALIBRATION
        ),
        pilot(
            "E-task-shallow-99",
            [-0.5] * 8,
            ruling="not seen",
            outcome="xfailed",
            record=on_record("supported"),
            **readings("by 0.02", {"0.01": "not seen", "0.04": "seen"}),
        ),
        pilot(
            "D-task-order",
            mixed,
            record=on_record("refuted", how="reversed", holds=0),
            outcome="skipped",
            chance=1 / 120,
        ),
        pilot(
            "B-task-order",
            verdict="no evidence",
            note="No evidence: net 3 did not learn. Near chance.",
            outcome="skipped",
        ),
        unjudged(
            "B-task-accuracy", "not run", outcome="skipped", fidelity="reduced", note="full tier only: 0.99 is foreign"
        ),
        claim("C-random-learns", **evidence([0.0] * 8), note=TIED, outcome="skipped", experiment="e2", figure=None),
        claim(
            "C-random-falls", **{**evidence([1.0] * 13 + [-1.0] * 3), "close": True}, trivial=TRIVIAL, experiment="e2"
        ),
        unjudged("B-fit-sinc-order", "not run", outcome="skipped", note="no kernels", assumptions=[]),
        unjudged("C-random-no-generalise", "error", outcome="failed", note="RuntimeError: shape", ruling="supported"),
    ]


def pilot(name: str = "E-task-deep-lower", values: Sequence[float] = HELD, **changed: Any) -> dict[str, Any]:
    """A pilot on digits from the effects ``values``, seen in 8 of 8 seeds; it agrees with the record if both decide."""
    found = evidence(list(values))
    found |= {"verdict": PILOT_OF[found["verdict"]], "how": None}
    shown = claim(
        name, **{**found, "fidelity": "reduced", "dataset": DIGITS, "experiment": "e1", "figure": None, **changed}
    )
    record = shown["record"]
    return {**shown, "agreement": agreement(shown["verdict"], record["verdict"]) if record else None}


def on_record(verdict: str, seeds: int = 8, holds: int = 8, how: str | None = None) -> dict[str, Any]:
    """The full tier's ruling on record for a claim."""
    return {
        "verdict": verdict,
        "how": how,
        "holds": holds,
        "seeds": seeds,
        "median": 0.42,
        "interval": [0.2, "+infinity"],
        "date": "2026-11-20",
        "device": "cpu",
    }


def readings(number: str, words: dict[str, str]) -> dict[str, Any]:
    """The ``words`` under other values of ``number``, one of which is another word than that of the claim."""
    found = [{"number": number, "reading": value, "verdict": word} for value, word in words.items()]
    return {"readings": found, "fragile": [number]}


def figure(report: str, number: str, title: str, path: str, note: str = "") -> dict[str, Any]:
    return {"report": report, "number": number, "title": title, "path": path, "note": note, "runs": 8}


def across(note: str = "A: passes 15 %.\nB: never.") -> dict[str, Any]:
    """A figure that contrasts reports, with a note of two sentences."""
    path = "figures/across-random-memorising.svg"
    return figure("A, B, E", "-", "Accuracy against steps", path, note=note)


def put_figures(report_dir: Path, found: dict[str, Any]) -> None:
    """Write a small SVG for each figure of the document ``found``, each of its own content."""
    for shown in found["figures"]:
        path = report_dir / shown["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SVG.replace("<rect", f"<desc>{shown['path']}</desc><rect"))


def not_finite(median: float, interval: tuple[float, float], values: Sequence[float]) -> dict[str, str]:
    """The places of an effect that are not finite, with their kinds."""
    places = {
        "median": median,
        "low": interval[0],
        "high": interval[1],
        **{str(index): value for index, value in enumerate(values)},
    }
    kinds = {math.inf: "+infinity", -math.inf: "-infinity"}
    return {place: kinds.get(value, "undefined") for place, value in places.items() if not math.isfinite(value)}


def finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def asking(found: dict[str, Any]) -> dict[str, Any]:
    """``found`` with a question on its first two claims."""
    first, second = (claim["id"] for claim in found["claims"][:2])
    found["claims"][0]["question"] = "depth"
    found["questions"] = [
        {
            "id": "depth",
            "text": "Is deeper faster?",
            "positions": [
                {"report": "A", "says": "yes", "claim": first},
                {"report": "B", "says": "no", "claim": "not here"},
            ],
            "answer": f"In [13 of 16]({first}) or [all](gone).",
            "rests_on": [{"claim": first, "ruling": "supported 13/16"}, {"claim": "gone", "ruling": "refuted 0/8"}],
            "contrasts": [
                {"first": first, "second": second, "settles": "One is."},
                {"first": first, "second": "gone", "settles": "Neither is."},
            ],
        },
        {"id": "other", "text": "Why?", "positions": [], "answer": "", "rests_on": [], "contrasts": []},
    ]
    return found
