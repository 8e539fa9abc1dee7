"""A new repository of claims, as ``hw1bench init`` writes it: ``command``, and beside it the files that it starts from."""
