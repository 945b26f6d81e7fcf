import re

from mer_di.report.figure import FIRST, GROUND, INK, MUTED, draw


def paint(axes):
    axes.plot([0, 1], [0, 1], color=FIRST, label="<s1> & $x$")
    axes.scatter([0], [1], color=MUTED, edgecolors=GROUND)
    axes.set_xlabel("frames", color=INK)
    axes.legend()


def test_a_drawing_has_the_pages_colours_its_own_ids_and_letters_that_stay_letters():
    figure = draw("lengths", (3, 2), 'one "line"', paint, "A caption.")
    assert figure.svg.startswith('<svg role="img" aria-label="one &#34;line&#34;" class="figure" ')
    assert {"first", "muted", "ground", "ink", "line"} == set(re.findall(r"var\(--(\w+)\)", figure.svg))
    assert set(re.findall(r"#[0-9a-f]{6}\b", figure.svg)) <= {"#000000"}
    ids = re.findall(r'\bid="([^"]*)"', figure.svg)
    assert len(ids) == len(set(ids)) > 5
    assert all(name.startswith("lengths-") for name in ids)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', figure.svg)) <= set(ids)
    assert "&lt;s1&gt; &amp; $x$" in figure.svg
    assert figure.caption == "A caption."


def test_the_same_figure_is_the_same_text():
    assert draw("a", (3, 2), "", paint) == draw("a", (3, 2), "", paint)
