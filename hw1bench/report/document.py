"""claims.json: judgements as plain data, never NaN or Infinity."""

import math
from collections.abc import Iterable, Mapping, Sequence

from hw1bench.court import pilots
from hw1bench.court.claim import Claim
from hw1bench.court.hearing import Judgement
from hw1bench.court.rulings import Outcome, Ruling, Subject
from hw1bench.court.trends import chance
from hw1bench.court.values import Values
from hw1bench.court.vocabulary import RecordedWord, agreement
from hw1bench.effects import Effect
from hw1bench.report import schema
from hw1bench.report.contract import as_float
from hw1bench.report.protocols import differences
from hw1bench.specs.experiment import CrossReportFigure, Experiment, Figure
from hw1bench.specs.pack import Pack
from hw1bench.specs.questions import Question
from hw1bench.support.number import not_finite


def finite(value: float | None) -> float | None:
    """``value``, or None if it is not finite."""
    return value if value is not None and math.isfinite(value) else None


def figure_path(experiment: Experiment, figure: Figure) -> str:
    """The path of the figure, relative to the report directory."""
    return f"figures/{experiment.id}-{figure.id}.svg"


def figure_paths(exhibit: Experiment | CrossReportFigure) -> list[str]:
    """The paths of the figures of ``exhibit``, relative to the report directory."""
    if isinstance(exhibit, CrossReportFigure):
        return [f"figures/{exhibit.id}.svg"]
    return [figure_path(exhibit, figure) for figure in exhibit.figures]


def figure_of(claim: Claim) -> str | None:
    """The path of the experiment's figure that shows the claim; None if there is none."""
    if claim.experiment is None:
        return None
    for figure in claim.experiment.figures:
        if figure.id == claim.figure:
            return figure_path(claim.experiment, figure)
    return None


def _effect(judgement: Judgement) -> schema.Effect | None:
    verdict, effect = judgement.verdict, judgement.claim.effect
    if verdict.values is None or verdict.median is None or not isinstance(effect, Effect | Values):
        return None
    places = {"median": verdict.median, **{str(index): value for index, value in enumerate(verdict.values)}}
    if verdict.interval is not None:
        places |= zip(("low", "high"), verdict.interval, strict=True)
    found: schema.Effect = {
        "name": effect.name,
        "unit": effect.unit,
        "median": finite(verdict.median),
        "interval": [finite(end) for end in verdict.interval] if verdict.interval else None,
        "values": [finite(value) for value in verdict.values],
        "not_finite": {place: kind for place, value in places.items() if (kind := not_finite(value))},
    }
    if judgement.told:
        found["told"] = judgement.told
    if judgement.seeds is not None:
        found["seeds"] = list(judgement.seeds)
    return found


def _can_judge(tier: schema.Tier, claim: Claim) -> bool:
    if claim.experiment is None:
        return True
    return claim.protocol(tier) is not None and not (tier == "quick" and pilots.silenced(claim))


def _on_record(record: Ruling, claim: Claim) -> schema.OnRecord:
    environment = record.environment or {}
    found: schema.OnRecord = {
        "verdict": record.verdict,  # type: ignore[typeddict-item]  # the full tier is as reported, and gives no pilots
        "how": record.how,  # type: ignore[typeddict-item]  # checked when it was read
        "holds": record.holds,
        "seeds": record.seeds,
        "median": record.median,
        "interval": list(record.interval) if record.interval else None,
        "date": record.date,
        "device": environment.get("device"),
    }
    if record.median is not None and record.seeds and isinstance(claim.effect, Effect) and claim.experiment is not None:
        arms = {arm.name: arm for arm in claim.experiment.full.arms}
        told = claim.effect.tell_median(as_float(record.median), arms, record.holds or 0, record.seeds)
        if told:
            found["told"] = told
    return found


def entry(
    judgement: Judgement,
    topic: str,
    subject: Subject,
    environment: schema.Environment | None,
    ruling: RecordedWord | None,
    record: Ruling | None,
    outcome: Outcome,
    judged: str,
    calibration: schema.Calibration | None = None,
) -> schema.Claim:
    """The entry of one claim in claims.json. ``subject`` is what a ruling on it is bound to, ``environment`` what trained its
    runs, if it has any; ``ruling`` is the word on record for its tier, ``record`` the full tier's ruling; ``judged`` is when its
    session began."""
    claim, verdict, facts = judgement.claim, judgement.verdict, judgement.facts
    experiment, effect, fidelity = subject
    written: schema.Claim = {
        "id": claim.id,
        "report": claim.report,
        "topic": topic,
        "where": claim.where,
        "says": claim.says,
        "tier": judgement.tier,
        "fidelity": fidelity,
        "judged": judged,
        "verdict": verdict.word,
        "how": verdict.how,
        "ruling": ruling,
        "record": _on_record(record, claim) if record else None,
        "agreement": agreement(verdict.word, record.verdict) if record else None,  # type: ignore[arg-type]  # as above
        "calibration": calibration,
        "outcome": outcome.kind,
        "holds": verdict.holds,
        "seeds": verdict.seeds,
        "looks": list(verdict.looks) if verdict.looks else None,
        "level": verdict.level,
        "share": list(verdict.share) if verdict.share else None,
        "effect": _effect(judgement),
        "chance": chance(claim, judgement.tier) if verdict.values is not None else None,
        "close": verdict.close,
        "readings": [
            {"number": reading.number, "reading": reading.reading, "verdict": word}  # type: ignore[typeddict-item]  # runs are there
            for reading, word in judgement.readings
        ],
        "fragile": list(judgement.fragile),
        "trivial": claim.trivial,
        "diverged": judgement.diverged,
        "dataset": (
            {
                "name": facts["dataset"],
                "fingerprint": facts["fingerprint"],
                "stand_in": facts["stand_in"],
                "canonical": facts.get("canonical", True),
            }
            if facts
            else None
        ),
        "assumptions": list(claim.everything_assumed()),
        "changes": list(differences(claim.experiment)) if claim.experiment and judgement.tier == "quick" else [],
        "origin": claim.origin,
        "experiment": experiment,
        "effect_digest": effect,
        "environment": environment,
        "seconds": judgement.seconds,
        "reused": judgement.reused,
        "figure": figure_of(claim),
        "note": verdict.note,
        "remark": outcome.remark,
        "tiers": [tier for tier in claim.tiers if _can_judge(tier, claim)],
    }
    if claim.question:
        written["question"] = claim.question
    return written


def _question(question: Question) -> schema.Question:
    return {
        "id": question.id,
        "text": question.text,
        "positions": [{"report": one.report, "says": one.says, "claim": one.claim} for one in question.positions],
        "answer": question.answer,
        "rests_on": [{"claim": claim, "ruling": ruling} for claim, ruling in question.rests_on.items()],
        "contrasts": [{"first": one.first, "second": one.second, "settles": one.settles} for one in question.contrasts],
    }


def build(
    *,
    tier: schema.Tier,
    started: str,
    seconds: float,
    seed_offset: int,
    environment: Mapping[str, str | float | bool | None],
    pack: Pack,
    claims: Sequence[schema.Claim],
    figures: Iterable[schema.Figure],
    exhibits: Sequence[schema.Exhibit] = (),
    compared: schema.Compared | None = None,
    shard: schema.Shard | None = None,
) -> schema.Document:
    """Build the document of a session, with all the reports, topics and questions of ``pack``; a figure that was not drawn is
    None. ``exhibits`` are the tests that judge nothing; ``compared`` is a document to compare this one with; ``shard`` the part
    of a selection that the session judged."""
    drawn = list(figures)
    paths = {figure["path"] for figure in drawn}
    written: schema.Document = {
        "schema": 3,
        "tier": tier,
        "started": started,
        "seconds": seconds,
        "seed_offset": seed_offset,
        "environment": dict(environment),
        "reports": [
            {"id": report.id, "title": report.title, "source": report.source, "url": report.url}
            for report in pack.reports
        ],
        "topics": [{"id": topic.id, "title": topic.title} for topic in pack.topics],
        "questions": [_question(question) for question in pack.questions],
        "claims": [{**claim, "figure": claim["figure"] if claim["figure"] in paths else None} for claim in claims],
        "figures": drawn,
        "exhibits": list(exhibits),
    }
    if compared is not None:
        written["compared"] = compared
    if shard is not None:
        written["shard"] = shard
    return written
