"""What all other rooms lean on: checks, files, arrays, numbers, threads, progress, the digests of code and machine."""
