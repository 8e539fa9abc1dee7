"""A page taken apart, to ask what it holds."""

from html.parser import HTMLParser

VOID = {"meta", "img", "input"}


class Page(HTMLParser):
    """Every element with its attributes, own text, and the ids of those around it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[dict] = []
        self._open: list[dict] = []
        self.feed(text)
        assert not self._open, f"not closed: {[element['tag'] for element in self._open]}"

    def handle_starttag(self, tag, attrs):
        around = [element["attributes"].get("id") for element in self._open]
        element = {"tag": tag, "attributes": dict(attrs), "around": around, "text": ""}
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data

    def find(self, tag, inside=None, **attributes):
        wanted = {key.rstrip("_"): value for key, value in attributes.items()}
        return [
            element
            for element in self.elements
            if element["tag"] == tag
            and (inside is None or inside in element["around"])
            and wanted.items() <= element["attributes"].items()
        ]

    def text(self, id_):
        (element,) = [element for element in self.elements if element["attributes"].get("id") == id_]
        return " ".join(element["text"].split())
