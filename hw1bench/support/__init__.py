"""What all other rooms lean on: checks, refusals, files, arrays, numbers, threads, progress, the digests of code and machine."""
