"""The one place that registers the plugin and the pack of the five reports."""

pytest_plugins = ["hw1bench.plugin", "hw1bench.sources.pack", "pytester"]
