"""Twins, with which training is compared, and what nets begin from: made once per process, for however many tests."""

from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from torch import nn

from cases import first
from hw1bench import models
from hw1bench.records.runs import Block
from hw1bench.specs.network import Network
from hw1bench.training import sequential, stacked

TWO = (0, 5)
"""Seeds that lie in different halves of the kernels' vectors, at different places there, and on different threads."""
ALL = tuple(range(8))


def seeds_of(backend):
    """The seeds that ``backend`` trains where two are compared: of runs that train by themselves, two say what eight say."""
    return TWO if backend == "sequential" else ALL


@dataclass(frozen=True)
class Some(Block):
    """A block of which only the ``chosen`` seeds train."""

    chosen: tuple[int, ...] = TWO

    @property
    def seeds(self):
        return self.chosen


@cache
def by_torch(trained, count, seeds=TWO):
    """Train ``seeds`` of ``trained`` by torch's plain loop, on the first ``count`` images of its set."""
    block = Some("T", "twin", trained, 0, chosen=seeds)
    return sequential.train(block, first(count).load(trained.data), lambda steps: None)


def assert_twins(found, twins, rtol=1e-7, atol=1e-9):
    """Compare the arrays of all runs or of ``TWO`` with those of ``twins``, which are as many or ``TWO`` of them."""
    assert found.keys() == twins.keys()
    for name, array in twins.items():
        rows = list(TWO) if len(found[name]) > len(array) else slice(None)
        assert found[name].dtype == array.dtype
        np.testing.assert_allclose(found[name][rows], array, rtol=rtol, atol=atol, err_msg=name)


_drawn, _inputs, _initial = models.drawn, models.inputs, stacked.initial
_nets, _flat, _weights = {}, {}, {}


def _drawn_once(model, generator):
    if isinstance(model, Network):
        return _drawn(model, generator)
    key = model, generator.get_state().numpy().tobytes()
    if key not in _nets:
        _nets[key] = _drawn(model, generator), generator.get_state()
    net, after = _nets[key]
    generator.set_state(after)
    return _copied(net)


def _copied(net):
    """Copy ``net``, one layer after the other, in a fifth of the time of ``deepcopy``."""
    layers = [copy(layer) for layer in net]
    for layer in layers:
        layer._parameters = {
            name: None if weight is None else nn.Parameter(weight.detach().clone())
            for name, weight in layer._parameters.items()
        }
    return nn.Sequential(*layers)


def _inputs_checked_once(model, x):
    if isinstance(model, Network):
        return _inputs(model, x)
    key = model, x.shape[1:]
    if key not in _flat:
        found = _inputs(model, x)  # raises ValueError if the net does not take it
        _flat[key] = found.ndim < x.ndim
    return x.flatten(1) if _flat[key] else x


def _initial_drawn_once(block, dtype):
    key = block, dtype
    if key not in _weights:
        _weights[key] = _initial(block, dtype)
    return _weights[key].clone()


def forget():
    """Draw and ask anew from now on, for tests of what repeats."""
    for kept in (_nets, _flat, _weights):
        kept.clear()


@contextmanager
def drawn_once():
    """Draw the same net once, and let it be asked once whether it takes samples of a shape: for nets of a few hundred weights
    that is half of a short training, and hundreds of tests begin with the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "drawn", _drawn_once)
        patch.setattr(models, "inputs", _inputs_checked_once)
        patch.setattr(stacked, "initial", _initial_drawn_once)
        yield
