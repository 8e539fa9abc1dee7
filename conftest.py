"""The one place where the plugin is registered."""

pytest_plugins = ["hw1bench.plugin", "pytester"]
