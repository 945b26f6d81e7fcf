"""CAS(ME)³, of the Institute of Psychology of the Chinese Academy of Sciences: parts A and C, which have labels.

A recording holds several micro-expressions as a rule, so that the onset is part of every sample's name. Part C has no
apex, and numbers the micro-expressions of each person instead of naming recordings.

Sources: the owners' repository (github.com/jingtingEmmaLi/CAS-ME-3) for tables, counts, errors and the reference;
github.com/tvaranka/meb for folders and the set ``meb``, whose row numbers are those of the owners' second table.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from operator import attrgetter
from pathlib import Path

from mer_di.datasets.clips import Clips, require_tree, subject_clips
from mer_di.datasets.columns import Column
from mer_di.datasets.correction import Correction
from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.datasets.locate import find_root, subfolders
from mer_di.datasets.release import read_release
from mer_di.datasets.spec import Choice, Published, Spec, Tree
from mer_di.datasets.table import plain
from mer_di.errors import DatasetNotFoundError
from mer_di.sample import Sample

SPEC = Spec(
    name="cas_me_3",
    title="CAS(ME)³",
    citation=(
        "J. Li et al.: CAS(ME)³: A Third Generation Facial Spontaneous Micro-Expression Database with Depth "
        "Information and High Ecological Validity. IEEE TPAMI, 2022"
    ),
    doi="10.1109/TPAMI.2022.3174895",
    licence="Signed licence agreement; research only. The annotations are public, the images are not.",
    request_url="http://casme.psych.ac.cn/casme/e4",
    fps=30.0,
    tables=("cas(me)3_part_A_ME*", "cas(me)3_part_C_ME*"),
    layout="""\
CAS(ME)3/
  cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx
  part_A/spNO.1/a/color/355.jpg                     whole recordings; depth/ beside color/ is not read
  CAS(ME)3_part_C_ME.xlsx
  part_C/01/a/color/373.jpg                         one recording a person
  (or both tables below annotation/, as in the owners' repository)""",
    trees=(Tree("part_a", registered=False), Tree("part_c", registered=False)),
    published=(
        Published(
            "part_a, v2",
            subjects=94,
            emotions={
                "disgust": 250,
                "surprise": 187,
                "others": 161,
                "fear": 86,
                "anger": 64,
                "sadness": 57,
                "happiness": 55,
            },
        ),
        Published("part_c", subjects=30, emotions={"negative": 99, "surprise": 30, "others": 20, "positive": 16}),
    ),
    subject="spNO.{}",
    columns=(
        Column("subject", ("Subject",)),
        Column("clip", ("Filename",)),
        Column("onset", ("Onset",)),
        Column("apex", ("Apex",), required=False),
        Column("offset", ("Offset",)),
        Column("emotion", ("emotion",)),
        Column("action_units", ("AU",), required=False),
        Column("objective_class", ("Objective class",), required=False),
    ),
    recordings="rule",
)

_PART_A = replace(SPEC, trees=SPEC.trees[:1], tables=SPEC.tables[:1], published=SPEC.published[:1])
_PART_C = replace(
    SPEC,
    trees=SPEC.trees[1:],
    tables=SPEC.tables[1:],
    published=SPEC.published[1:],
    subject="{:02d}",
    columns=(
        Column("subject", ("sub",)),
        Column("clip", ("count",)),
        Column("onset", ("onset",)),
        Column("apex", ("apex",), required=False),
        Column("offset", ("offset",)),
        Column("emotion", ("emotion",)),
        Column("action_units", ("au",), required=False),
    ),
    recordings="never",
)
_PARTS = {"part_a": _PART_A, "part_c": _PART_C}
_UNLABELLED = Tree("part_b", registered=False)

CORRECTIONS = (
    Correction("meb", "spNO.149/d@112", "apex", was=83, now=160, why="apex before onset", source="meb"),
    Correction("meb", "spNO.214/c@5", "offset", was=3460, now=34, why="115 seconds long", source="meb"),
    Correction("meb", "spNO.216/d@3647", "onset", was=3647, now=2647, why="onset after offset", source="meb"),
    Correction("meb", "spNO.216/e@0", "onset", was=0, now=1, why="frames begin at 1", source="meb"),
    Correction("meb", "spNO.216/e@0", "apex", was=0, now=1, why="frames begin at 1", source="meb"),
    Correction("meb", "spNO.40/e@1812", "offset", was=0, now=1845, why="offset 0", source="meb"),
    Correction("meb", "spNO.40/e@2327", "offset", was=0, now=2403, why="offset 0", source="meb"),
)


def load(root: Path | None, choice: Choice) -> Database:
    """Load a part of CAS(ME)³; see `mer_di.datasets.load_dataset`."""
    place = find_root(SPEC, root)
    require_tree(SPEC, choice.tree)
    present = [name for name in _PARTS if choice.tree in (None, name) and _is_there(_PARTS[name], place)]
    name = next(iter(present), choice.tree or "part_a")
    database = read_release(
        _PARTS[name],
        place,
        replace(choice, tree=None),
        _find_clips,
        corrections=CORRECTIONS if name == "part_a" else (),
        key=attrgetter("recording") if name == "part_a" else _only_recording,
    )
    if len(present) < 2:
        return database
    text = f"frames of {' and '.join(present)} lie here; {name} is read, choose with --tree"
    return replace(database, findings=(*database.findings, Finding("tree-chosen", str(place), text)))


def _is_there(part: Spec, place: Path) -> bool:
    try:
        _find_clips(part, place, None)
    except DatasetNotFoundError:
        return False
    return True


def _find_clips(part: Spec, place: Path, wanted: str | None) -> Clips:
    return subject_clips(part, place, wanted, within=partial(_clips, part is _PART_C), tree_of=_tree_of)


def _tree_of(part: Spec, root: Path, home: Path) -> Tree | None:
    for folder in (home, *home.parents):
        for tree in (*SPEC.trees, _UNLABELLED):
            if plain(folder.name).startswith(plain(tree.name)):
                return tree
        if folder == root:
            break
    return part.trees[0]  # their subjects have other names


def _clips(only: bool, subject: Path) -> Iterator[tuple[str, Path]]:
    """Yield the folders of a subject's recordings; the name of an only one is in no table."""
    for clip in subfolders(subject):
        color = next((folder for folder in subfolders(clip) if plain(folder.name) == "color"), clip)
        yield "" if only else clip.name, color


def _only_recording(sample: Sample) -> str:
    return f"{sample.subject}/"
