"""What a document keeps of the one it is compared with: what is refused in it, and a report that is rendered again with it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw1bench.report import again, compare
from hw1bench.report.changes import found
from hw1bench.report.contract import check
from hw1bench.report.html import render as page_of
from hw1bench.report.markdown import render
from hw1bench.report.reading import read
from parsed_page import Page
from sample_document import claim, document, everything, evidence, pilot

FALLS = evidence([-1.0] * 8)


def since(old, new):
    """The document ``new`` with ``old`` to compare it with."""
    return {**new, "compared": compare.facts(old)}


def test_the_sample_compared_with_itself_keeps_the_contract_and_survives_json():
    whole = since(document(), document())
    check(json.loads(json.dumps(whole)))
    (changes, record) = found(whole)
    assert changes.summary == "Nothing changed: 8 verdicts and 4 pilots as before."
    assert record.title == "Against the record"
    assert len(compare.facts(document())["claims"]) == len(everything())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tier": "full"}, "compared is of the full tier, and the document of the quick tier: remove it"),
        ({"started": "then"}, "compared.started is 'then'"),
        ({"claims": [claim(), claim()]}, "compared: claim id 'A-fit-sinc-shallow-first' occurs more than once"),
        ({"claims": [claim(holds=9)]}, "holds in 9 of 8 seeds"),
        ({"claims": [claim(verdict="seen")]}, "is as reported and says 'seen'"),
        ({"claims": [claim(how="absent")]}, "is supported, but how is 'absent'"),
        ({"claims": [claim(verdict="true")]}, r"compared.claims\[0\].verdict is 'true'"),
    ],
)
def test_a_comparison_that_no_session_can_have_written_is_refused(changed, message):
    faulty = document(claim())
    other = compare.facts({**document(), **changed})
    with pytest.raises(ValueError, match=message):
        check({**faulty, "compared": other})


def test_an_interval_of_the_other_document_is_in_order():
    whole = since(document(claim()), document(claim()))
    whole["compared"]["claims"][0]["effect"]["interval"] = ["+infinity", 0.0]
    with pytest.raises(ValueError, match=r"has the interval inf to 0\.0: write the lower end first"):
        check(whole)


ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["not run", "seen", "undefined"])
)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_comparison_is_refused_in_one_line_or_told(data):
    whole = since(document(claim(), pilot()), document(claim(**FALLS), pilot()))
    inside = whole["compared"]
    while True:
        key = data.draw(st.sampled_from(list(inside) if isinstance(inside, dict) else range(len(inside))))
        if not isinstance(inside[key], dict | list) or data.draw(st.integers(0, 9)) == 0:
            break
        inside = inside[key]
    inside[key] = data.draw(ODD)
    said = None
    try:
        check(whole)
    except ValueError as error:
        said = str(error)
    if said is None:
        found(whole)
        render(whole)
        compare.against("old", whole)
    else:
        assert "\n" not in said
        assert "compared" in said


# Rendering again.


def put(folder, *claims, **changed):
    folder.mkdir()
    (folder / "claims.json").write_text(json.dumps(document(*claims, figures=[], **changed)))
    return folder


def test_a_report_is_rendered_again_with_a_comparison_and_keeps_it(tmp_path):
    old, new = put(tmp_path / "old", claim()), put(tmp_path / "new", claim(**FALLS))
    again(new, other=old)
    pages = [(new / name).read_bytes() for name in ("index.html", "claims.md", "claims.json")]
    assert "Contradicts what was found before: 1" in Page((new / "index.html").read_text()).text("changes")
    again(new)
    assert [(new / name).read_bytes() for name in ("index.html", "claims.md", "claims.json")] == pages
    whole, _ = read(new)
    assert (new / "index.html").read_text() == page_of(whole, new)
    again(new, other=new)  # what it is compared with is replaced
    assert "Nothing changed" in (new / "claims.md").read_text()


def test_a_document_of_another_name_stays_as_it_is(tmp_path):
    old = put(tmp_path / "old", claim())
    content = json.dumps(document(claim(**FALLS), figures=[]))
    (tmp_path / "run.json").write_text(content)
    folder = again(tmp_path / "run.json", other=old)
    assert (tmp_path / "run.json").read_text() == content
    assert "compared" in read(folder)[0]
    again(tmp_path / "run.json", other=old)
    assert again(tmp_path / "run.json") == folder
    assert read(folder)[0] == json.loads(content)


@pytest.mark.parametrize(
    ("claims", "changed", "message"),
    [
        (
            [],
            {"tier": "full"},
            r"old.claims\.json is of the full tier, and .* of the quick tier: name one of this tier",
        ),
        ([claim(tier="full")], {}, "is of the full tier"),
        ([claim("A-fit-y")], {}, "has none of the 1 claim to compare with it: name a report that has some of them"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_written(tmp_path, claims, changed, message):
    old, new = put(tmp_path / "old", *claims, **changed), put(tmp_path / "new", claim())
    before = (new / "claims.json").read_bytes()
    with pytest.raises(ValueError, match=message):
        again(new, other=old)
    assert [path.name for path in new.iterdir()] == ["claims.json"]
    assert (new / "claims.json").read_bytes() == before
