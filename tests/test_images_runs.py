"""The same images give the same runs, bit for bit, from any container."""

from dataclasses import replace

import pytest
import torch

from cases import ARM
from hw1bench import Images, Model
from hw1bench.data import Library
from hw1bench.records.runs import Block
from hw1bench.training import engine
from image_sets import draw, files, own_cache, put_idx, put_tar, put_tree  # noqa: F401  # own_cache is a fixture

CPU = torch.device("cpu")
TRAINED = replace(
    ARM,
    data=Images(name="mnist", size=28),
    model=Model("C(1-4,5,pool2) dropout 576-10"),
    loss="cross_entropy",
    batch_size=8,
    epochs=2,
    precision="float32",
)


@pytest.fixture
def put(tmp_path):
    """Return a function that puts the set into a folder of its own in one of the containers, and returns the folder."""
    splits = draw("mnist")
    contents = files("mnist", splits)

    def put(container):
        folder = tmp_path / container
        if container == "raw":
            put_idx(folder, splits)
        elif container == "tree":
            put_tree(folder / "mnist", contents)
        else:
            put_tar(folder / f"mnist.{container}", dict(reversed(contents.items())))
        return folder

    return put


@pytest.mark.parametrize("container", ["tree", "tar", "tar.gz"])
@pytest.mark.parametrize("random_labels", [False, True])
def test_mnist_from_raw_files_and_from_pngs(container, random_labels, put):
    trained = replace(TRAINED, data=replace(TRAINED.data, random_labels=random_labels))
    block = Block("T", "containers", trained, 0)
    raw, other = Library(put("raw")), Library(put(container))
    one, again = (engine.train(block, CPU, library=library) for library in (raw, other))
    assert one.facts == again.facts
    for name, array in one.arrays.items():
        assert array.tobytes() == again.arrays[name].tobytes(), name
    assert engine.key(block, CPU, raw) == engine.key(block, CPU, other)
