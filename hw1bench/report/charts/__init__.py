"""The charts of trained runs: each kind draws its series into given axes."""
