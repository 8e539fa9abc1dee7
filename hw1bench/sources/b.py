"""Report B (Clemson CPSC-8430, code published): leaky ReLU, CIFAR-10, batch-size and learning-rate sweeps."""

from hw1bench.experiment import Model

FIT_7 = Model("[1,5,10,10,10,10,10,5]", activation="leaky_relu")
FIT_4 = Model("[1,10,18,15,4]", activation="leaky_relu")
FIT_1 = Model("[1,190]", activation="leaky_relu")

# The softmax stands before cross-entropy, as in the report's code. One of its tables gives padding 1, which its own
# Linear(3600, 10) contradicts.
CIFAR_1 = Model("C(3-16,3,pool2) 3600-10 softmax")
# "33,16" in its table is read as 32,16.
CIFAR_2 = Model("C(3-16-32-64-32-16,3,p1,pool2) 16-10")
CIFAR_7 = Model("C(3-32-64,3,p1,pool2) 4096-100-10")
RANDOM = Model("1024-128-128-10")


def _size(*channels: int) -> Model:
    return Model(f"C({'-'.join(map(str, (3, *channels)))},3,p1,pool2) {channels[-1]}-10")


# The size sweep by the report's tables: number of the model -> network.
SIZE = {
    21: _size(8, 10, 20, 25, 16),
    22: _size(16, 10, 20, 25, 16),
    23: _size(16, 10, 32, 20, 16),
    24: _size(16, 25, 20, 25, 16),
    25: _size(16, 64, 20, 24, 16),
    26: _size(16, 128, 20, 30, 16),
    27: _size(16, 128, 20, 64, 16),
    28: _size(16, 128, 20, 100, 16),
    29: _size(16, 128, 20, 128, 16),
    30: _size(16, 128, 20, 128, 16),
    31: _size(16, 256, 128, 64, 32),
}
