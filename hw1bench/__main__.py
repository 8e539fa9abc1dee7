"""The command line: ``hw1bench init``, ``data``, ``report``, ``merge``, ``picture``, ``compare``, ``plan``, ``record``,
``findings``, ``store``, ``export`` and ``import``, which is also ``python -m hw1bench``."""

import argparse
import os
import shlex
import shutil
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import fill

from hw1bench import report
from hw1bench.report import compare, reading
from hw1bench.report.plain import line
from hw1bench.session import store_commands
from hw1bench.support.files import write_whole
from hw1bench.support.places import data_folder

_WITH_RUN = ("budget", "device", "precision", "report_dir", "data_dir")  # what only judging claims takes

_OF_CLUSTERS = ("nodes", "times", "markdown")  # what only a plan of clusters takes


def _init(arguments: argparse.Namespace) -> int:
    from hw1bench.starter import command

    folder = Path(arguments.folder)
    for path in command.write(folder):
        _say(str(path))
    _say(f"before it runs on GitHub: put what pip is to install into INSTALL of {folder / command.WORKFLOW}")
    _say(f"judge the claim: {'' if folder == Path() else f'cd {shlex.quote(str(folder))} && '}pytest claims/")
    return 0


def _report(arguments: argparse.Namespace) -> int:
    other = Path(arguments.compare_with) if arguments.compare_with is not None else None
    folder = report.again(Path(arguments.source), _note, other)
    _say(f"report: {folder / 'index.html'}")
    if other is not None:
        _say(compare.against(arguments.compare_with, reading.read(folder)[0]))
    return 0


def _merge(arguments: argparse.Namespace) -> int:
    from hw1bench.report import merging
    from hw1bench.session import step_summary

    into = Path(arguments.into)
    whole = merging.write([Path(folder) for folder in arguments.folders], into, _note)
    _say(f"report: {into / 'index.html'}")
    if said := step_summary.append(whole):
        _say(said)
    return 0


def _picture(arguments: argparse.Namespace) -> int:
    from hw1bench.report import html, picture

    document, path = reading.read(Path(arguments.source))
    write_whole(Path(arguments.png), picture.take(html.render(document, path.parent)))
    _say(f"picture: {arguments.png}")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    old, new = (reading.read(Path(name))[0] for name in (arguments.old, arguments.new))
    comparison = compare.compare(old, new)
    _say(compare.render(comparison).removesuffix("\n"))
    return int(comparison.changed)


def _record(arguments: argparse.Namespace) -> int:
    from hw1bench.session import collected, record  # imports pytest

    paths = [Path(path) for path in arguments.claims]
    if arguments.run_units:
        return _complete(paths, arguments)
    for name in _WITH_RUN:
        if getattr(arguments, name) is not None:
            raise ValueError(f"--{name.replace('_', '-')} is for judging claims: give --run too, or leave it out")
    cases, book, pack, *_ = collected.collected(paths)
    found = record.record(cases, book, pack)
    if arguments.markdown:
        write_whole(Path(arguments.markdown), record.page(found).encode())
        return 0
    width, colour = _terminal()
    _say(record.text(found, width, colour=colour).removesuffix("\n"))
    return 0


def _of_disk(error: OSError) -> str:
    """What is said of a file that cannot be read or written: of the folder, if it is a temporary file, which no user knows."""
    if error.filename is None or error.strerror is None:
        return str(error)
    path = Path(os.fsdecode(error.filename))
    place = path.parent if path.name.startswith(".") and path.suffix == ".tmp" else path
    return f"{place} cannot be used ({error.strerror}): mend that, or name another"


def _terminal() -> tuple[int | None, bool]:
    """The width of the terminal that is printed to, None if it is a file, and whether it has colours."""
    terminal = sys.stdout is not None and sys.stdout.isatty()
    return shutil.get_terminal_size().columns if terminal else None, terminal and not os.environ.get("NO_COLOR")


def _plan(arguments: argparse.Namespace) -> int:
    if arguments.cluster:
        return _scale(arguments)
    for name in _OF_CLUSTERS:
        if getattr(arguments, name) is not None:
            raise ValueError(f"--{name} is for clusters: give --cluster too, or leave it out")
    from hw1bench.executors.local import cuda_here
    from hw1bench.session import collected, plan  # imports torch

    marks = f"(gpu or not gpu){f' and ({arguments.m})' if arguments.m else ''}"  # both tiers, unless -m says which
    found = collected.collected([Path(path) for path in arguments.claims], marks, arguments.k)
    if not found.outlooks:
        raise ValueError(f"nothing is selected by -m {arguments.m!r} and -k {arguments.k!r}: give other expressions")
    width, colour = _terminal()
    for outlook in found.outlooks:
        cpu = arguments.device == "cpu" or (arguments.device == "auto" and (outlook.tier == "quick" or not cuda_here()))
        device = "cpu" if cpu else "cuda"
        estimator = plan.Estimator(found.cases, found.book, device)
        _say(plan.section(outlook, found.pack, estimator, device).text(width, colour=colour) + "\n")
    if any(outlook.parts for outlook in found.outlooks):
        _say(fill(plan.NOTE, width) if width else plan.NOTE)
    return 0


def _scale(arguments: argparse.Namespace) -> int:
    """Simulate the selected claims on clusters: those of the full tier, unless -m says otherwise."""
    from hw1bench.court import costs
    from hw1bench.session import collected, scale, tasks  # imports torch
    from hw1bench.session.sections import placed

    if arguments.device != "auto":
        raise ValueError(
            f"--device {arguments.device} is for a plan of this machine: name --nodes of a cluster instead"
        )
    found = collected.collected([Path(path) for path in arguments.claims], arguments.m or "gpu", arguments.k)
    if not found.outlooks:
        raise ValueError(f"nothing is selected by -m {arguments.m!r} and -k {arguments.k!r}: give other expressions")
    clusters = arguments.nodes or scale.CLUSTERS
    if arguments.times is None:
        times = tasks.Times(costs.timed(found.cases, found.book))
    else:
        times = tasks.Times(tasks.reported(reading.read(Path(arguments.times))[0], found.cases))
    sections = [one for outlook in found.outlooks for one in scale.sections(outlook, found.cases, times, clusters)]
    if arguments.markdown is not None:
        path = Path(arguments.markdown)
        write_whole(path, placed(path.read_text(encoding="utf-8"), scale.MARK, sections).encode())
        return 0
    width, colour = _terminal()
    _say("\n\n".join(one.text(width, colour=colour) for one in sections))
    return 0


def _findings(arguments: argparse.Namespace) -> int:
    from hw1bench.report import findings, seeds  # imports matplotlib
    from hw1bench.session import collected  # imports pytest

    path = Path(arguments.page)
    try:
        page = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error}): name a page of findings") from None
    cases, book, *_ = collected.collected([Path(path) for path in arguments.claims])
    faults = findings.faults(page, cases, book)
    if not faults:  # the figures that are there stay as they are until the page is mended
        for target, rulings in findings.figures(page, cases, book).items():
            seeds.draw(rulings, path.parent / target)
    _say("\n".join(faults) or f"{path}: the record bears out every number")
    return int(bool(faults))


def _complete(paths: Sequence[Path], arguments: argparse.Namespace) -> int:
    """Judge what is not on record of the claims in ``paths``."""
    from hw1bench.session import child, collected  # imports pytest
    from hw1bench.session.budget import Budget
    from hw1bench.session.completion import REPORT_DIR, Completion, Options

    if arguments.markdown is not None:
        raise ValueError("--markdown writes the record as it is: leave it out, or --run")
    options = Options(
        budget=Budget.of(arguments.budget),
        precision=arguments.precision or "default",
        report_dir=Path(arguments.report_dir or REPORT_DIR),
        data_dir=Path(arguments.data_dir) if arguments.data_dir else None,
    )
    found = collected.collected(paths)
    if arguments.device != "cpu" and child.cuda():
        options = replace(options, device="GPU")
    elif arguments.device == "cuda":
        raise ValueError("--device cuda: there is no CUDA device here: give --device cpu")
    runner = child.Child(_say)
    with runner.handled():
        return Completion(found, options, runner, _say).complete()


def _say(text: str) -> None:
    """Print ``text`` in the terminal's encoding, with escapes for characters that it lacks. A reader that goes away before the
    end, as in ``| head``, has read enough."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"  # stdout is None if it was closed
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # where what is left goes when the program ends


def _note(text: str) -> None:
    """Print a line that may quote a file from elsewhere."""
    _say(line(text))


def _data(arguments: argparse.Namespace) -> int:
    from hw1bench.images import command  # imports torch, which takes seconds that the other commands save

    folder = Path(arguments.data_dir) if arguments.data_dir else data_folder()
    if folder is None:
        raise ValueError("there is no home folder to keep data in: give a folder with --data-dir or HW1BENCH_DATA")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: give one with --data-dir or HW1BENCH_DATA")
    return command.run(arguments.set, folder)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status: 1 only for a changed verdict, a wrong data set, claims that gave no ruling
    or records that were not moved, and 2 for input that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="hw1bench",
        description="New repositories of claims, data sets, reports of sessions, and rulings on record.",
    )
    commands = parser.add_subparsers(required=True)
    new = commands.add_parser("init", help="write a new repository of claims: a first claim, .gitignore, a workflow")
    new.add_argument("folder", metavar="DIR", nargs="?", default=".", help="its folder (default: this one)")
    new.set_defaults(run=_init)
    data = commands.add_parser("data", help="download a data set, or check an existing copy; exit 1 if it is wrong")
    data.add_argument("set", choices=("mnist", "cifar10"), help="the data set")
    data.add_argument(
        "--data-dir", metavar="DIR", help="its folder (default: $HW1BENCH_DATA, or ~/.local/share/hw1bench)"
    )
    data.set_defaults(run=_data)
    render = commands.add_parser("report", help="render a report again; old.json is rendered into a folder named old")
    render.add_argument("source", metavar="RUN_OR_JSON", help="a report directory or a claims.json")
    render.add_argument(
        "--compare-with", metavar="OLD", help="a report directory or a claims.json: the report says what changed since"
    )
    render.set_defaults(run=_report)
    join = commands.add_parser("merge", help="make one report of several, such as the parts of a session")
    join.add_argument("folders", metavar="DIR", nargs="+", help="a report directory")
    join.add_argument("--into", metavar="DIR", required=True, help="the folder of the whole, which is new or empty")
    join.set_defaults(run=_merge)
    screen = commands.add_parser("picture", help="take a picture of the first screen of a report's page, by Chromium")
    screen.add_argument("source", metavar="RUN_OR_JSON", help="a report directory or a claims.json")
    screen.add_argument("png", metavar="PNG", help="the file to write")
    screen.set_defaults(run=_picture)
    differ = commands.add_parser(
        "compare", help="list verdicts and timings that changed; exit 1 if any verdict changed"
    )
    differ.add_argument("old", metavar="OLD", help="a report directory or a claims.json")
    differ.add_argument("new", metavar="NEW", help="the one to compare it with")
    differ.set_defaults(run=_compare)
    plan = commands.add_parser("plan", help="list what each tier would train, how, and how long that takes here")
    plan.add_argument(
        "claims", metavar="CLAIMS", nargs="*", default=["claims"], help="folders or files (default: claims)"
    )
    plan.add_argument("-k", metavar="EXPRESSION", default="", help="only tests with such names, as of pytest")
    plan.add_argument(
        "-m", metavar="MARKS", default="", help="only tests with such markers, as of pytest: gpu is the full tier"
    )
    plan.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where to train (default: auto, the CPU in the quick tier, and in the full tier CUDA if there is a device)",
    )
    plan.add_argument(
        "--cluster",
        action="store_true",
        help="simulate how long the full tier, or what -m selects, takes on clusters, from what is on record",
    )
    plan.add_argument(
        "--nodes",
        metavar="NODES",
        action="append",
        help="with --cluster: CPUs by node, such as 1,1, or 8x16+1 for eight nodes with 16 CPUs and a GPU (repeatable)",
    )
    plan.add_argument(
        "--times",
        metavar="RUN_OR_JSON",
        help="with --cluster: a report whose times to take instead of those on record, such as one of this machine",
    )
    plan.add_argument(
        "--markdown", metavar="PAGE", help="with --cluster: put the tables into a Markdown page, between its marks"
    )
    plan.set_defaults(run=_plan)
    record = commands.add_parser(
        "record", help="list the full tier's rulings on record, and how far pilots agree with them"
    )
    record.add_argument(
        "claims", metavar="CLAIMS", nargs="*", default=["claims"], help="folders or files (default: claims)"
    )
    record.add_argument("--markdown", metavar="PAGE", help="write a Markdown page instead")
    record.add_argument(
        "--run", action="store_true", dest="run_units", help="judge what is not on record, by rulings an hour"
    )
    record.add_argument("--budget", metavar="MINUTES", help="with --run: end after so long (default: when all is done)")
    record.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        help="with --run: where to train (default: auto, CUDA if there is a device and else the CPU)",
    )
    record.add_argument(
        "--precision",
        choices=("default", "strict"),
        help="with --run: strict turns TF32 off in convolutions on CUDA; a CPU has none, and keeps its stored blocks",
    )
    record.add_argument(
        "--report-dir", metavar="DIR", help="with --run: folder of the report (default: reports/record)"
    )
    record.add_argument(
        "--data-dir", metavar="DIR", help="with --run: folder of MNIST and CIFAR-10 (default: as of pytest)"
    )
    record.set_defaults(run=_record)
    found = commands.add_parser(
        "findings",
        help="look up the numbers of a page of findings on record, and draw its figures; exit 1 if one is not there",
    )
    found.add_argument("page", metavar="PAGE", help="a Markdown page, such as docs/findings.md")
    found.add_argument(
        "claims", metavar="CLAIMS", nargs="*", default=["claims"], help="folders or files (default: claims)"
    )
    found.set_defaults(run=_findings)
    store_commands.add(commands, _say, _terminal)
    chosen = parser.parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
    except OSError as error:
        print(f"hw1bench: {line(_of_disk(error))}", file=sys.stderr)
        return 2
    except (ValueError, RecursionError, MemoryError) as error:
        print(f"hw1bench: {line(str(error)) or type(error).__name__}", file=sys.stderr)
        return 2
    except Exception:  # a fault of ours: show all that is known about it, without the exit status of a change
        traceback.print_exc()
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
