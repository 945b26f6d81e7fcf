"""Names in any script and of any length, as they can be drawn."""

from functools import cache

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font


def visible(text: str) -> str:
    """Escape the characters that have no shape: a line break, a change of direction."""
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def drawable(text: str) -> str:
    """Escape those, and the characters for which matplotlib's font has no shape."""
    return "".join(each if ord(each) in _shapes() else _escaped(each) for each in visible(text))


def shortened(text: str, letters: int) -> str:
    """Return the beginning of a text that is longer."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def _escaped(character: str) -> str:
    return ascii(character)[1:-1]


@cache
def _shapes() -> frozenset[int]:
    return frozenset(FT2Font(findfont(FontProperties())).get_charmap())
