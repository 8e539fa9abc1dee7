"""How fast: ours against the plain PyTorch loop, JAX and the machine's own floor, measured in one run."""
