"""Refusals of one line, for what a right specification asks and this machine or its data cannot give."""


class Unavailable(Exception):
    """Training that cannot be had here, where the specification is right; the text says why, in one line."""


class Unreadable(ValueError):
    """A data set that is there and cannot be used; the text says which file and why, in one line."""
