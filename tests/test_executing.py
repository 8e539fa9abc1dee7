"""Where a session trains, as it is chosen, and clusters that cannot be joined, each told in one line."""

import importlib.util
import socket

import pytest

from hw1bench.executors.local import LocalTrainer
from hw1bench.session import executing
from hw1bench.session.executing import Executor
from hw1bench.session.settings import Options
from hw1bench.support.progress import Silent


@pytest.fixture
def nobody():
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def opened(**options):
    return Executor(Options(**options), Silent())


def test_a_session_trains_here_unless_something_else_is_chosen():
    found = opened()
    assert isinstance(found.trainer, LocalTrainer)
    assert (found.device, found.closed) == ("cpu", None)


def test_the_full_tier_is_closed_without_a_gpu_until_the_cpu_is_asked_for(monkeypatch):
    monkeypatch.setattr(executing, "_cuda_here", lambda: False)
    assert opened(tier="full").closed == "no CUDA device here: give --device cpu to run the full tier on the CPU"
    assert opened(tier="full", device="cpu").closed is None


@pytest.mark.parametrize(
    "name", ["Ray", "dask", "ray://", "ray://host", "ray://host:port", "ray:host:1", "ray://a b:1"]
)
def test_an_executor_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match=r"--executor .* is unknown: use local, ray, or ray://HOST:PORT"):
        Options(executor=name).check()


@pytest.mark.parametrize("name", ["local", "ray", "ray://head.example:6379", "ray://10.0.0.1:10001"])
def test_an_executor_is_taken_by_its_name(name):
    Options(executor=name).check()


@pytest.mark.parametrize("module", ["ray", "cloudpickle"])
def test_without_the_extra_the_line_says_how_to_get_it(monkeypatch, module):
    find = importlib.util.find_spec
    monkeypatch.setattr(executing, "find_spec", lambda name: None if name == module else find("json"))
    with pytest.raises(ValueError, match=rf"--executor ray needs {module}: pip install 'hw1bench\[cluster\]'"):
        opened(executor="ray")


def test_an_address_at_which_nobody_listens_is_told_at_once(nobody):
    pytest.importorskip("ray")
    line = rf"the Ray cluster at {nobody} cannot be reached \(.*refused\): see that it runs, and at which address"
    with pytest.raises(ValueError, match=line):
        opened(executor=f"ray://{nobody}")


def test_the_option_reaches_the_session_and_its_mistakes_are_usage_errors(pytester, project, nobody):
    pytest.importorskip("ray")
    project("[claim('A-x', 'supported')]")
    for given, line in ((f"ray://{nobody}", "*cannot be reached*"), ("dusk", "*--executor 'dusk' is unknown*")):
        found = pytester.runpytest("claims", "--executor", given)
        assert found.ret == pytest.ExitCode.USAGE_ERROR
        found.stderr.fnmatch_lines([line])
