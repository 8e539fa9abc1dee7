"""The picture of the page's first screen, and that the one in README is not old."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from hw1bench.__main__ import main
from hw1bench.report import picture
from hw1bench.report.html import render
from hw1bench.report.reading import read
from sample_document import asking, document

ROOT = Path(__file__).parents[1]
needs_a_browser = pytest.mark.skipif(picture.on_path() is None, reason="no browser on PATH")


@needs_a_browser
def test_a_picture_shows_the_questions_and_keeps_their_digest(tmp_path):
    page = render(asking(document(figures=[])), tmp_path)
    found = picture.take(page)
    with Image.open(io.BytesIO(found)) as image:
        width, height = image.size
        assert width == 2 * picture.WIDTH
        assert 300 < height < 1800  # neither empty nor with the claims
        assert len(image.convert("RGB").getcolors(1 << 24)) > 8
    assert picture.digest_of(found) == picture.digest(page)


@needs_a_browser
def test_the_command_takes_it_and_writes_nothing_else(tmp_path, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "claims.json").write_text(json.dumps(asking(document(figures=[]))))
    target = tmp_path / "shown" / "first.png"
    assert main(["picture", str(folder), str(target)]) == 0
    assert capsys.readouterr().out == f"picture: {target}\n"
    assert picture.digest_of(target.read_bytes()) is not None
    assert [path.name for path in folder.iterdir()] == ["claims.json"]


def test_the_digest_is_of_what_is_shown_alone(tmp_path):
    found = asking(document(figures=[]))
    page = render(found, tmp_path)
    found["claims"][-1]["note"] = "Another reason."
    assert picture.digest(render(found, tmp_path)) == picture.digest(page)
    found["questions"][0]["text"] = "Is deeper sooner?"
    assert picture.digest(render(found, tmp_path)) != picture.digest(page)
    assert picture.digest(page.replace("</style>", "p { color: red; }</style>")) != picture.digest(page)


def test_other_files_keep_no_digest():
    written = io.BytesIO()
    Image.new("RGB", (4, 4)).save(written, "PNG")
    assert picture.digest_of(written.getvalue()) is None
    with pytest.raises(ValueError, match="not a picture"):
        picture.digest_of(b"GIF")


def test_without_a_browser_one_line_says_so():
    with pytest.raises(ValueError, match="none of no-such-browser is on PATH"):
        picture.browser(["no-such-browser"])


def test_the_picture_in_readme_is_of_the_sample_report():
    source, _ = read(ROOT / "reports" / "sample")
    page = render(source, ROOT / "reports" / "sample")
    shown = ROOT / "docs" / "first-screen.png"
    assert picture.digest_of(shown.read_bytes()) == picture.digest(page), "make picture"
    assert f"({shown.relative_to(ROOT)})" in (ROOT / "README.md").read_text(encoding="utf-8")
