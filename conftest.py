"""The one place that registers the plugin and the pack of the five reports."""

pytest_plugins = ["pytest_hw1bench", "hw1bench.sources.pack", "pytester"]
