"""The figures of the pages."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mer_di.inspection.lettering import shortened, visible
from mer_di.report.figure import FAINT, FIRST, INK, MUTED, SECOND, Figure, draw

if TYPE_CHECKING:
    from mer_di.experiments.reproduction import Reproduction

_ROW = 0.21  # inches of height that a line of letters takes
_LETTER = 0.055  # inches of height that a letter of a slanting line takes
_LONGEST = 20
_LONGEST_LINE = 30  # where the names are what the drawing is about
_STRONGEST = 0.6  # so that a number over it stays readable


def class_counts(counts: Mapping[str, int]) -> Figure:
    """Draw how many samples each class has."""

    def paint(axes: Axes) -> None:
        values = list(counts.values())
        axes.barh(range(len(values)), values, color=FIRST, height=0.65)
        axes.set_yticks(range(len(values)), list(map(_short, counts)))
        for position, value in enumerate(values):
            axes.text(value, position, f" {value}", va="center", color=INK)
        axes.invert_yaxis()
        axes.set_xlabel("samples")
        axes.margins(x=0.12)
        _bare(axes)

    alt = "Samples by class: " + ", ".join(f"{name} {count}" for name, count in counts.items())
    return draw("classes", (4.6, 0.7 + 1.2 * _ROW * len(counts)), alt, paint, "Samples of each class.")


def counts_by_subject(subjects: Sequence[str], classes: Sequence[str], counts: NDArray[np.int64]) -> Figure:
    """Draw class × subject counts, shape (subjects, classes)."""

    def paint(axes: Axes) -> None:
        _cells(axes, counts / max(1, counts.max()), counts)
        axes.set_xticks(range(len(classes)), list(map(_short, classes)), rotation=35, ha="left", rotation_mode="anchor")
        axes.set_yticks(range(len(subjects)), list(map(_short, subjects)))
        axes.xaxis.tick_top()

    alt = f"Samples of each of {len(subjects)} subjects by class; the same numbers are in the table of samples."
    slanting = _LETTER * max(len(_short(name)) for name in classes)
    size = (1.6 + 0.52 * max(4, len(classes)), 0.5 + slanting + _ROW * len(subjects))
    return draw("subjects", size, alt, paint, "Samples of each subject by class. An empty cell is none.")


def phase_lengths(onset: NDArray[np.int64], offset: NDArray[np.int64]) -> Figure:
    """Draw the distributions of the lengths of both phases, in frames."""
    longest = int(max(onset.max(), offset.max()))
    step = max(1, -(-longest // 24))
    edges = np.arange(0, longest + 2 * step, step) - 0.5

    def paint(axes: Axes) -> None:
        for lengths, colour, name in ((onset, FIRST, "onset→apex"), (offset, SECOND, "apex→offset")):
            heights = np.histogram(lengths, edges)[0]
            axes.stairs(heights, edges, color=colour, fill=True, alpha=0.25)
            axes.stairs(heights, edges, color=colour, linewidth=1.6, label=f"{name}, median {np.median(lengths):g}")
        axes.set_xlabel("frames in the phase")
        axes.set_ylabel("samples")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, labelcolor=INK)

    spans = [f"{name} {ends.min()} to {ends.max()}" for name, ends in (("onset→apex", onset), ("apex→offset", offset))]
    alt = f"Distribution of phase lengths in frames: {', '.join(spans)}."
    return draw("lengths", (4.6, 2.6), alt, paint, "Frames in each phase, both ends included.")


def learning_curve(
    number: int, history: Sequence[Mapping[str, Any]], best_epoch: int, *, epochs: int, loss: float
) -> Figure:
    """Draw the losses of one fold over its epochs, the best epoch marked, within axes that all folds share.

    Parameters
    ----------
    number : int
        0-based number of the fold.
    history : sequence of mapping
        See `mer_di.evaluation.records.FoldRecord`.
    best_epoch : int
        1-based.
    epochs, loss : int, float
        Largest of all folds.
    """
    trained = [int(row["epoch"]) for row in history]
    validated = [row["validation_loss"] for row in history if row["validation_loss"] is not None]

    def paint(axes: Axes) -> None:
        axes.plot(trained, [row["training_loss"] for row in history], ".-", color=FIRST, linewidth=1.5, markersize=4)
        if validated:
            axes.plot(trained, validated, ".", color=SECOND, linewidth=1.5, markersize=4, linestyle=(0, (4, 1.5)))
        axes.axvline(best_epoch, color=MUTED, linewidth=1, linestyle=":")
        axes.set_xlim(0.7, epochs + 0.3)
        axes.set_ylim(0, 1.04 * loss)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(MaxNLocator(3))

    last = f"training loss {history[-1]['training_loss']:.2f} after {len(trained)} epochs" if history else "no epoch"
    alt = f"{last}; {f'smallest validation loss {min(validated):.2f}' if validated else 'no validation'}"
    return draw(f"fold{number}", (2.3, 1.45), alt, paint)


def subject_accuracy(people: Sequence[Mapping[str, Any]], overall: float) -> Figure:
    """Draw the accuracy of each subject, a dot as large as their number of samples."""
    most = max(person["n"] for person in people)

    def paint(axes: Axes) -> None:
        axes.axvline(100 * overall, color=MUTED, linewidth=1, linestyle=":")
        for position, person in enumerate(people):
            axes.plot([0, 100 * person["accuracy"]], [position, position], color=FAINT, linewidth=1)
        sizes = [14 + 86 * person["n"] / most for person in people]
        values = [100 * person["accuracy"] for person in people]
        axes.scatter(values, range(len(people)), s=sizes, color=FIRST, zorder=3)
        axes.set_yticks(range(len(people)), [f"{_short(person['subject'])}  (n = {person['n']})" for person in people])
        axes.set_xlim(-3, 103)
        axes.set_xlabel("accuracy, %")
        axes.set_ylim(len(people) - 0.4, -0.6)
        _bare(axes)

    alt = "Accuracy of each subject: " + ", ".join(f"{row['subject']} {100 * row['accuracy']:.0f} %" for row in people)
    caption = "A dot is a subject, as large as their number of samples; dotted: all samples together."
    return draw("people", (4.6, 0.8 + _ROW * len(people)), alt, paint, caption)


def subject_difference(subjects: Sequence[str], differences: Sequence[float], counts: Sequence[int]) -> Figure:
    """Draw the accuracy of B minus that of A for each subject, in points."""

    def paint(axes: Axes) -> None:
        points = [100 * value for value in differences]
        axes.barh(range(len(points)), points, color=[SECOND if value > 0 else FIRST for value in points], height=0.6)
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.scatter([0] * points.count(0), [i for i, value in enumerate(points) if not value], color=MUTED, s=10)
        axes.set_yticks(
            range(len(points)), [f"{_short(name)}  (n = {n})" for name, n in zip(subjects, counts, strict=True)]
        )
        reach = 1.1 * max(10, *map(abs, points))
        axes.set_xlim(-reach, reach)
        axes.set_xlabel("points; left: A better, right: B better")
        axes.set_ylim(len(points) - 0.4, -0.6)
        _bare(axes)

    alt = "Accuracy of B minus A by subject, in points: " + ", ".join(
        f"{name} {100 * value:+.0f}" for name, value in zip(subjects, differences, strict=True)
    )
    return draw("differences", (4.6, 0.8 + _ROW * len(subjects)), alt, paint, "Accuracy of B minus that of A.")


def reproduced(found: "Reproduction", chance: float | None) -> Figure:
    """Draw a table that was run again: of each row the paper's number, ours with its interval, and the control.

    Parameters
    ----------
    found : Reproduction
    chance : float or None
        Accuracy that guessing among classes of one size gives, a fraction.
    """
    names = [(row.row.method, row.row.input) for row in found.rows]
    lines = ["\n".join(shortened(visible(part), _LONGEST_LINE) for part in name) for name in names]
    words: list[str] = []

    def paint(axes: Axes) -> None:
        if chance is not None:
            axes.axvline(100 * chance, color=MUTED, linewidth=1, linestyle=":")
        for place, row in enumerate(found.rows):
            stated, ours, control = row.row.paper.get(found.dataset), row.results, row.control
            if ours and ours.intervals:
                axes.plot(
                    [100 * bound for bound in ours.intervals["accuracy"]], [place, place], color=FIRST, linewidth=2
                )
            if control:
                axes.plot(100 * control.accuracy, place, "|", color=MUTED, markersize=9)
            if ours:
                axes.plot(100 * ours.accuracy, place, "o", color=FIRST, markersize=6)
            if stated is not None:
                filled = "none" if row.row.copied else SECOND
                axes.plot(stated, place, "D", color=SECOND, markerfacecolor=filled, markersize=6)
        axes.set_yticks(range(len(lines)), lines)
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.set_xlim(0, 100)
        axes.set_xlabel("accuracy, %")
        _bare(axes)

    for name, row in zip(names, found.rows, strict=True):
        stated = row.row.paper.get(found.dataset)
        paper = "" if stated is None else f" paper {stated:.1f} %,"
        ours = f"ours {100 * row.results.accuracy:.1f} %" if row.results else "not run"
        words.append(f"{visible(', '.join(name))}:{paper} {ours}")
    caption = (
        "Dot: ours, with its 95 % interval over subjects. Diamond: the paper's number, hollow where it was copied from "
        "elsewhere, with another protocol and other samples. Tick: ours with shuffled labels. Dotted: chance among "
        "classes of one size."
    )
    return draw("reproduced", (5.2, 0.8 + 1.9 * _ROW * len(names)), "; ".join(words), paint, caption)


def _short(name: str) -> str:
    """Return a name that leaves room for the drawing; the tables have it in full."""
    return shortened(visible(name), _LONGEST)


def _bare(axes: Axes) -> None:
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _cells(axes: Axes, strength: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
    for (row, column), value in np.ndenumerate(strength):
        if value:
            alpha = 0.08 + (_STRONGEST - 0.08) * float(value)
            box = Rectangle((column - 0.47, row - 0.45), 0.94, 0.9, facecolor=FIRST, alpha=alpha, linewidth=0)
            axes.add_patch(box)
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=INK)
    axes.set_xlim(-0.5, strength.shape[1] - 0.5)
    axes.set_ylim(strength.shape[0] - 0.5, -0.5)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
