"""The functions of one number that nets fit, by name."""

from collections.abc import Callable

import numpy as np

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sinc": lambda x: np.sinc(5 * x),  # numpy's sinc is the normalised one: sin(5 pi x) / (5 pi x)
    "sgn": lambda x: np.sign(np.sin(5 * np.pi * x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sawtooth": lambda x: 2 * (2.5 * x - np.floor(2.5 * x + 0.5)),
}
