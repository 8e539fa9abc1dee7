"""Benchmarks of hw1bench against the plain PyTorch loop, JAX and the machine's floor, measured in one run."""
