"""A table that is none of the published ones and resembles one: in which rows, as far as its rows are public."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from mer_di.datasets.correction import Correction
from mer_di.datasets.finding import Finding
from mer_di.datasets.spec import UNRECOGNIZED, Published, Spec, unlike_rows
from mer_di.sample import Sample

Editors = dict[tuple[str, str, int], str]
"""Sample id, field and new value to the set of corrections that edits it so."""


def resemblance(
    spec: Spec, table: Path, version: str, samples: Sequence[Sample], corrections: Iterable[Correction]
) -> tuple[Finding, ...]:
    """Tell an edited copy from the table that it was made of.

    Parameters
    ----------
    spec : Spec
    table : pathlib.Path
    version : str
        See `Spec.version_of`.
    samples : sequence of Sample
        The rows as read.
    corrections : iterable of Correction
        All that are known of the database: who edits what.

    Returns
    -------
    tuple of Finding
        How many rows differ, and each that does; none where the table is a published one, or has less than half of
        the rows that are public.
    """
    known = [published for published in spec.published if published.rows]
    if version != UNRECOGNIZED or not known:
        return ()
    nearest = min(known, key=lambda published: (len(unlike_rows(published, samples)), published.distance(samples)))
    unlike = unlike_rows(nearest, samples)
    absent = sum(not fields for fields in unlike.values())
    if 2 * absent > len(nearest.rows):
        return ()
    frames = sum(bool(fields.keys() - {"emotion"}) for fields in unlike.values())
    text = (
        f"resembles the table of {nearest.version}, and is another: of the {len(nearest.rows)} rows that are public "
        f"{len(unlike)} differ, {frames} in key frames, {absent} are absent; {_labels(nearest, samples)}"
    )
    editors: Editors = {(item.sample_id, item.field, item.now): item.set_name for item in corrections}
    rows = [Finding("row-differs", name, _row(name, fields, nearest, editors)) for name, fields in unlike.items()]
    return (Finding("table-resembles", table.name, text), *rows)


def _labels(published: Published, samples: Sequence[Sample]) -> str:
    found = Counter(sample.emotion for sample in samples)
    emotions = sorted({*found, *published.emotions})
    changed = [name for name in emotions if found[name] != published.emotions.get(name, 0)]
    if not changed:
        return "each emotion has as many rows"
    least = max(
        sum(max(0, found[name] - published.emotions.get(name, 0)) for name in changed),
        sum(max(0, published.emotions.get(name, 0) - found[name]) for name in changed),
    )
    counts = ", ".join(f"{name} {found[name]} instead of {published.emotions.get(name, 0)}" for name in changed)
    return f"the labels of at least {least} row(s) differ, or rows were added or removed: {counts}"


def _row(
    sample_id: str,
    fields: dict[str, tuple[int | str, int | str]],
    published: Published,
    editors: Editors,
) -> str:
    if not fields:
        return f"the table of {published.version} has this row, and here it is absent"
    return ", ".join(
        f"{name} {here} instead of {there}" + (f" (as {editor} edits it)" if editor else "")
        for name, (here, there) in fields.items()
        for editor in [editors.get((sample_id, name, here)) if isinstance(here, int) else None]
    )
