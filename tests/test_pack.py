"""Reports, topics and packs: what each accepts, and how packs are merged."""

import pytest

from hw1bench import Pack, Report, Topic
from hw1bench.specs.pack import merged

SIX = Report("six", title="A sixth", source="another course", url="https://example.org/six.pdf")


@pytest.mark.parametrize("url", ["", "https://example.org", "http://example.org/a?b=c#d"])
def test_a_link_is_a_web_address_or_empty(url):
    assert Report("x", url=url).url == url


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "example.org", "https://", "https://a b", "https://a\n", 'https://a"b', None]
)
def test_any_other_link_is_refused(url):
    with pytest.raises(ValueError, match=r"^Report 'x' url is .*: give "):
        Report("x", url=url)


@pytest.mark.parametrize("name", ["", "a/b", "a(b", "across", "a\nb", 3])
def test_the_id_of_a_report_is_safe_for_files_and_markers(name):
    with pytest.raises(ValueError, match="Report id is "):
        Report(name)


def test_packs_are_merged_in_their_order():
    first = Pack(reports=[Report("b"), Report("a")], topics=[Topic("late", "Late"), Topic("early", "Early")])
    second = Pack(reports=[SIX, Report("a")], topics=[Topic("early", "Early"), Topic("own", "Own")])
    found = merged([first, second])
    assert [report.id for report in found.reports] == ["b", "a", "six"]
    assert [topic.id for topic in found.topics] == ["late", "early", "own"]
    assert merged([]) == Pack()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Pack(reports=[SIX]), Pack(reports=[Report("six", title="Another")])),
        (Pack(reports=[SIX]), Pack(reports=[Report("Six")])),  # one marker, and on some disks one file
        (Pack(topics=[Topic("six", "One")]), Pack(topics=[Topic("six", "Another")])),
    ],
)
def test_two_reports_or_topics_with_one_id_are_refused_in_one_line(first, second):
    with pytest.raises(
        ValueError, match=r"^two (reports|topics) have the id '[Ss]ix', .* and .*: give one of them a different id$"
    ):
        merged([first, second])


@pytest.mark.parametrize("pack", [{"reports": ["six"]}, {"topics": ["fit"]}, {"reports": SIX}])
def test_a_pack_holds_reports_and_topics(pack):
    with pytest.raises(ValueError, match=r"^Pack (reports|topics)"):
        Pack(**pack)
