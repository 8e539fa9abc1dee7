"""The page in a browser leaves nobody out by colour, keyboard, motion or paper."""

import re

import pytest

from sample_document import across, asking, claim, document, everything


def colours(page) -> tuple[str, str]:
    style = page.evaluate("(({backgroundColor, color}) => [backgroundColor, color])(getComputedStyle(document.body))")
    return tuple(style)


def test_it_follows_the_readers_theme_but_prints_light(show):
    light = colours(show(scheme="light"))
    page = show(scheme="dark")
    assert colours(page) != light
    page.emulate_media(media="print", color_scheme="dark")
    assert colours(page) == light


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (400, "light")])
def test_no_fault_that_axe_finds(show, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core looks for faults").Axe()
    found = asking(document(*everything(), figures=[*document()["figures"], across()]))
    page = show(found, width=width, scheme=scheme)
    # A row that is off the screen is not laid out, so what is asked for its place would be told where it is not.
    page.evaluate("document.querySelectorAll('details').forEach(one => one.style.contentVisibility = 'visible')")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    options = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
    faults = axe.run(page, options=options).response["violations"]
    assert not [(fault["id"], [node["html"] for node in fault["nodes"]][:3]) for fault in faults]


def test_the_filter_is_five_tab_stops_away_or_fewer(show):
    page = show()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "text"


def test_targets_are_24_pixels_high(show):
    page = show(width=400)
    low = page.locator(
        "nav a, .filter select, .filter label, button, #rows > details > summary, .gallery summary"
    ).evaluate_all("found => found.filter(one => one.offsetHeight && one.offsetHeight < 24).map(one => one.outerHTML)")
    assert not low


def test_nothing_moves(show):
    moving = """[...document.querySelectorAll("*")].filter(one => {
      const style = getComputedStyle(one);
      return style.scrollBehavior !== "auto" || style.animationName !== "none" || style.transitionDuration !== "0s";
    }).length"""
    assert show().evaluate(moving) == 0


def test_on_paper_it_is_a_document(show):
    found = document(*(claim(f"A-fit-{number}") for number in range(200)))
    page = show(found)
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert 2 <= pages <= 20
