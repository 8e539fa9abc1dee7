"""Shared foundations: checks, refusals, files, arrays, numbers, threads, progress, and digests of the code and the machine."""
