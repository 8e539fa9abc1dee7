"""The trainer on a Ray cluster: one task a block or a measurement. Whatever is asked for ahead is made meanwhile."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary

import torch
from threadpoolctl import threadpool_info

from hw1bench.data import Library
from hw1bench.executors import packing
from hw1bench.executors.link import Link, Lost
from hw1bench.executors.local import LocalTrainer
from hw1bench.executors.packing import Machine, Made, Order
from hw1bench.measures.instruments import instrument_for
from hw1bench.records.runs import Block, Measured, Record, Work, blocks_of
from hw1bench.specs.experiment import BLOCK, Arm, Data
from hw1bench.specs.work import of_run
from hw1bench.support.precision import Precision
from hw1bench.support.progress import Progress
from hw1bench.support.refusals import Unavailable
from hw1bench.support.sharing import share
from hw1bench.training import engine, side_by_side

_SHARE = 0.25  # of a GPU that a block of small nets takes
_SLIVER = 0.01  # of a GPU that a question takes, without which it would not see the GPU
_POLL = 0.2  # seconds between two looks at the clock, and at signals
_ANSWER = 120.0  # seconds that a node may take to answer: it may have to start a process


class LostWork(Exception):
    """A block or a measurement whose process or node was lost each time; the message says which, and how."""


@dataclass
class _Task:
    """Work in progress: the number of its order, the multiply-adds of a run (0: a measurement), and its record to be."""

    number: int
    work: int
    record: Future[Record] = field(default_factory=Future)


class ClusterTrainer:
    """A trainer on the cluster that ``link`` leads to, with ``device`` "cpu" or "cuda" and the data of ``library``.

    ``here`` trains on this machine once the cluster is lost. ``keep`` is given each record as soon as it is home, and ``arrived``
    is told then, both in the thread of the link. ``made`` counts records by the id of the experiment.

    Raises ValueError, in one line, if the cluster has no processor, or no GPU for "cuda", or if one of its machines trains with
    other code than this one.
    """

    def __init__(
        self,
        link: Link,
        here: LocalTrainer,
        device: str,
        library: Library,
        progress: Progress,
        *,
        precision: Precision = "default",
    ) -> None:
        self._link, self._here, self._library, self._progress = link, here, library, progress
        self._device, self._precision = torch.device(device), precision
        self._threads = torch.get_num_threads()
        self._blas = max((one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"), default=1)
        self._lock = threading.RLock()
        self._number = 0
        self._queue: list[tuple[Work, list[Record | _Task]]] = []
        self._tasks: dict[Work, _Task] = {}
        self._orders: dict[int, Work] = {}
        self._answers: dict[int, Future[Any]] = {}
        self._sets: dict[Data, int] = {}
        self._home: WeakValueDictionary[Work, Record] = WeakValueDictionary()
        self._failed: dict[Work, Exception] = {}
        self._begun: set[int] = set()
        self._machines: dict[str, Machine] = {}
        self._lost = ""
        self.made: Counter[str] = Counter()
        self.keep: Callable[[Work, Record], None] = lambda of, record: None
        self.arrived: Callable[[Work], None] = lambda of: None
        self._processors = int(sum(resources.get("CPU", 0) for _, _, resources in link.nodes))
        self._largest = int(max((resources.get("CPU", 0) for _, _, resources in link.nodes), default=0))
        if not self._processors:
            raise ValueError("the cluster has no processors: start one of its nodes with --num-cpus")
        link.listen(self._heard)
        self._meet()

    def _meet(self) -> None:
        """Ask each node what it computes with. Raises ValueError for a cluster that cannot do what it is to do."""
        gpus = self._device.type == "cuda"
        able = [node for node in self._link.nodes if node[2].get("GPU" if gpus else "CPU", 0) > 0]
        if not able:
            raise ValueError("no node of the cluster has a GPU: give --device cpu")
        asked = [
            (host, self._ask(node, "describe", self._device.type, self._precision, self._threads, gpu=gpus))
            for node, host, _ in able
        ]
        for host, answer in asked:
            try:
                machine: Machine = packing.loads(answer.result(_ANSWER))
            except Exception as error:
                raise ValueError(
                    f"node {host} of the cluster cannot train ({' '.join(str(error).split()) or type(error).__name__}): "
                    "install hw1bench there as it is here"
                ) from None
            if machine.sources != packing.sources():
                raise ValueError(
                    f"node {host} of the cluster trains with other code than this machine: install the same hw1bench"
                )
            self._machines.setdefault(machine.kind, machine)

    @property
    def environment(self) -> dict[str, Any]:
        """What trains, as a report states it; of machines that differ all that they have, such as "avx2 / avx512"."""
        found = [machine.environment for machine in self._machines.values()]
        every = {name: list(dict.fromkeys(str(one.get(name)) for one in found)) for name in found[0]}
        return {name: found[0][name] if len(said) == 1 else " / ".join(sorted(said)) for name, said in every.items()}

    def beside_a_gpu(self, arm: Arm) -> bool:
        """False: everything is trained beside everything else."""
        return False

    def keys(self, of: Work, known: Mapping[Block, Record]) -> Sequence[str]:
        if self._lost or (self._on(of) == "cpu" and set(self._machines) == {self._kind_here}):
            return self._here.keys(of, known)
        names = tuple(known[block].name for block in of.blocks) if isinstance(of, Measured) else ()
        gpu = self._on(of) == "cuda"
        try:
            order, found, _ = self._packed(of, 1)
            asked = [self._ask(one.node, "names", order, found, names, gpu=gpu) for one in self._machines.values()]
            return [*dict.fromkeys(name for answer in asked for name in answer.result(_ANSWER))]
        except Lost:
            return self._here.keys(of, known)

    @cached_property
    def _kind_here(self) -> str:
        return engine.machine(torch.device("cpu"), self._precision)

    def unfit(self, record: Record, of: Work) -> str:
        return self._here.unfit(record, of)

    def make(self, work: Sequence[Work], known: Mapping[Block, Record], done: Callable[[Work, Record], None]) -> None:
        """Have ``work`` made, and wait for it. Raises LostWork for work whose process was lost three times, and what the work
        itself raises. If the cluster is lost, what is missing is made on this machine."""
        got: dict[Work, Record] = {}
        try:
            with self._lock:
                self.expect(work, known)
                pending = {self._tasks[of].record: of for of in work if of in self._tasks}
                there = {of: self._home[of] for of in work if of in self._home}
            self.submit()
            self._wait(work, pending, there, got, done)
        except Lost:
            if self._device.type == "cuda":
                raise Unavailable(
                    f"the cluster is lost ({self._lost}), and this machine was not asked to train"
                ) from None
            missing = [of for of in work if of not in got]
            blocks = {of: record for of, record in got.items() if isinstance(of, Block)}
            self._here.make(missing, {**known, **blocks}, done)

    def _wait(
        self,
        work: Sequence[Work],
        pending: dict[Future[Record], Work],
        there: Mapping[Work, Record],
        got: dict[Work, Record],
        done: Callable[[Work, Record], None],
    ) -> None:
        """Wait for what is ``pending`` of ``work``; what is ``there`` or comes is ``got``, and ``done``."""
        if self._lost:
            raise Lost(self._lost)
        for of in work:
            if of not in there and of not in pending.values():
                raise self._failed[of]
        for of, record in there.items():
            got[of] = record
            done(of, record)
        self._progress.start(self._state(), len(pending))
        try:
            while pending:
                finished = wait(pending, _POLL, FIRST_COMPLETED).done
                for future in finished:
                    of = pending.pop(future)
                    got[of] = future.result()
                    done(of, got[of])
                self._progress.advance(len(finished), self._state())
        finally:
            self._progress.finish()

    def _state(self) -> str:
        """How far the cluster is, for the display."""
        with self._lock:
            numbers = {task.number for task in self._tasks.values()}
            running = len(numbers & self._begun)
            return f"{running} running, {len(numbers) - running} waiting, {sum(self.made.values())} done"

    def expect(self, work: Sequence[Work], known: Mapping[Block, Record]) -> list[Work]:
        """Take ``work`` into the queue, unless it is being made, or was; ``submit`` submits the queue. Return what of it is not
        there yet."""
        with self._lock:
            for of in work:
                if of not in self._tasks and of not in self._home and of not in self._failed:
                    blocks = of.blocks if isinstance(of, Measured) else ()
                    self._queue.append((of, [self._source(block, known) for block in blocks]))
                    self._tasks[of] = _Task(self._next(), of_run(of.arm) if isinstance(of, Block) else 0)
            return [of for of in work if of not in self._home]

    def _source(self, block: Block, known: Mapping[Block, Record]) -> "Record | _Task":
        """Where the record of ``block`` will come from for a measurement. Raises what training it raised."""
        if block in self._failed:
            raise self._failed[block]
        return self._tasks.get(block) or self._home.get(block) or known[block]

    def submit(self) -> None:
        """Submit what is in the queue, the most work first. A block takes so many processors that it is done when all that waits
        may be done, or one if that is sooner; a measurement takes one."""
        with self._lock:
            queue, self._queue = self._queue, []
            if self._lost:
                return
            waiting = sum(task.work for task in self._tasks.values())
            for of, sources in sorted(queue, key=lambda one: -self._tasks[one[0]].work):
                work = self._tasks[of].work
                self._submit(of, sources, share(work, waiting, self._processors, self._largest, BLOCK) if work else 1)

    def _submit(self, of: Work, sources: Sequence[Record | _Task], processors: int) -> None:
        on_gpu = self._on(of) == "cuda"
        if on_gpu:
            processors = 1
        elif engine.threads_matter(blocks_of(of)[0].arm, self._device) and isinstance(of, Block):
            processors = min(self._threads, self._largest)
        try:
            order, found, small = self._packed(of, processors)
            arguments, sent = [order, found], []
            for source in sources:
                if isinstance(source, _Task) and not source.record.done():
                    arguments.append([source.number])
                else:
                    record = source.record.result() if isinstance(source, _Task) else source
                    sent.append(self._put(packing.dumps(Made(record, None, "", ""))))
                    arguments.append([sent[-1]])
        except Lost:
            raise
        except Exception as error:
            self._failed[of] = error
            self._tasks.pop(of).record.set_exception(error)
            return
        number = self._tasks[of].number
        self._orders[number] = of
        gpus = 0.0 if not on_gpu else _SHARE if small else 1.0
        self._link.send("order", number, "make", arguments, processors, gpus)
        for one in sent:
            self._link.send("drop", one)

    def check(self, work: Sequence[Work]) -> None:
        """Raise ValueError, in one line, if something of ``work`` cannot be sent to other processes."""
        sets: set[Data] = set()
        for of in work:
            data = blocks_of(of)[0].arm.data
            try:
                packing.dumps(self._order(of, 1), data)
                if data not in sets:
                    sets.add(data)
                    packing.dumps(data)
            except Exception as error:
                why = f"{type(error).__name__}: {' '.join(str(error).split())}"
                raise ValueError(
                    f"{_name(of)} cannot be sent to a cluster ({why}): "
                    "let its functions make or open what they need themselves, or leave out --executor"
                ) from None

    def _packed(self, of: Work, processors: int) -> tuple[bytes, list[int], bool]:
        """The order for ``of``, the number of its data set, and whether its nets are small."""
        arm = blocks_of(of)[0].arm
        if arm.data not in self._sets:
            self._sets[arm.data] = self._put(packing.sent(arm.data, self._library.load(arm.data)))
        return packing.dumps(self._order(of, processors), arm.data), [self._sets[arm.data]], side_by_side.small(arm)

    def _order(self, of: Work, processors: int) -> Order:
        authors = self._here.own(of.measurement) if isinstance(of, Measured) else {}
        instrument = instrument_for(of.measurement) if isinstance(of, Measured) and authors else None
        return Order(
            of=of,
            device=self._on(of),
            precision=self._precision,
            processors=processors,
            threads=self._threads,
            blas=self._blas,
            sources=packing.sources(),
            own=authors,
            instrument=instrument,
        )

    def _on(self, of: Work) -> str:
        """The device for ``of``: nets that fit functions stay on the host's processors."""
        arm = blocks_of(of)[0].arm
        return "cpu" if engine.backend(arm, self._device) == "fit_kernel" else self._device.type

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _put(self, thing: Any) -> int:
        with self._lock:
            number = self._next()
            self._link.send("put", number, thing)
            return number

    def _ask(self, node: str, function: str, *arguments: Any, gpu: bool = False) -> Future[Any]:
        with self._lock:
            number = self._next()
            answer = self._answers[number] = Future()
            self._link.send("question", number, node, function, arguments, _SLIVER if gpu else 0.0)
            return answer

    def _heard(self, word: str, *rest: Any) -> None:
        """Take in a message of the link, in its thread."""
        match word:
            case "begun":
                self._begun.update(rest[0])
            case "lost":
                self._lose(rest[0])
            case "done" if rest[0] in self._answers:
                self._answers.pop(rest[0]).set_result(rest[1])
            case "failed" if rest[0] in self._answers:
                self._answers.pop(rest[0]).set_exception(RuntimeError(rest[1]))
            case "done":
                self._come(rest[0], packing.loads(rest[1]))
            case "failed":
                of = self._orders[rest[0]]
                way_out = "if no machine was, its own code may end the process"
                error = LostWork(f"{_name(of)} was lost each time ({rest[1]}): {way_out}")
                self._come(rest[0], Made(None, error, "", ""))

    def _come(self, number: int, made: Made) -> None:
        with self._lock:
            of = self._orders.pop(number)
            if made.record is None:
                self._failed[of] = made.error or LostWork(f"{_name(of)} came back empty")
            else:
                self._home[of] = made.record
                self.made[blocks_of(of)[0].experiment_id] += 1
        if made.record is not None:
            self.keep(of, made.record)
        with self._lock:
            task = self._tasks.pop(of)
            with suppress(Lost):
                self._link.send("drop", number)
                if made.kind and made.kind not in self._machines:
                    self._ask_of(made.node)
        if made.record is None:
            task.record.set_exception(self._failed[of])
        else:
            task.record.set_result(made.record)
            self.arrived(of)

    def _ask_of(self, node: str) -> None:
        """Ask what a machine computes with that has joined meanwhile."""

        def met(answer: Future[Any]) -> None:
            with suppress(Exception):
                machine: Machine = packing.loads(answer.result())
                self._machines.setdefault(machine.kind, machine)

        gpu = self._device.type == "cuda"
        self._ask(node, "describe", self._device.type, self._precision, self._threads, gpu=gpu).add_done_callback(met)

    def _lose(self, why: str) -> None:
        with self._lock:
            self._lost = why
            waiting = [task.record for task in self._tasks.values()] + [*self._answers.values()]
            self._tasks.clear()
            self._answers.clear()
        for one in waiting:
            one.set_exception(Lost(why))
        cuda = self._device.type == "cuda"
        what = "the session ends in good order" if cuda else "the session goes on on this machine"
        self._progress.notice(f"the Ray cluster is lost ({why}): {what}")

    def end(self) -> None:
        """Give the cluster back, and what runs there up."""
        self._link.end()


def _name(of: Work) -> str:
    return str(of) if isinstance(of, Block) else f"{of.blocks[0]}, {of.measurement.title}"
