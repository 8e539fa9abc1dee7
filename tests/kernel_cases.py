"""What the tests of both kernels share."""

import pytest

from hw1bench.training.kernels import binaries

built = pytest.mark.skipif(binaries.isa() is None, reason=binaries.reason() or "built")


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.tobytes() == other[name].tobytes(), name
