"""The entries of a sitting's claims in claims.json, and the rulings that its judgements are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hw1bench.court import calibration, rulings
from hw1bench.court.claim import Claim
from hw1bench.court.docket import Case
from hw1bench.court.hearing import Judgement
from hw1bench.court.rulings import Outcome, Ruling, Rulings
from hw1bench.court.verdict import Verdict
from hw1bench.court.vocabulary import PILOTS, RECORDED, RecordedWord, VerdictWord
from hw1bench.report import contract, document, schema
from hw1bench.session.endings import Ending
from hw1bench.specs.experiment import Tier


@dataclass
class Entries:
    """What a sitting of ``tier``, ``started`` at that time (ISO 8601), writes of each claim.

    ``docket`` holds the claims of all files that were collected, and ``book`` the rulings of each rulings file; ``trained_by``
    tells what trains the runs of a claim. ``written`` has the entries of the claims that were judged, by id.
    """

    tier: Tier
    started: str
    docket: Sequence[Case]
    book: dict[Path, Rulings]
    trained_by: Callable[[Claim], schema.Environment]
    written: dict[str, contract.Claim] = field(default_factory=dict)
    # None until asked for, and after a ruling
    _calibrated: dict[str, calibration.Calibration] | None = field(default=None, init=False)

    def ruling(self, judgement: Judgement, case: Case) -> Ruling | None:
        """The ruling that a ``judgement`` is; None if its verdict is none that is put on record."""
        verdict = judgement.verdict
        if verdict.word not in RECORDED:
            return None
        experiment, effect, fidelity = case.subjects[judgement.tier]
        ends = verdict.interval and (rulings.number(verdict.interval[0]), rulings.number(verdict.interval[1]))
        return Ruling(
            claim=judgement.claim.id,
            topic=case.topic,
            tier=judgement.tier,
            fidelity=fidelity,
            verdict=verdict.word,
            how=verdict.how,
            holds=verdict.holds,
            seeds=verdict.seeds,
            median=rulings.number(verdict.median),
            interval=ends,
            experiment=experiment,
            effect=effect,
            environment=self.trained_by(judgement.claim) if verdict.seeds else None,
            seconds=round(judgement.seconds, 2) if verdict.seeds else None,
            date=self.started[:10],
        )

    def entry(self, judgement: Judgement, case: Case, ruling: RecordedWord | None, outcome: Outcome) -> contract.Claim:
        """The entry of a ``judgement``, beside the ``ruling`` on record and with the ``outcome`` of its test."""
        record = case.ruled(self.book, "full")
        calibrated = self.calibration(case, judgement.verdict.word)
        environment = self.trained_by(case.claim) if judgement.verdict.seeds is not None else None
        subject = case.subjects[judgement.tier]
        return document.entry(
            judgement, case.topic, subject, environment, ruling, record, outcome, self.started, calibrated
        )

    def ended(self, case: Case, ending: Ending | None) -> contract.Claim:
        """The entry of one claim, given how its test ended."""
        entry = self.written.get(case.claim.id)
        if entry is not None:
            if ending is None or ending.kind == entry["outcome"]:
                return entry
            return {**entry, "outcome": ending.kind, "remark": ending.reason}
        known = case.found(self.book, self.tier)
        if ending is None:
            ending, verdict = Ending("skipped"), Verdict("not run", note="the session ended before its test")
        elif ending.kind in ("failed", "error"):
            verdict = Verdict("error", note=ending.reason)
        else:
            verdict = Verdict("not run", note=ending.reason or "its test ended without judging it")
        missed = Judgement(case.claim, self.tier, verdict)
        _, ruling = rulings.beside(verdict.word, known, case.subjects[self.tier])
        return self.entry(missed, case, ruling, Outcome(ending.kind))

    def calibration(self, case: Case, word: VerdictWord) -> schema.Calibration | None:
        """How far pilots of the claim's kind agree with the record as it is now; None if ``word`` is no pilot."""
        if word not in PILOTS or case.claim.fidelity(self.tier) == "as reported":
            return None
        if self._calibrated is None:
            self._calibrated = calibration.calibrations(calibration.pairs(self.docket, self.book))
        found = self._calibrated.get(calibration.kind(case))
        return {"kind": found.kind, "agree": found.agree, "of": found.of} if found else None

    def record(self, ruling: Ruling, case: Case) -> None:
        """Put ``ruling`` into the book, in place of the one that it has on the same claim in the same tier."""
        self.book.setdefault(case.rulings, {})[ruling.place] = ruling
        self._calibrated = None
