"""The page in a browser, opened from disk: it fits both widths, filters, sorts, keeps its state in the address, and asks for
nothing."""

import pytest

from hw1bench.report import groups
from sample_document import TOPICS, asking, claim, document, everything, figure

FIRST = "A-fit-sinc-shallow-first"


def rows(page) -> list[str]:
    """The ids of the claims whose rows are shown, from top to bottom."""
    found = page.locator("#rows > details:visible").evaluate_all("rows => rows.map(row => row.id)")
    return [one.removeprefix("row-") for one in found]


def field(page, name: str):
    return page.locator(f"#filter [name={name}]")


def verdict(page, group: str):
    return page.locator(f"#filter [type=checkbox][value='{group}']")


def address(page) -> str:
    return page.evaluate("decodeURIComponent(location.hash)")


def in_order(wanted) -> list[str]:
    """The claims of the sample for which ``wanted`` holds, in the order of the page."""
    topics = [topic["id"] for topic in TOPICS]
    shown = sorted(everything(), key=lambda one: (topics.index(one["topic"]), one["report"]))
    return [one["id"] for one in shown if wanted(one)]


def test_it_asks_for_nothing_and_says_nothing_on_the_console(show):
    page = show()
    page.locator("#rows > details > summary").nth(1).click()
    page.locator(".gallery summary").first.click()
    field(page, "text").fill("net")
    page.wait_for_function("[...document.images].some(image => image.naturalWidth)")
    assert [said for said in page.said if not said.startswith("data:image/")] == [page.path.as_uri()]


@pytest.mark.parametrize("width", [400, 980, 1280])
def test_it_fits_the_width(show, width):
    found = asking(document())
    found["claims"][2]["says"] = "Averyveryverylongword" * 12
    page = show(found, width=width)
    for row in page.locator("#rows > details > summary").all():
        row.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.querySelectorAll('td')].every(cell => cell.scrollWidth <= cell.clientWidth)")
    assert page.locator("circle.dot").count() == sum(
        len(one["effect"]["values"]) for one in found["claims"] if one["effect"]
    )
    beside = page.locator(f"#claim-{FIRST} .evidence").evaluate("element => getComputedStyle(element).display")
    assert beside == ("block" if width == 400 else "grid")


def test_pilots_look_otherwise_and_dots_that_hold_are_filled(show):
    page = show()
    style = "(element, name) => getComputedStyle(element)[name]"
    chips = [
        page.locator(f"{kind} .chip").first.evaluate(style, "textDecorationStyle") for kind in (".ruled", ".pilot")
    ]
    tiles = [page.locator(f".counts {kind}").first.evaluate(style, "borderTopStyle") for kind in (".ruled", ".pilot")]
    assert chips == tiles == ["solid", "dashed"]
    fills = {kind: page.locator(f".dot.{kind}").first.evaluate(style, "fill") for kind in ("holds", "fails")}
    assert fills["holds"] != fills["fails"]


def test_all_claims_are_shown_at_first(show):
    page = show()
    assert rows(page) == in_order(lambda one: True)
    assert page.inner_text("#showing") == f"showing {len(everything())} of {len(everything())}"


@pytest.mark.parametrize(
    ("name", "choice", "state", "wanted"),
    [
        ("report", "D", "report=D", lambda one: one["report"] == "D"),
        ("topic", "Random labels", "topic=random", lambda one: one["topic"] == "random"),
        ("protocol", "reduced", "protocol=reduced", lambda one: one["fidelity"] == "reduced"),
        ("record", "not on record", "record=not+on+record", lambda one: one["record"] is None),
        ("record", "refuted", "record=refuted", lambda one: (one["record"] or {}).get("verdict") == "refuted"),
    ],
)
def test_a_choice_shows_its_claims_alone(show, name, choice, state, wanted):
    page = show()
    field(page, name).select_option(label=choice)
    shown = in_order(wanted)
    assert rows(page) == shown
    assert page.inner_text("#showing") == f"showing {len(shown)} of {len(everything())}"
    assert address(page) == f"#?{state}"


def test_verdicts_are_chosen_together_and_with_the_rest(show):
    page = show()
    verdict(page, "refuted").check()
    verdict(page, "pilot: seen").check()
    assert rows(page) == in_order(lambda one: groups.group(one) in ("refuted", "pilot: seen"))
    field(page, "report").select_option("A")
    assert rows(page) == ["A-count-flatness", "A-fit-sinc-7-by-8000"]
    assert page.locator("#rows h3:visible bdi").all_inner_texts() == ["Parameter counts", "Fitting functions"]
    page.get_by_role("button", name="Show all").click()
    assert rows(page) == in_order(lambda one: True)
    assert address(page) == "#claims"


def test_every_word_of_the_text_must_be_there(show):
    found = document(
        claim("A-fit-one", says="The Deep net learns."), claim("A-fit-two", says="A net is deep; it learns not.")
    )
    page = show(found)
    for text, shown in {
        "deep NET": ["A-fit-one", "A-fit-two"],
        "learns net deep not": ["A-fit-two"],
        "fit-one": ["A-fit-one"],
        "shallow": [],
        " ": ["A-fit-one", "A-fit-two"],
    }.items():
        field(page, "text").fill(text)
        assert rows(page) == shown


def test_an_address_shows_what_was_chosen_and_survives_a_reload(show):
    page = show()
    field(page, "text").fill("net")
    verdict(page, "refuted").check()
    field(page, "report").select_option("A")
    page.get_by_role("button", name="sentence").click()
    kept, state = rows(page), page.evaluate("location.hash")
    page.reload()
    assert rows(page) == kept
    again = show(after=state)
    assert rows(again) == kept
    assert verdict(again, "refuted").is_checked()
    assert field(again, "text").input_value() == "net"


@pytest.mark.parametrize(
    "state", ["#?report=nobody", "#?verdict=%E0%A4%A&sort=nothing", "#?sort=-", "#?&&=&", "#%E0%A4%A"]
)
def test_an_address_that_means_nothing_hides_nothing_for_good(show, state):
    page = show(after=state)
    assert not [said for said in page.said if "rror" in said]
    page.get_by_role("button", name="Show all").click()
    assert rows(page) == in_order(lambda one: True)


@pytest.mark.parametrize(
    ("button", "key"),
    [
        ("verdict", lambda one: groups.GROUPS.index(groups.group(one))),
        ("sentence", lambda one: one["says"].lower()),
        ("report", lambda one: one["report"]),
        (
            "holds in",
            lambda one: one["holds"] / one["seeds"] if one["seeds"] and one["verdict"] != "no evidence" else None,
        ),
        ("protocol", lambda one: ["as reported", "reduced"].index(one["fidelity"])),
        ("on record", lambda one: groups.GROUPS.index(one["record"]["verdict"]) if one["record"] else None),
    ],
)
def test_a_column_sorts_up_then_down_and_then_no_more(show, button, key):
    page = show()
    keys = {one["id"]: key(one) for one in everything()}
    there = sorted(value for value in keys.values() if value is not None)
    column = page.locator(".columns").get_by_role("button", name=button)
    for wanted in (there, there[::-1]):
        column.click()
        found = [keys[name] for name in rows(page)]
        assert found == wanted + [None] * (len(keys) - len(there))  # what has no such number comes last, either way
        assert column.get_attribute("aria-pressed") == "true"
        assert page.locator("#rows h3:visible").count() == 0
    column.click()
    assert rows(page) == in_order(lambda one: True)
    assert column.get_attribute("aria-pressed") == "false"


def test_a_link_opens_its_claim_even_if_it_is_filtered_out(show):
    page = show()
    field(page, "report").select_option("D")
    page.locator("#failed a").first.click()
    assert page.locator("#claim-A-fit-sinc-7-by-8000").is_visible()
    assert "D-fit-deeper-better-sinc" in rows(page)  # and what was chosen is still there


@pytest.mark.parametrize("width", [400, 1280])
def test_a_link_leads_to_its_claim_below_many_rows(show, width):
    many = [claim(f"A-fit-{number}", says="A sentence of several words. " * (1 + number % 9)) for number in range(120)]
    page = show(document(*many), after="#claim-A-fit-100", width=width)
    page.wait_for_timeout(300)  # rows get their heights as they come into view
    row = page.locator("#row-A-fit-100 summary").first.bounding_box()
    assert -150 < row["y"] < 150


def test_a_cell_of_the_matrix_shows_its_claims(show):
    page = show()
    page.locator("#matrix a[href='#topic-fit-A']").click()
    page.wait_for_function("location.hash.includes('report=A')")
    assert rows(page) == in_order(lambda one: (one["topic"], one["report"]) == ("fit", "A"))


def test_a_card_shows_the_figure_that_decides(show):
    found = document()
    page = show(found)
    page.locator(f"#row-{FIRST} > summary").click()
    picture = page.locator(f"#claim-{FIRST} img")
    picture.wait_for()
    assert picture.get_attribute("alt") == found["figures"][0]["title"]
    assert page.locator("#figures img").count() == len(found["figures"])
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))


def test_claims_at_odds_show_their_figures(show):
    found = asking(document(claim("A-fit-one"), claim("B-fit-two", report="B")))
    page = show(found)
    (side, _) = page.locator("#disagreements .sides details").all()
    side.locator("summary").click()
    side.locator("img").wait_for()
    small = side.locator("img").bounding_box()["width"]
    side.locator("img").click()
    assert side.locator("img").bounding_box()["width"] >= small


@pytest.mark.parametrize("script", [True, False])
def test_a_figure_is_enlarged_by_a_click(show, script):
    page = show(script=script)
    page.locator("#figures summary").first.click()
    picture = page.locator("#figures img").first
    small = picture.bounding_box()["height"]
    picture.click()
    assert picture.bounding_box()["height"] > 1.5 * small
    if script:
        picture.click()
        assert picture.bounding_box()["height"] == small
        picture.click()
        page.keyboard.press("Escape")
        assert picture.bounding_box()["height"] == small


def test_a_card_is_open_again_after_a_reload(show):
    page = show(after=f"#claim-{FIRST}")
    page.reload()
    assert page.locator(f"#claim-{FIRST}").is_visible()


def test_headings_count_only_what_they_stand_above(show):
    page = show()
    number = page.locator("#topic-fit small")
    assert number.is_visible()
    field(page, "report").select_option("D")
    assert not number.is_visible()


def test_the_topic_stands_in_the_heading_or_in_the_row(show):
    page = show()
    topic = page.locator(f"#row-{FIRST} .topic")
    assert not topic.is_visible()
    page.locator(".columns").get_by_role("button", name="report").click()
    assert topic.is_visible()


def test_without_a_script_the_page_is_whole(show):
    page = show(script=False)
    assert page.locator("#rows > details").count() == len(everything())
    assert page.locator("#rows > details:visible").count() == len(everything())
    assert not page.locator("#filter").is_visible()
    assert page.locator(".columns button:enabled").count() == 0


def test_hostile_texts_are_inert(show):
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)></script><!--"
    shown = claim(
        "A-fit-x", says=hostile, report=hostile, topic=hostile, where=hostile, note=hostile, experiment=hostile
    )
    pictures = [figure("A", hostile, hostile, "figures/A-fit-z-loss.svg", note=hostile)]
    page = show(document(shown, claim("B-fit-y"), figures=pictures, topics=[{"id": hostile, "title": hostile}]))
    field(page, "report").select_option(hostile)
    assert rows(page) == ["A-fit-x"]
    field(page, "report").select_option("")
    field(page, "text").fill("<script>alert(1)</script>")
    assert rows(page) == ["A-fit-x"]
    page.reload()
    assert rows(page) == ["A-fit-x"]
    page.locator("#rows > details:visible > summary").click()
    assert not [said for said in page.said if not said.startswith(("file:", "data:image/"))]


def test_texts_of_another_direction_do_not_turn_what_is_beside_them(show):
    page = show(document(claim("A-fit-x", says="רשת עמוקה (1)")))
    verdict, sentence = page.locator("#row-A-fit-x .chip"), page.locator("#row-A-fit-x .says bdi")
    assert verdict.bounding_box()["x"] < sentence.bounding_box()["x"]
