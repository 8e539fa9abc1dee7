"""What a session of pytest imports, imported once by the process that the sessions of ``forked`` are forked from."""

import gc
import tempfile
from functools import cache
from pathlib import Path

import _pytest.pytester  # noqa: F401
import cpuinfo
import junitparser  # noqa: F401
import matplotlib.backends.backend_svg  # noqa: F401
import scipy.stats  # noqa: F401
import torch
import torch._dynamo

import hw1bench.plugin
import hw1bench.report.html
import hw1bench.report.junit
import hw1bench.session.sitting
from blank_figures import blank
from hw1bench.measures import instruments
from hw1bench.report import drawn, figures
from hw1bench.support import code
from hw1bench.training import engine
from sample_document import document

torch.set_num_threads(1)
cpuinfo.get_cpu_info = cache(cpuinfo.get_cpu_info)
cpuinfo.get_cpu_info()  # pytest-benchmark asks; it starts processes
figures.draw = blank  # as the fixture `project` has it
engine.compiler_works = lambda: False
instruments._import_ours()
for covered in ("training", "measures", drawn._DRAW):
    code.digest(covered)  # which is kept, as are the templates of a page
with tempfile.TemporaryDirectory() as folder:
    hw1bench.report.html.render(document(), Path(folder))
gc.collect()
gc.freeze()  # pytest collects garbage after each session
