"""Fixtures that several test files take."""

import subprocess
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from blank_figures import blank

if find_spec("hypothesis"):  # a machine with a GPU may lack it
    from hypothesis import settings

    settings.register_profile("patient", deadline=None)  # on a busy machine an example may take long
    settings.load_profile("patient")


# The files that take longest, and begin first, so that no worker waits for another in the end.
LONGEST = ("on_ray", "kills", "engine", "wheel", "resident", "image_kernel", "report_browser")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    places = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.hookimpl(optionalhook=True)  # a machine with a GPU may lack xdist
def pytest_xdist_make_scheduler(config, log):
    """Give each worker a file at a time, so that what its tests share is made once: a cluster, a browser, a wheel."""
    if config.getoption("dist") != "load":  # the default
        return None
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # in the order above
    return LoadFileScheduling(config, log)


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Small nets on one thread: torch's pool spins between steps, and starves whatever else the machine does."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def no_step_summary():
    """Keep the sessions that tests start out of the summary of the step of CI that runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        yield


@pytest.fixture(scope="module")
def nets_drawn_once():
    """For the files that train the same nets again and again: what training draws before it begins is drawn once."""
    from twins import drawn_once

    with drawn_once():
        yield


@pytest.fixture(scope="session")
def collected_claims():
    """The claims of this repository as ``hw1bench.session.collected`` finds them. Their modules are forgotten again, because
    files of the same names stand in the folders that other tests make."""
    from hw1bench.session.collected import collected

    before = set(sys.modules)
    found = collected([Path(__file__).parents[1] / "claims"])
    for case in found.cases:
        _ = case.subjects  # which reads the sources of the modules
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent.name == "claims":
            del sys.modules[name]
    return found


@pytest.fixture
def quick_disk(tmp_path):
    """A folder in memory, if there is such a thing: a disk may take a moment for each file that is replaced."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture
def page(tmp_path):
    """A function that renders a document, or the sample's if there is none given, as a parsed page."""
    from hw1bench.report.html import render
    from parsed_page import Page
    from sample_document import document, put_figures

    def build(found=None):
        found = document() if found is None else found
        put_figures(tmp_path, found)
        return Page(render(found, tmp_path))

    return build


@pytest.fixture(scope="module")
def browser():
    from hw1bench.report import picture

    path = picture.on_path()
    if path is None:
        pytest.skip("no chromium or chrome on PATH")
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def tabs(browser):
    """A function that gives the tab in which pages run their scripts, or the one in which they run none. A tab outlives its
    pages, because a new one costs more than most tests. What the console, errors, requests and dialogs say of its page is in
    its ``said``."""

    @cache
    def tab(script):
        page = browser.new_context(java_script_enabled=script).new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.said.append(request.url))
        page.on("dialog", lambda dialog: page.said.append(dialog.message))
        return page

    return tab


@pytest.fixture
def show(tabs, tmp_path):
    """A function that renders a document, the sample's if none is given, and opens it from disk in a tab of the browser, where it
    replaces what was there."""
    from hw1bench.report.html import render
    from sample_document import asking, document, put_figures

    numbers = count()

    def shown(found=None, after="", width=1280, script=True, scheme="light"):
        found = asking(document()) if found is None else found
        put_figures(tmp_path, found)
        path = tmp_path / f"index-{next(numbers)}.html"  # the same address would be the same page, only scrolled
        path.write_text(render(found, tmp_path), encoding="utf-8")
        page = tabs(script)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(media="null", color_scheme=scheme)
        page.said = []
        page.goto(path.as_uri() + after)
        page.path = path
        return page

    return shown


@pytest.fixture(params=["baseline", "avx2", "avx512"])
def isa(request):
    """The name of each instruction set for which there are kernels here."""
    from hw1bench.training.kernels import binaries

    if request.param not in binaries.instruction_sets():
        pytest.skip(f"no {request.param} here")
    return request.param


CLAIMS = """
from dataclasses import replace
from operator import attrgetter

import pytest

from hw1bench import Arm, Claim, Experiment, Figure, Function, Model, Optimizer, Protocol
from hw1bench.effects import CountIs, Effect, loss_below


def experiment(name, epochs=3):
    arm = Arm(
        name="net",
        data=Function(name="sinc", points=16),
        model=Model("[3]"),
        loss="mse",
        optimizer=Optimizer(name="adam", lr=1e-2),
        epochs=epochs,
    )
    figures = (Figure(number="1", title="Loss", kind="loss"), Figure(number="2", title="Curves", kind="curves"))
    full = Protocol(arms=(arm,), looks=(8, 16, 32))
    quick = replace(full, looks=(8, 16))
    return Experiment(report="A", name=name, full=full, quick=quick, assumptions=("full batch",), figures=figures)


TOY = experiment("toy")


def broken(runs):
    raise ZeroDivisionError("nothing to divide")


EFFECTS = {
    "supported": lambda runs: 1.0,
    "refuted": lambda runs: -1.0,
    "inconclusive": lambda runs: 1.0 if runs["net"].seed % 2 else -1.0,
    "error": broken,
}


def claim(name, word, experiment=TOY, opposite=None):
    effect = Effect(f"made to be {word}", "parts", EFFECTS[word], ("net",), opposite)
    return Claim(name, report="A", where="1-1", says=f"It is {word}.", experiment=experiment, effect=effect)


def count(name, stated):
    return Claim(name, report="B", where="table", says="It has 10.", effect=CountIs(Model("[3]"), stated))

#CLAIMS

@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_claim(claim, court):
    court.judge(claim)
"""


@pytest.fixture(scope="session")
def imported():
    """A session inside this process forgets the modules that it imported, but numpy and torch cannot be imported twice."""
    import cpuinfo
    import matplotlib.backends.backend_svg
    import torch._dynamo

    import hw1bench.executors.local
    import hw1bench.report.figures
    import hw1bench.report.html
    import hw1bench.report.templates  # which keeps the templates that it has compiled
    import hw1bench.session.sitting
    import hw1bench.training.engine

    if find_spec("hypothesis"):  # a machine with a GPU may lack it
        import_module("hypothesis")
    with pytest.MonkeyPatch.context() as patch:
        # pytest-benchmark asks in each session, and the answer takes processes.
        patch.setattr(cpuinfo, "get_cpu_info", cache(cpuinfo.get_cpu_info))
        yield matplotlib, torch, hw1bench


@pytest.fixture
def command(imported, capsys, monkeypatch):
    """Runs ``python -m hw1bench`` with ``arguments`` in a ``folder``, but in this process. The modules of the folder that it
    imports are forgotten again."""
    from hw1bench.__main__ import main

    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)

    def run(folder, *arguments):
        monkeypatch.chdir(folder)
        status = main([str(argument) for argument in arguments])
        for name, module in list(sys.modules.items()):
            if Path(getattr(module, "__file__", None) or "/").is_relative_to(folder):
                del sys.modules[name]
        return subprocess.CompletedProcess(arguments, status, *capsys.readouterr())

    return run


@pytest.fixture
def forked_children(monkeypatch):
    """Lets ``hw1bench record --run`` fork its sessions of pytest instead of starting an interpreter for each."""
    import forked
    from hw1bench.session.child import Child

    monkeypatch.setattr(Child, "run", lambda self, *given: forked.child(*given))


@pytest.fixture
def drawn():
    """Tells ``project`` that the figures of its sessions are looked at."""


@pytest.fixture
def project(imported, pytester, monkeypatch, request):
    """Makes a project with the plugin and a file of claims: ``project("[claim('A-x', 'supported')]", more)``. Its sessions in
    this process leave figures blank, except in tests that take ``drawn``."""
    from hw1bench.report import figures
    from hw1bench.training import engine

    if "drawn" not in request.fixturenames:
        monkeypatch.setattr(figures, "draw", blank)
    monkeypatch.setattr(engine, "compiler_works", lambda: False)  # nets of 10 weights are not worth compiling
    for name in ("HW1BENCH_DATA", "PYTEST_XDIST_WORKER"):  # the latter would have pytest-benchmark time nothing
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(pytester.path / "share"))  # not the user's own data
    pytester.makeconftest('pytest_plugins = ["pytest_hw1bench"]')
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\nfilterwarnings = error\n")

    def make(claims, more="", topic="fit"):
        folder = pytester.path / "claims"
        folder.mkdir(exist_ok=True)
        (folder / f"test_{topic}.py").write_text(CLAIMS.replace("#CLAIMS", f"CLAIMS = {claims}") + more)
        return folder

    return make
