"""An executable court for deep-learning folklore: claims of reports, tried over several seeds, and ruled upon.

To write a claim, combine ``Claim``, an experiment made of the specifications, and an effect from ``hw1bench.effects``. To add a
measurement of your own, decorate a function of a trained run with ``measure``, or derive a class from ``Measurement`` and
register the function that takes it with ``takes``.
"""

from hw1bench.court.claim import Claim, Reading
from hw1bench.court.readings import tried
from hw1bench.court.values import Values
from hw1bench.court.verdict import judge_values
from hw1bench.effects import Effect
from hw1bench.measures.instruments import takes
from hw1bench.specs.evaluation import Evaluation
from hw1bench.specs.experiment import (
    Arm,
    CosineAnnealingLR,
    CrossReportFigure,
    Experiment,
    ExponentialLR,
    Figure,
    Function,
    ImageFolder,
    Images,
    Model,
    Network,
    Optimizer,
    Protocol,
    StepLR,
    Table,
    both_tiers,
)
from hw1bench.specs.keeping import EarlyStopping
from hw1bench.specs.measurement import Interpolation, JacobianNorm, Measurement, MinimalRatio, Paths
from hw1bench.specs.own_measurement import measure
from hw1bench.specs.pack import Pack
from hw1bench.specs.questions import Contrast, Position, Question
from hw1bench.specs.report import Report, Topic

__version__ = "0.1.0"
__all__ = [
    "Arm",
    "Claim",
    "Contrast",
    "CosineAnnealingLR",
    "CrossReportFigure",
    "EarlyStopping",
    "Effect",
    "Evaluation",
    "Experiment",
    "ExponentialLR",
    "Figure",
    "Function",
    "ImageFolder",
    "Images",
    "Interpolation",
    "JacobianNorm",
    "Measurement",
    "MinimalRatio",
    "Model",
    "Network",
    "Optimizer",
    "Pack",
    "Paths",
    "Position",
    "Protocol",
    "Question",
    "Reading",
    "Report",
    "StepLR",
    "Table",
    "Topic",
    "Values",
    "both_tiers",
    "judge_values",
    "measure",
    "takes",
    "tried",
]
