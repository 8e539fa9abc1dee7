"""A session that is cut short in a block, and the next one, which goes on from its runs."""

import pytest
import torch

from hw1bench.court.costs import Rates
from hw1bench.records import stock, unfinished
from hw1bench.session import stored
from hw1bench.support import workers

IMAGE_CLAIM = """
from hw1bench import Images
from hw1bench.effects import lower_loss


def of_images(epochs):
    toy = experiment("images", epochs)
    arms = tuple(
        replace(
            toy.full.arms[0],
            name=name,
            data=Images(name="digits", size=8),
            model=Model("64-4-10"),
            loss="cross_entropy",
            batch_size=50,
            optimizer=Optimizer(name="adam", lr=lr),
        )
        for name, lr in {"fast": 1e-2, "slow": 1e-4}.items()
    )
    full = replace(toy.full, arms=arms, looks=(8,))
    return replace(toy, full=full, quick=full, figures=())


CLAIMS = [
    Claim(
        "A-images-x",
        report="A",
        where="1-1",
        says="It is so.",
        experiment=of_images(2),
        effect=lower_loss("fast", than="slow"),
    )
]
"""


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Keep each run as soon as it has ended, two of which train side by side."""
    monkeypatch.setattr(unfinished, "HELD_SECONDS", -1.0)
    with workers.limited(2, torch.get_num_threads()):
        yield


def test_a_session_goes_on_from_the_runs_of_the_one_before(project, pytester, monkeypatch):
    path = project("[]") / "test_fit.py"
    path.write_text(path.read_text().replace("CLAIMS = []\n", IMAGE_CLAIM))
    folder = pytester.path / "reports" / "blocks"
    ended = unfinished.Unfinished.ended
    count = []

    def interrupted(self, seed, record):
        ended(self, seed, record)
        count.append(seed)
        if len(count) == 11:
            raise KeyboardInterrupt

    monkeypatch.setattr(unfinished.Unfinished, "ended", interrupted)
    result = pytester.runpytest_inprocess("claims", no_reraise_ctrlc=True)
    assert result.ret == 2, result.outlines
    entries = stock.entries(folder)
    assert sorted(one.of.kind for one in entries) == [*["run"] * 3, "trained"]
    listed = []
    stored.listed(pytester.path / "reports", None, "", stored.Shown(listed.append))
    assert listed[0].split("\n")[1].split() == [
        "experiment",
        "trained",
        "run",
        "measured",
        "values",
        "MB",
        "last",
        "used",
    ]
    with monkeypatch.context() as patch:  # what a budget admits: at half an hour per run, three pairs of runs
        patch.setattr(Rates, "seconds", lambda self, arms, measures, runs, device: 1800.0 * len(arms) * runs)
        result = pytester.runpytest_inprocess("claims", "--budget", "179", "-rs")
        result.stdout.fnmatch_lines(["*no time left in --budget 179: about 3 h*"])
        assert len(count) == 11
        result = pytester.runpytest_inprocess("claims", "--budget", "181")
    assert result.ret == 0, result.outlines
    assert len(count) == 16
    assert [one.of.kind for one in stock.entries(folder)] == ["trained", "trained"]
