"""What pages take from the code while they are built: pictures, tables, and formulas as MathML.

``{drawn} NAME`` draws a function of figures.py, once for a light and once for a dark page; its body is the caption.
``{written} NAME …`` takes the Markdown that a function of one of the modules ``*fragments.py``
returns.
"""

import io
from functools import cache
from pathlib import Path

import database_fragments
import figures
import fragments
import learnet_fragments
import many_machines_fragments
import matplotlib as mpl
import matplotlib.pyplot as plt
import reliability_fragments
import rivals_fragments
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

_WRITERS = (
    *(fragments, database_fragments, learnet_fragments, many_machines_fragments, reliability_fragments),
    rivals_fragments,
)
_INK = {"light": "#333333", "dark": "#d0d0d0"}
_DRAWN_WITH = "#123456"  # a colour of no figure, replaced by each theme's ink


class Drawn(SphinxDirective):
    """A figure that the code draws."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012 - docutils' own way

    def run(self) -> list[nodes.Node]:
        """Return a figure with one image a theme."""
        name = self.arguments[0]
        figure = nodes.figure(classes=["drawn"])
        for theme, ink in _INK.items():
            path = Path(self.env.app.outdir) / "_drawn" / f"{name}-{theme}.svg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_svg(name).replace(_DRAWN_WITH, ink), encoding="utf-8")
            up = "../" * self.env.docname.count("/")
            # not an image node: Sphinx would look for the file beside the page's source
            tag = f'<img class="only-{theme}" src="{up}_drawn/{path.name}" alt="{self.options["alt"]}">'
            figure += nodes.raw("", tag, format="html")
        caption = nodes.caption()
        (paragraph,) = self.parse_content_to_nodes()
        caption += paragraph.children
        figure += caption
        return [figure]


class Written(SphinxDirective):
    """Markdown that the code writes."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the Markdown as nodes."""
        name, *arguments = self.arguments[0].split()
        writer = next(getattr(module, name) for module in _WRITERS if hasattr(module, name))
        return self.parse_text_to_nodes(writer(*arguments), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register both directives and the formulas."""
    app.add_directive("drawn", Drawn)
    app.add_directive("written", Written)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("sphinx-click-process-options", _without_emphasis)
    app.connect("autodoc-skip-member", _is_field_of_a_named_tuple)
    return {"parallel_read_safe": False}


@cache
def _svg(name: str) -> str:
    coloured = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    style = {"font.size": 9, "svg.fonttype": "path", "svg.hashsalt": name, "legend.frameon": False}
    with mpl.rc_context(figures.STYLE | style | dict.fromkeys(coloured, _DRAWN_WITH)):
        figure = getattr(figures, name)()
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        plt.close(figure)
    return text.getvalue()


def _without_emphasis(_app: Sphinx, _context: object, lines: list[str]) -> None:
    """Keep the asterisks in help texts, which are read as reStructuredText; sphinx-click's own stay emphasis."""
    escaped = (line.replace("*", r"\*").replace(r"\*\*Required\*\*", "**Required**") for line in lines)
    lines[:] = [line if line.startswith("..") else text for line, text in zip(lines, escaped, strict=True)]


def _is_field_of_a_named_tuple(_app: Sphinx, _what: str, _name: str, member: object, *_: object) -> bool | None:
    """Pass over fields that the class's docstring describes already; None leaves the decision to autodoc."""
    return True if type(member).__name__ == "_tuplegetter" else None


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="formula">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode
