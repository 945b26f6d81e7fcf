"""matplotlib's figures as SVG inside a page, in the page's own colours and letters."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

_NO_GLYPH = r"Glyph \d+ .* missing from font|Matplotlib currently does not support"
# Stand-ins: a figure is drawn in these, and the page's style sheet decides what they are, light or dark.
INK, MUTED, FAINT, FIRST, SECOND, GROUND = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04", "#0a0b05", "#0a0b06"
_VARIABLES = {INK: "ink", MUTED: "muted", FAINT: "line", FIRST: "first", SECOND: "second", GROUND: "ground"}
_STYLE: dict[Any, object] = {
    "svg.fonttype": "none",  # letters stay letters
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": FAINT,
    "legend.frameon": False,
    "patch.facecolor": FIRST,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in somebody's file name is a dollar
    "xtick.color": FAINT,
    "xtick.labelcolor": MUTED,
    "ytick.color": FAINT,
    "ytick.labelcolor": MUTED,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing in a page.

    Attributes
    ----------
    svg : markupsafe.Markup
        An ``svg`` element.
    caption : str
        What is shown; may be empty where the page says it.
    """

    svg: Markup
    caption: str = ""


def draw(name: str, size: tuple[float, float], alt: str, paint: Callable[[Axes], object], caption: str = "") -> Figure:
    """Draw one pair of axes.

    Parameters
    ----------
    name : str
        A word, unique in the page; ids within the drawing begin with it.
    size : tuple of float
        Width and height in inches, of 72 px.
    alt : str
        The drawing in words.
    paint : callable
        Draws into the axes, in this module's colours.
    caption : str

    Returns
    -------
    Figure
    """
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", _NO_GLYPH)  # letters stay letters: the browser's fonts draw them
        canvas = Canvas(figsize=size, layout="constrained")
        paint(canvas.add_subplot())
        buffer = BytesIO()
        canvas.savefig(
            buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    return Figure(_inline(buffer.getvalue().decode(), name, alt), caption)


def _inline(text: str, name: str, alt: str) -> Markup:
    svg = text[text.index("<svg") :]
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    opening = Markup('<svg role="img" aria-label="{}" class="figure" ').format(alt)
    return opening + Markup(svg.removeprefix("<svg "))  # matplotlib escapes the text in it
