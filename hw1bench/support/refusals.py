"""Errors for a correct specification that this machine or its data cannot satisfy; their messages are one line."""


class Unavailable(Exception):
    """A correct specification that cannot be trained here; the message says why, in one line."""


class Unreadable(ValueError):
    """A data set that exists but cannot be used; the message says which file and why, in one line."""
