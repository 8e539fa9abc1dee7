"""A number that a claim names, as charts show it; the plotting library is not imported."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """A number that a claim names. Which it is follows from what it has:

    y alone        a threshold: a level of the history ``what``, a loss or a share
    x alone        a deadline, or a place on the x axis that the claim names
    x and y        a claimed point, or the point by which a claim says that a threshold is reached
    ``span``       from where to where the effect reads
    only ``arm``   the arm of a sweep that a claim singles out

    ``what``  the history, such as "train_loss", or what x is: "epoch", "stop", "alpha", "batch_size", "lr" or "parameters";
              "rule" marks where the stopping rule stops, "barrier" the accuracy that a barrier falls below
    ``arm``   whose it is; '' if the claim names none or several
    ``of_variance``  whether y is a share of the variance of the target
    ``of_budget``    whether x and ``span`` are shares of the budget
    ``within``  how far from x or y the claim allows; of "stop" a share of x
    ``claimed`` whether a report measured it; otherwise it is a limit
    """

    what: str
    x: float | None = None
    y: float | None = None
    span: tuple[float, float] | None = None
    arm: str = ""
    of_variance: bool = False
    of_budget: bool = False
    within: float | None = None
    claimed: bool = False
