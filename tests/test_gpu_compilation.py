"""The kernels for a GPU compile to machine code, which needs Triton but no GPU."""

import os
from importlib.util import find_spec

import pytest

if not find_spec("triton") or os.environ.get("TRITON_INTERPRET"):
    pytest.skip("Triton's compiler is not there, or its interpreter stands in for it", allow_module_level=True)

import triton
from triton.backends.compiler import GPUTarget

from hw1bench.training import gpu_kernels

CARDS = [80, 90]  # A100; H100 and H200
BLOCKS = {"BM": 32, "BN": 16}
KERNELS = {
    "gradients by weights": (gpu_kernels._by_weights, {"SIZE": 3, **BLOCKS, "BK": 16}),
    **{
        f"{name}, slope {slope}, pool {pool}": (kernel, {"POOL": pool, "SLOPE": slope, **BLOCKS})
        for name, kernel in (("forward", gpu_kernels._activate), ("backward", gpu_kernels._activated_backward))
        for slope, pool in ((0.0, 1), (0.01, 2))
    },
}
POINTERS = {"which": "*i8"} | dict.fromkeys(("x", "gradient", "parts", "z", "bias", "h", "given", "to_z"), "*fp32")


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(("kernel", "constants"), KERNELS.values(), ids=KERNELS)
def test_compiles(kernel, constants, card, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "1")  # Triton 3.9 warns unless it is told
    names = kernel.arg_names
    source = triton.compiler.ASTSource(
        fn=kernel,
        signature={name: "constexpr" if name in constants else POINTERS.get(name, "i32") for name in names},
        constexprs={(names.index(name),): value for name, value in constants.items()},
    )
    assert triton.compile(source, target=GPUTarget("cuda", card, 32)).asm["cubin"]
