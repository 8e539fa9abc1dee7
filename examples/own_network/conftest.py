"""What the page calls the report and the topic of these claims; without it they are shown by their ids."""

from hw1bench import Pack, Report, Topic


def pytest_hw1bench_pack():
    return Pack(
        reports=(Report(id="tumours", title="Batch norm on a small table", source="an example"),),
        topics=(Topic(id="norm", title="Batch norm"),),
    )
