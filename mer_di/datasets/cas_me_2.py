"""CAS(ME)², of the Institute of Psychology of the Chinese Academy of Sciences: its micro-expressions.

The table has no header. Its second sheet says which folder a subject's number means, its third which recording the
name of a video means. Most of its rows are macro-expressions.

Sources: github.com/genbing99/MEAN_Spot-then-recognize for the sheets, their columns, the folders of recordings and the
reading of an offset 0; public code that reads ``cropped/15/anger1_1/img572.jpg`` for the folders of clips. How many
micro-expressions there are of each emotion was found in no public source.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mer_di.datasets.annotation import Annotation, annotate, choose_annotation
from mer_di.datasets.clips import Clips, subject_clips
from mer_di.datasets.correction import Correction
from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.datasets.locate import find_root, subfolders
from mer_di.datasets.notation import sample_from, subject_name
from mer_di.datasets.release import join
from mer_di.datasets.sheets import Cells, Sheet, cell_text, read_content, read_sheets
from mer_di.datasets.spec import Choice, Published, Spec, Tree
from mer_di.datasets.table import Row, Table, frame_number, plain
from mer_di.errors import AnnotationError, DatasetNotFoundError
from mer_di.sample import Sample

SPEC = Spec(
    name="cas_me_2",
    title="CAS(ME)²",
    citation=(
        "F. Qu, S.-J. Wang, W.-J. Yan, H. Li, S. Wu, X. Fu: CAS(ME)²: A Database for Spontaneous Macro-Expression and "
        "Micro-Expression Spotting and Recognition. IEEE Transactions on Affective Computing 9(4), 424-436, 2018"
    ),
    doi="10.1109/TAFFC.2017.2654440",
    licence="Signed licence agreement; research only; no redistribution.",
    request_url="http://casme.psych.ac.cn/casme/e3",
    fps=30.0,
    tables=("CAS(ME)^2code_final*", "CAS(ME)2code_final*", "code_final*"),
    layout="""\
CAS(ME)2/
  CAS(ME)^2code_final.xlsx
  cropped/s15/anger1_1/img572.jpg                   registered faces, one folder an expression
  selectedpic/s15/anger1_1/img572.jpg               whole frames, one folder an expression
  rawpic/s15/15_0101disgustingteeth/img001.jpg      whole recordings""",
    trees=(
        Tree("cropped", registered=True, folders=("cropped",)),
        Tree("selectedpic", registered=False, folders=("selectedpic",)),
        Tree("rawpic", registered=False, folders=("rawpic",), begins=1),
    ),
    published=(Published("micro", subjects=None, total=57),),
    subject="s{:02d}",
    recordings="exception",
)

_SHOWN = 5
_COLUMNS = ("subject", "clip", "onset", "apex", "offset", "action_units", "emotion", "type")
_RECORDING = re.compile(r"\d+_(\d{4})")  # 15_0101disgustingteeth
_CODE = re.compile(r"[^/]+/\d{4}")


@dataclass(frozen=True, slots=True)
class _Codes:
    """What the second and the third sheet say: a subject's number to its folder, a video's name to its code."""

    subjects: dict[str, str]
    videos: dict[str, str]


def load(root: Path | None, choice: Choice) -> Database:
    """Load the micro-expressions of CAS(ME)²; see `mer_di.datasets.load_dataset`."""
    place = find_root(SPEC, root)
    annotation = choose_annotation(SPEC, place, choice.table, _read)
    codes = _codes(annotation.table.path)
    clips = _find_clips(place, choice.tree, codes)
    corrections = [
        Correction("apex-as-offset", sample.sample_id, "offset", was=0, now=sample.apex, why="offset 0", source="MEAN")
        for sample in annotation.samples
        if sample.offset == 0 and sample.apex is not None
    ]
    database = join(SPEC, place, choice, annotation, clips, corrections=corrections, key=_key(clips, codes))
    kept = [finding for finding in database.findings if finding.kind != "folder-without-row"]
    rest = len(database.findings) - len(kept)
    if rest:
        text = f"{rest} of {len(clips.folders)} folders hold no micro-expression that the table names"
        kept.append(Finding("folder-without-row", str(clips.homes[0]), text))
    return replace(database, findings=tuple(kept))


def _read(spec: Spec, path: Path) -> Annotation:
    content = read_content(path)
    sheets, title = read_sheets(path, content)
    codes = _codes_of(path, sheets)
    rows = [_row(f"{path.name}, {sheets[0].name}, row {number}", cells) for number, cells in _lines(path, sheets[0])]
    micro = [_named(row, codes) for row in rows if plain(row.text("type")).startswith("micro")]
    table = Table(path, hashlib.sha256(content).hexdigest(), tuple(micro), _COLUMNS, title=title)
    annotation = annotate(spec, table, [sample_from(row, spec) for row in micro])
    macro = len(rows) - len(micro)
    if not macro:
        return annotation
    finding = Finding("rows-of-macro-expressions", path.name, f"{macro} of {len(rows)} rows are not read")
    return replace(annotation, findings=(*annotation.findings, finding))


def _lines(path: Path, sheet: Sheet) -> Iterator[tuple[int, Cells]]:
    """Yield the rows of the first sheet; the only one without frame numbers may be a header that somebody added.

    Raises
    ------
    AnnotationError
        If a row is not one of this table.
    """
    for position, (number, cells) in enumerate(sheet.lines):
        kind = plain(cell_text(cells[7])) if len(cells) > 7 else ""
        if kind in ("microexpression", "macroexpression"):
            yield number, cells
        elif position or any(frame_number(cell) is not None for cell in cells):
            held = ", ".join(cell_text(cell) for cell in cells)
            raise AnnotationError(
                f"{path}, {sheet.name}, row {number} holds {held}; expected, without a header, subject, video, onset, "
                "apex, offset, action units, emotion, and micro-expression or macro-expression. If this is not the "
                "table, name that with --table; for a table with other columns there is --dataset manifest"
            )


def _row(where: str, cells: Cells) -> Row:
    return Row(where, {name: cell if cell_text(cell) else None for name, cell in zip(_COLUMNS, cells, strict=False)})


def _named(row: Row, codes: _Codes) -> Row:
    number = row.required_text("subject")
    if number not in codes.subjects:
        known = ", ".join(f"{number} ({name})" for number, name in list(codes.subjects.items())[:_SHOWN])
        raise AnnotationError(
            f"{row.where}: the subject is {number!r}, for which the second sheet has no folder; it has {known}"
        )
    return Row(row.where, {**row.cells, "subject": codes.subjects[number]})


def _codes(path: Path) -> _Codes:
    return _codes_of(path, read_sheets(path, read_content(path))[0])


def _codes_of(path: Path, sheets: Sequence[Sheet]) -> _Codes:
    if len(sheets) < 3 or sheets[0].delimiter:
        raise AnnotationError(
            f"{path} holds {'text' if sheets and sheets[0].delimiter else f'{len(sheets)} sheet(s)'}; the table of "
            "CAS(ME)² is a workbook of three: the rows, which folder each subject is (s15), and which code each video "
            "has (0101). Take the owners' workbook, or describe the clips yourself for --dataset manifest"
        )
    subjects = {cell_text(cells[2]): cell_text(cells[1]) for _, cells in sheets[1].lines if len(cells) > 2}
    videos = {
        cell_text(cells[1]): f"{int(cell_text(cells[0])):04d}" for _, cells in sheets[2].lines if _is_video(cells)
    }
    return _Codes(
        {number: name for number, name in subjects.items() if subject_name(SPEC.subject or "", name) is not None},
        videos,
    )


def _is_video(cells: Cells) -> bool:
    return len(cells) > 1 and frame_number(cells[0]) is not None and bool(cell_text(cells[1]))


def _find_clips(place: Path, wanted: str | None, codes: _Codes) -> Clips:
    """Find the folders of subjects, ``s15``, or ``15`` where all of them show whether that is 15 or the 15th."""
    found = [clips for spec in (SPEC, replace(SPEC, subject="{}")) if (clips := _tried(spec, place, wanted))]
    if not found:
        return subject_clips(SPEC, place, wanted, within=_clips)
    chosen = min(found, key=lambda clips: SPEC.trees.index(clips.tree))
    return chosen if any(key.startswith("s") for key in chosen.folders) else _renamed(chosen, codes)


def _tried(spec: Spec, place: Path, wanted: str | None) -> Clips | None:
    try:
        return subject_clips(spec, place, wanted, within=_clips)
    except DatasetNotFoundError:
        return None


def _renamed(clips: Clips, codes: _Codes) -> Clips:
    numbers = {key.partition("/")[0] for key in clips.folders}
    names = {name.casefold().removeprefix("s"): name for name in codes.subjects.values()}
    readings = [reading for reading in (names, codes.subjects) if numbers <= reading.keys()]
    if len(readings) != 1:
        raise AnnotationError(
            f"the folders in {clips.homes[0]} are called {', '.join(sorted(numbers))}, which may be numbers of people "
            "(s15) or of rows in the second sheet; call them s15 and so on"
        )
    folders = {
        f"{readings[0][key.partition('/')[0]]}/{key.partition('/')[2]}".casefold(): f
        for key, f in clips.folders.items()
    }
    return replace(clips, folders=folders)


def _clips(subject: Path) -> Iterator[tuple[str, Path]]:
    for folder in subfolders(subject):
        recording = _RECORDING.match(folder.name)
        yield recording[1] if recording else folder.name, folder


def _key(clips: Clips, codes: _Codes) -> Callable[[Sample], str]:
    if not any(map(_CODE.fullmatch, clips.folders)):
        return lambda sample: sample.recording
    return lambda sample: f"{sample.subject}/{codes.videos.get(sample.clip.partition('_')[0], sample.clip)}"
