"""A page as tests look at it."""

import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """A page as a browser's parser sees it."""

    def __init__(self, path):
        super().__init__()
        self.scripts, self.data, self.addresses, self.tags, self.words = [], [], [], [], []
        self._script = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        self.addresses += [attrs[name] for name in ("src", "href", "xlink:href", "poster", "action") if name in attrs]
        if tag == "script":
            self._script = self.data if attrs.get("type") == "application/json" else self.scripts

    def handle_endtag(self, tag):
        self._script = None if tag == "script" else self._script

    def handle_data(self, data):
        (self.words if self._script is None else self._script).append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))

    def count(self, tag, **attrs):
        wanted = {name.replace("_", "-"): value for name, value in attrs.items()}
        return sum(name == tag and wanted.items() <= found.items() for name, found in self.tags)
