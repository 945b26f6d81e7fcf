"""Folders of runs in which one file is not what it was."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from mer_di.evaluation.run import Run
from mer_di.evaluation.significance import compare_runs
from spoilt.damage import own_words
from spoilt.tables import TEXTS

FROZEN = Path(__file__).parents[1] / "frozen"
SELDOM = st.integers(0, 15).map(lambda number: number == 1)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from((10**30, 1.5, "", "x", "happiness", "S01", "cross", "onset", "\u2028", "<script>")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("n", "path", "each", "x")), inner, max_size=3)
    ),
    max_leaves=5,
)
RUN_FILES = ("config.json", "results.json", "precision.json", "predictions.csv", "folds/S01.json", "folds/S02.json")


@st.composite
def spoilt_runs(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw one file of a run, changed in its values, its keys or its bytes."""
    name = draw(st.sampled_from(RUN_FILES))
    content = (FROZEN / "run" / name).read_bytes()
    how = draw(st.sampled_from(("value", "value", "value", "bytes", "cut", "other")))
    if how == "bytes":
        place = draw(st.integers(0, len(content)))
        return name, content[:place] + draw(st.binary(max_size=4)) + content[place + 1 :]
    if how == "cut":
        return name, content[: draw(st.integers(0, len(content)))]
    if how == "other" or name.endswith(".csv"):
        if name.endswith(".csv"):
            rows = list(csv.reader(io.StringIO(content.decode())))
            row = rows[draw(st.integers(0, len(rows) - 1))]
            row[draw(st.integers(0, len(row) - 1))] = draw(TEXTS)
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            return name, text.getvalue().encode("utf-8", "replace")
        return name, json.dumps(draw(JSON)).encode()
    return name, json.dumps(with_other_values(draw, json.loads(content))).encode()


def with_other_values(draw: st.DrawFn, value: Any) -> Any:
    """Replace or leave out one value, however deep it lies."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)) < 9:
        key = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 4)) == 0:
            return {k: v for k, v in value.items() if k != key}
        return value | {key: with_other_values(draw, value[key])}
    if isinstance(value, list) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], with_other_values(draw, value[place]), *value[place + 1 :]]
    return draw(JSON)


def read_run(folder: Path, drawn: tuple[tuple[str, bytes], bool]) -> None:
    """Spoil a run and read it: results, folds, comparison and, which takes its time, its page."""
    from mer_di.report import write_run_report

    (name, content), page = drawn
    run = Run(shutil.copytree(FROZEN / "run", folder / "run"))
    (folder / "run" / name).write_bytes(content)
    for read in (
        run.results,
        run.config,
        run.precision,
        lambda: [run.fold(name) for name in ("S01.json", "S02.json")],
        lambda: compare_runs(run, Run(FROZEN / "run")),
        lambda: run.claim(json.loads((FROZEN / "run" / "config.json").read_text())),
        lambda: page and write_run_report(folder / "run", folder / "page.html"),
    ):
        with own_words():
            read()
