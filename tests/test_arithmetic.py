"""A block's key depends on what determines its digits, and on nothing else: other environments, other processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hw1bench.support import arithmetic
from hw1bench.training.kernels import binaries

ROOT = Path(__file__).parent.parent
SCRIPT = """
import hashlib, json, sys
from dataclasses import replace
import numpy as np
import torch
from cases import ARM, DIGITS, first
from hw1bench import Model
from hw1bench.specs.measurement import JacobianNorm, Paths
from hw1bench.records.runs import Block, Record
from hw1bench.measures import taking
from hw1bench.training import engine

CPU, FEW = torch.device("cpu"), first(120)
classes = replace(ARM, data=DIGITS, loss="cross_entropy", model=Model("C(1-4,3,p1,pool2) dropout 64-10"), batch_size=50,
                  epochs=1, precision="float32")
arms = {
    "fit_kernel": replace(ARM, epochs=2, precision="float32"),
    "image_kernel": classes,
    "eager": replace(classes, model=Model("64-20-10"), coast=True),
    "sequential": replace(classes, coast=True),
}
def digits_of(record):
    return hashlib.sha256(b"".join(record.arrays[name].tobytes() for name in sorted(record.arrays))).hexdigest()

found = {}
for name, arm in arms.items():
    block = Block("T", "x", arm, 0)
    record = engine.train(block, CPU, library=FEW)
    found[name] = engine.key(block, CPU, FEW), digits_of(record)
weights = np.sin(np.arange(8 * 64 * 10 + 80).reshape(8, -1))
arm = replace(classes, model=Model("64-10"), precision="float64", batch_size=None, epochs=20, snapshots="epoch")
steps = np.sin(np.arange(8 * 20 * weights.shape[1])).reshape(8, 20, -1).astype(np.float16)
made = {"weights": weights, "snapshot_start": weights, "snapshot_steps": steps, "snapshot_scales": np.ones((8, 20))}
trained = [(Block("T", "x", replace(arm, name=name), 0), Record(made, record.facts, 0.0)) for name in "ab"]
for spec in (JacobianNorm(), Paths(own="a", other="b", mark_every=100)):
    environment = {**engine.computing(CPU), **taking.decides(spec)}
    key = taking.key(spec, ["block"], environment)
    group = trained[: len(spec.together) or 1]
    found[type(spec).__name__] = key, digits_of(taking.take(spec, group, FEW.load(DIGITS), CPU))
"""


def under(**changes):
    """Return name -> (key, digest of the training or the measurement), from another process."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    command = [sys.executable, "-c", f"{SCRIPT}\nprint(json.dumps(found))"]
    environment = {**os.environ, "CXX": "false", "PYTHONPATH": path, **changes}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return {name: tuple(pair) for name, pair in json.loads(ran.stdout).items()}


@pytest.fixture(scope="module")
def here():
    names = {"__name__": "here"}
    exec(SCRIPT, names)
    return names["found"]


def test_equal_keys_mean_equal_digits_whatever_code_torch_dispatches_to(here):
    for name, (key, digits) in under(ATEN_CPU_CAPABILITY="default").items():
        assert key != here[name][0] or digits == here[name][1], name


def test_keys_depend_on_the_number_of_threads_only_if_digits_do(here):
    names, threads = {"__name__": "there"}, torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        exec(SCRIPT, names)
    finally:
        torch.set_num_threads(threads)
    other = names["found"]
    for name in ("fit_kernel", "image_kernel", "sequential", "JacobianNorm"):
        if binaries.isa() or name not in ("fit_kernel", "image_kernel"):
            assert other[name] == here[name], name


def test_a_setting_that_changes_digits_changes_the_digests():
    products, draws = arithmetic.products.__wrapped__, arithmetic.draws.__wrapped__
    before = products(), draws()
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert (products(), draws()) == before
        assert torch.get_num_threads() == threads + 1
    finally:
        torch.set_num_threads(threads)
    torch.set_default_dtype(torch.float64)
    try:
        assert arithmetic._digest(arithmetic._draws()) != before[1]  # digested outside training's settings
    finally:
        torch.set_default_dtype(torch.float32)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    assert (products(), draws()) == before
    assert torch.rand(1) == expected  # the global generator is left alone


def settings():
    of = torch.backends
    switches = [of.mkldnn.matmul, of.mkldnn.conv, of.mkldnn.rnn, of.cuda.matmul, of.cudnn.conv, of.cudnn.rnn]
    return {
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warns": torch.is_deterministic_algorithms_warn_only_enabled(),
        "precision": [of.fp32_precision, *(each.fp32_precision for each in switches)],
        "mkldnn": (of.mkldnn.enabled, of.mkldnn.deterministic),
        "cudnn": (of.cudnn.enabled, of.cudnn.benchmark, of.cudnn.deterministic),
        "grad": torch.is_grad_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "denormal": bool(torch.full((1,), 1e-310, dtype=torch.float64, device="cpu").mul(0.5).count_nonzero()),
    }


CHANGES = {
    "dtype": (lambda: torch.set_default_dtype(torch.float64), lambda: torch.set_default_dtype(torch.float32)),
    "medium": (
        lambda: torch.set_float32_matmul_precision("medium"),
        lambda: torch.set_float32_matmul_precision("highest"),
    ),
    "bf16 products": (
        lambda: setattr(torch.backends.mkldnn.matmul, "fp32_precision", "bf16"),
        lambda: torch.set_float32_matmul_precision("highest"),
    ),
    "bf16 convolutions": (
        lambda: setattr(torch.backends.mkldnn.conv, "fp32_precision", "bf16"),
        lambda: setattr(torch.backends.mkldnn.conv, "fp32_precision", "none"),
    ),
    "no mkldnn": (
        lambda: setattr(torch.backends.mkldnn, "enabled", False),
        lambda: setattr(torch.backends.mkldnn, "enabled", True),
    ),
    "deterministic": (
        lambda: torch.use_deterministic_algorithms(True, warn_only=True),
        lambda: torch.use_deterministic_algorithms(False),
    ),
    "no grad": (lambda: torch.set_grad_enabled(False), lambda: torch.set_grad_enabled(True)),
    "device": (lambda: torch.set_default_device("meta"), lambda: torch.set_default_device(None)),
    "denormal": (lambda: torch.set_flush_denormal(True), lambda: torch.set_flush_denormal(False)),
    "autocast": (
        lambda: torch.set_autocast_enabled("cpu", True),
        lambda: torch.set_autocast_enabled("cpu", False),
    ),
}


@pytest.mark.parametrize("before", ["tf32", "ieee"])
def test_only_convolutions_on_cuda_have_a_choice_of_precision_and_what_computes_on_the_cpu_leaves_it_alone(before):
    backends, ordinary = torch.backends, torch.backends.cudnn.conv.fp32_precision
    backends.cudnn.conv.fp32_precision = before
    try:
        for precision, expected in (("default", "tf32"), ("strict", "ieee")):
            with arithmetic.fixed_settings(precision):
                assert backends.cudnn.conv.fp32_precision == expected
                assert backends.cuda.matmul.fp32_precision == backends.cudnn.rnn.fp32_precision == "ieee"
                assert arithmetic.tf32() == (precision == "default")
                arithmetic.products.__wrapped__()
                assert backends.cudnn.conv.fp32_precision == expected
            assert backends.cudnn.conv.fp32_precision == before
        with arithmetic.fixed_settings():
            assert backends.cudnn.conv.fp32_precision == before
    finally:
        backends.cudnn.conv.fp32_precision = ordinary


@pytest.mark.parametrize("name", CHANGES)
def test_settings_of_torch_by_a_claim_are_overridden_and_restored(name):
    change, back = CHANGES[name]
    with arithmetic.fixed_settings():
        training = settings()
    ordinary = settings()
    change()
    try:
        changed = settings()
        assert changed != ordinary
        with arithmetic.fixed_settings():
            assert {**settings(), "warns": training["warns"]} == training  # it does not affect digits
        digests = arithmetic.products.__wrapped__(), arithmetic.draws.__wrapped__()
        after = settings()
    finally:
        back()
    assert digests == (arithmetic.products(), arithmetic.draws())
    assert after == changed


def test_settings_of_torch_left_by_claims_change_no_training_or_measurement(here):
    names = {"__name__": "there"}
    for change, _ in CHANGES.values():
        change()
    try:
        with torch.inference_mode(), torch.device("meta"):
            exec(SCRIPT, names)
    finally:
        for _, back in CHANGES.values():
            back()
    assert names["found"] == here
