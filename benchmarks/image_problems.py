"""The nets on images that benchmarks train, with the operations and bytes that a step of one run cannot do without."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hw1bench.data import Dataset, Library, Split
from hw1bench.records.runs import Block
from hw1bench.sources.tiers import AT_ENDS, CIFAR10, MNIST
from hw1bench.specs import notation, work
from hw1bench.specs.experiment import Arm, Data, Images, Model, Optimizer
from hw1bench.training.streams import generator_for


@dataclass(frozen=True)
class Operations:
    """Floating-point operations of a step's products: in convolutions, and in dense layers."""

    convolutions: int
    dense: int

    @property
    def total(self) -> int:
        return self.convolutions + self.dense


@dataclass(frozen=True)
class Problem:
    """A net and its batch size, on ``samples`` images of a set: whole batches of them."""

    data: Images
    layout: str
    batch: int
    samples: int = 12_800

    @property
    def arm(self) -> Arm:
        return Arm(
            name="net",
            data=self.data,
            model=Model(self.layout),
            loss="nll" if self.layout.endswith("logsoftmax") else "cross_entropy",
            optimizer=Optimizer(name="adam", lr=1e-4),
            epochs=1,
            batch_size=self.batch,
            evaluation=AT_ENDS,
        )

    @property
    def block(self) -> Block:
        return Block("bench", "images", self.arm, 0)

    @property
    def steps(self) -> int:
        """Steps of one run in an epoch."""
        return self.arm.steps_per_epoch(self.samples)

    @property
    def operations(self) -> Operations:
        """Of a step of one run: forward, weight gradients, and input gradients above the first layer."""
        return self._operations(4 * self.batch, 6 * self.batch)

    def forward(self, samples: int) -> Operations:
        """Return those of so many samples, evaluated."""
        return self._operations(2 * samples, 2 * samples)

    def _operations(self, first: int, others: int) -> Operations:
        """Return so many for each multiply-add of a sample in the first layer, and in the others."""
        layers = [layer for layer in notation.parse(self.layout) if isinstance(layer, notation.Conv | notation.Linear)]
        found = {notation.Conv: 0, notation.Linear: 0}
        for place, (layer, products) in enumerate(
            zip(layers, work.by_layer(self.layout, self.data.shape), strict=True)
        ):
            found[type(layer)] += (others if place else first) * products
        return Operations(found[notation.Conv], found[notation.Linear])

    @property
    def bytes(self) -> int:
        """Bytes that a step of one run moves at least: its batch is read, and the weights and Adam's two moments are read and
        written, all in float32.

        Activations and gradients begin and end within a step, so a step may keep them on the chip, and they do not count. In
        E's largest nets they do not fit there (700 MB for size 10), so what is possible is slower than what these bytes say.
        """
        features = torch.Size(self.data.shape).numel()
        return 4 * (self.batch * features + 6 * self.arm.model.parameters)

    def images(self) -> Dataset:
        """Random images and classes; the test set has few."""
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(self.samples, *self.data.shape, generator=generator)
        y = torch.randint(10, (self.samples,), generator=generator)
        return Dataset("random", Split(x, y), Split(x[:100], y[:100]), "random", 10)

    def orders(self, runs: int) -> Iterator[Tensor]:
        """Yield the rows (steps, runs, batch) of the samples of each epoch, in the order in which the first ``runs`` seeds take
        them."""
        generators = [generator_for(self.block, "order", seed) for seed in self.block.seeds[:runs]]
        while True:
            rows = [torch.randperm(self.samples, generator=generator) for generator in generators]
            yield torch.stack(rows).view(runs, self.steps, self.batch).transpose(0, 1)


class Given(Library):
    """A library whose only set is a ``dataset`` in memory."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__()
        self._dataset = dataset

    def load(self, spec: Data) -> Dataset:
        return self._dataset


_AUGMENTED = replace(CIFAR10, augment=True)
PROBLEMS = {  # in the order in which they are timed: E's nets, which take longest, come last
    "A, 784-256-10": Problem(MNIST, "784-256-10", 64),
    "A, 784-500-50-10": Problem(MNIST, "784-500-50-10", 64),
    "B, 1024-128-128-10": Problem(replace(MNIST, size=32), "1024-128-128-10", 100),
    "D, CNN-1": Problem(MNIST, "C(1-16-32,4,pool2) 512-10", 64),
    "A, CNN-1": Problem(MNIST, "C(1-10,5,pool2) C(10-20,5) dropout2d pool2 320-50-10 logsoftmax", 64),
    "B, cifar-1": Problem(_AUGMENTED, "C(3-16,3,pool2) 3600-10 softmax", 64),
    "B, cifar-2": Problem(_AUGMENTED, "C(3-16-32-64-32-16,3,p1,pool2) 16-10", 64),
    "B, cifar-3": Problem(_AUGMENTED, "C(3-32-64,3,p1,pool2) 4096-100-10", 64),
    "C, mnist-1": Problem(MNIST, "C(1-16-32-64-128,3,p1,pool2) dropout 128-1024-505 dropout 505-10", 128),
    "C, mnist-3": Problem(
        MNIST,
        "C(1-4-4,3,p1) pool2 C(4-8-8,3,p1) pool2 C(8-16-16,3,p1) pool2 C(16-32-32,3,p1) pool2 dropout "
        "32-1024-512-256-128-64-32 dropout 32-10",
        128,
    ),
    "E, size 5": Problem(MNIST, "C(1-64-128,3,p1,pool2) 6272-256-128-10", 128, 6_400),
    "E, size 8": Problem(MNIST, "C(1-128-256-512,3,p1,pool2) 4608-512-256-10", 128, 6_400),
    "E, size 10": Problem(MNIST, "C(1-256-512-1024,3,p1,pool2) 9216-1024-512-10", 128, 3_200),
}
