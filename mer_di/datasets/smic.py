"""SMIC, as the University of Oulu distributes it: three cameras, short clips of registered or whole frames, long clips.

The short clips have no table: the folders say subject, emotion and name, and the frames of a folder are onset..offset.
Of the long clips (SMIC-E) a table says where up to three micro-expressions lie. Neither has an apex.

Sources: the owners' page (https://www.oulu.fi/cmvs/node/41319) for the 164 clips of 16 people, the 71 of each other
camera and 100 and 25 frames a second; the ground truth of MEGC 2019 for the classes of the high-speed clips;
github.com/tvaranka/meb and github.com/genbing99/MEAN_Spot-then-recognize for folders and the columns of the table.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from mer_di.datasets.annotation import Annotation, annotate, choose_annotation
from mer_di.datasets.clips import Clips, subject_clips
from mer_di.datasets.columns import Column
from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.datasets.locate import files, find_root, subfolders
from mer_di.datasets.notation import canonical_emotion, sample_from
from mer_di.datasets.release import join
from mer_di.datasets.spec import Choice, Published, Spec, Tree
from mer_di.datasets.table import Row, Table, frame_number, plain, read_table
from mer_di.errors import SampleError
from mer_di.imaging.listing import list_frames
from mer_di.origin import SYNTHETIC_NOTE, SYNTHETIC_TITLE
from mer_di.sample import Sample

# The middle part of a clip's name, s{person}_{emotion}_{sample}.
EMOTION_CODES = {"ne": "negative", "po": "positive", "sur": "surprise"}

_CAMERAS = {"hs": 100.0, "vis": 25.0, "nir": 25.0}

SPEC = Spec(
    name="smic",
    title="SMIC",
    citation=(
        "X. Li, T. Pfister, X. Huang, G. Zhao, M. Pietikäinen: A Spontaneous Micro-expression Database: Inducement, "
        "Collection and Baseline. IEEE FG 2013"
    ),
    doi="10.1109/FG.2013.6553717",
    licence="Signed licence agreement; research only; no redistribution.",
    request_url="https://www.oulu.fi/cmvs/node/41319",
    fps=_CAMERAS["hs"],
    tables=("SMIC-HS-E_annotation*",),
    layout="""\
SMIC/
  SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01/reg_image000123.bmp    faces, onset..offset; also VIS, NIR
  SMIC_all_raw/HS/s1/micro/negative/s1_ne_01/image000123.bmp            whole frames; also VIS, NIR
  SMIC-E_raw image/HS_long/SMIC-HS-E_annotation.xlsx                    long clips, which need their table
  SMIC-E_raw image/HS_long/SMIC-HS-E/s01/s1_ne_01/image000123.jpg       also VIS_long, NIR_long""",
    trees=(
        *(Tree(camera, registered=True) for camera in _CAMERAS),
        Tree("e", registered=False),
        Tree("e_vis", registered=False),
        Tree("e_nir", registered=False),
        *(Tree(f"raw_{camera}", registered=False) for camera in _CAMERAS),
    ),
    published=(
        Published("hs", subjects=16, emotions={"negative": 70, "positive": 51, "surprise": 43}),
        Published("vis", subjects=None, total=71),
        Published("nir", subjects=None, total=71),
    ),
    subject="s{:02d}",
    columns=(
        Column("subject", ("Subject",)),
        Column("clip", ("Filename",)),
        Column("onset", ("OnsetF",)),
        Column("apex", ("ApexF",), required=False),  # of a copy to which a laboratory added it
        Column("offset", ("OffsetF",)),
        Column("onset2", ("Onset2F",), required=False),
        Column("offset2", ("Offset2F",), required=False),
        Column("onset3", ("Onset3F",), required=False),
        Column("offset3", ("Offset3F",), required=False),
        Column("emotion", ("Emotion",)),
    ),
    recordings="exception",
)

_LONG = re.compile(r"smice((raw|cropped)(images?)?)?|smic(hs|vis|nir)e|(hs|vis|nir)long")
_CAMERA = re.compile(r"(?:smic)?(hs|vis|nir)(?:e|long)?")
_ABOVE = 6  # folders above the subjects' whose names may say camera and kind


def load(root: Path | None, choice: Choice) -> Database:
    """Load SMIC; see `mer_di.datasets.load_dataset`."""
    place = find_root(SPEC, root)
    clips = subject_clips(SPEC, place, choice.tree, within=_clips, tree_of=_tree_of)
    spec = _of_tree(clips.tree)
    if choice.table or clips.tree.name.startswith("e"):
        annotation = choose_annotation(spec, clips.homes[0].parent, choice.table, _read)
    else:
        annotation = _by_folders(spec, clips)
    database = join(spec, place, choice, annotation, clips)
    return replace(database, findings=(*database.findings, *_not_micro(clips)))


def _of_tree(tree: Tree) -> Spec:
    camera = tree.name.removeprefix("raw_") if tree.name != "e" else "hs"
    long = camera.removeprefix("e_") if tree.name.startswith("e") else ""
    return replace(
        SPEC,
        fps=_CAMERAS[long or camera],
        tables=(f"SMIC-{(long or camera).upper()}-E_annotation*",),
        # the owners' page counts long clips, of which some hold several micro-expressions
        published=() if long else tuple(version for version in SPEC.published if version.version == camera),
    )


def _clips(subject: Path) -> Iterator[tuple[str, Path]]:
    """Yield the clips of a subject: below ``micro`` and an emotion, or, where they are long, at once."""
    for folder in subfolders(subject):
        name = plain(folder.name)
        if name == "micro" or name in EMOTION_CODES.values():
            yield from _clips(folder)
        elif name != "nonmicro":
            yield folder.name, folder


def _tree_of(spec: Spec, _root: Path, home: Path) -> Tree | None:
    names = [plain(folder.name) for folder in (home, *list(home.parents)[: _ABOVE - 1])]
    camera = next((match[1] for name in names if (match := _CAMERA.fullmatch(name))), None)
    if camera is None:
        return None
    if any(map(_LONG.fullmatch, names)):
        name = "e" if camera == "hs" else f"e_{camera}"
    else:
        name = camera if _is_cropped(names, home) else f"raw_{camera}"
    return next(tree for tree in spec.trees if tree.name == name)


def _is_cropped(names: Iterable[str], home: Path) -> bool:
    for name in names:
        if "crop" in name or "raw" in name:
            return "crop" in name
    frames = (frame for child in subfolders(home) for _, clip in _clips(child) for frame in files(clip))
    return next((frame.name.startswith("reg") for frame in frames), False)


def _by_folders(spec: Spec, clips: Clips) -> Annotation:
    """Make a row of each clip's folder."""
    found = [_from_folder(spec, key.partition("/")[0], folder) for key, folder in sorted(clips.folders.items())]
    rows = tuple(Row(str(sample.path), {}) for sample in found)
    listed = "".join(f"{s.recording} {s.emotion} {s.onset} {s.offset}\n" for s in found)
    home = clips.homes[0]
    drawn = any((folder / SYNTHETIC_NOTE).is_file() for folder in (home, *list(home.parents)[:2]))
    columns = ("subject", "clip", "onset", "offset", "emotion")
    digest = hashlib.sha256(listed.encode()).hexdigest()
    annotation = annotate(spec, Table(home, digest, rows, columns, title=SYNTHETIC_TITLE if drawn else ""), found)
    note = Finding("no-table", str(home), f"{len(found)} rows come from the folders; --table names a table instead")
    return replace(annotation, findings=(note, *annotation.findings, *_contradictions(found)))


def _from_folder(spec: Spec, subject: str, folder: Path) -> Sample:
    try:
        numbers = list(list_frames(folder))
    except SampleError:  # of this clip; it is raised again where frames are asked for, and drops the sample there
        numbers = []
    return Sample(
        dataset=spec.name,
        subject=subject,
        clip=folder.name,
        onset=min(numbers, default=None),
        apex=None,
        offset=max(numbers, default=None),
        emotion=canonical_emotion(folder.parent.name),
        emotion_written=folder.parent.name,
        fps=spec.fps,
        path=folder,
    )


def _contradictions(samples: Iterable[Sample]) -> Iterator[Finding]:
    for sample in samples:
        code = sample.clip.casefold().partition("_")[2].partition("_")[0]
        coded = EMOTION_CODES.get(code, "nothing")
        if coded != sample.emotion:
            yield Finding(
                "label-contradicts-folder",
                sample.sample_id,
                f"the folder says {sample.emotion!r}, the code in the clip's name {coded!r}; which is right cannot be "
                "known, the folder is kept",
            )


def _read(spec: Spec, path: Path) -> Annotation:
    """Read the table of the long clips: a row says where up to three micro-expressions of one clip lie."""
    table = read_table(path, spec.columns)
    notes = [row for row in table.rows if not row.text("clip") and frame_number(row.cells.get("onset")) is None]
    rows = tuple(event for row in table.rows if row not in notes for event in _events(row))
    annotation = annotate(spec, replace(table, rows=rows), [sample_from(row, spec) for row in rows])
    text = (
        f"{len(notes)} rows name no clip and no onset; they are read as notes, the first is {notes[0].where}"
        if notes
        else ""
    )
    return replace(
        annotation, findings=(*annotation.findings, *((Finding("rows-of-text", path.name, text),) if notes else ()))
    )


def _events(row: Row) -> Iterator[Row]:
    yield row
    for number in (2, 3):
        onset, offset = row.cells.get(f"onset{number}"), row.cells.get(f"offset{number}")
        if any(cell is not None and frame_number(cell) != 0 for cell in (onset, offset)):
            cells = {name: cell for name, cell in row.cells.items() if name != "apex"}
            yield Row(f"{row.where}, its event {number}", {**cells, "onset": onset, "offset": offset})


def _not_micro(clips: Clips) -> Iterator[Finding]:
    subjects = [child for home in clips.homes for child in subfolders(home)]
    others = [child for child in subjects if any(plain(folder.name) == "nonmicro" for folder in subfolders(child))]
    if others:
        text = f"{len(others)} subjects have a folder non_micro, of clips without a micro-expression; it is not read"
        yield Finding("folder-not-read", str(clips.homes[0]), text)
