"""The precision of training, by name, without torch."""

from typing import Literal

Precision = Literal["default", "strict"]
"""The precision of convolutions of float32 on CUDA: TF32, PyTorch's default and so the reports' arithmetic, or strictly float32.
Matrix products have float32's either way."""
