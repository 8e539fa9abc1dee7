"""What all other rooms lean on: checks, files, arrays, numbers, threads, progress, the digest of the code."""
