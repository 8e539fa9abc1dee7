"""The one place where the plugin, and the pack of the five reports, are registered."""

pytest_plugins = ["hw1bench.plugin", "hw1bench.sources.pack", "pytester"]
