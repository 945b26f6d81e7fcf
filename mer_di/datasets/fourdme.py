"""4DME, as the University of Oulu distributes it: the micro-expressions of its grey camera.

The frame numbers are those of the whole recording; a folder holds onset..offset only. An emotion may be two words,
``Surprise+Positive``: each combination stays a class of its own. The clips of the depth, colour and 4D cameras lie in
other folders, and are not read.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from mer_di.datasets.clips import subject_clips
from mer_di.datasets.columns import Column
from mer_di.datasets.database import Database
from mer_di.datasets.finding import Finding
from mer_di.datasets.locate import find_root
from mer_di.datasets.release import read_release
from mer_di.datasets.spec import Choice, Published, Spec, Tree
from mer_di.sample import Sample

SPEC = Spec(
    name="4dme",
    title="4DME",
    citation=(
        "X. Li, S. Cheng, Y. Li, M. Behzad, J. Shen, S. Zafeiriou, M. Pantic, G. Zhao: 4DME: A Spontaneous 4D "
        "Micro-Expression Dataset With Multimodalities. IEEE Transactions on Affective Computing 14(4), 3031-3047, 2023"
    ),
    doi="10.1109/TAFFC.2022.3182342",
    licence="Signed agreement with the owners; research only; not to be passed on.",
    request_url=(
        "https://www.oulu.fi/en/university/faculties-and-units/faculty-information-technology-and-electrical-"
        "engineering/center-machine-vision-and-signal-analysis"
    ),
    fps=60.0,
    # Names, columns, folders, the number of rows, and that a folder's files are numbered onset..offset: the programs
    # of one of its laboratories, github.com/tvaranka/meb (config/dataset_config.py, meb/datasets).
    tables=("4DME*Micro*", "4DME"),
    layout="""\
4DMicro/
  4DME_Labelling_Micro_release v1.xlsx
  gray_micro/<sub_ID>/<fold_name>/*.jpg             whole frames of the grey camera, onset..offset
  gray_micro_crop/<sub_ID>/<fold_name>/*.jpg        registered faces, if you have them""",
    trees=(
        Tree("cropped", registered=True, folders=("graymicrocrop", "graymicroregister", "graymicroregisterfinal")),
        Tree("raw", registered=False, folders=("graymicro",)),
    ),
    # The rows of each emotion were not found in a public source.
    published=(Published("v1", subjects=None, total=267),),
    columns=(
        Column("subject", ("sub_ID", "Subject")),
        Column("clip", ("fold_name", "Filename")),
        Column("onset", ("Onset", "OnsetFrame")),
        Column("apex", ("Apex", "ApexFrame"), required=False),
        Column("offset", ("Offset", "OffsetFrame")),
        Column("emotion", ("Emotion", "Estimated Emotion")),
        Column("action_units", ("AUs", "AU", "Action Units"), required=False),
    ),
    recordings="exception",
)

_SESSION = re.compile(r"(.+?)[_ -]\d+(?:st|nd|rd|th)", re.IGNORECASE)  # S13_1st


def load(root: Path | None, choice: Choice) -> Database:
    """Load 4DME; see `mer_di.datasets.load_dataset`."""
    database = read_release(SPEC, find_root(SPEC, root), choice, subject_clips)
    findings = (*_session_findings(database.samples), *_several_findings(database.samples))
    return replace(database, findings=(*database.findings, *findings))


def _session_findings(samples: Iterable[Sample]) -> Iterator[Finding]:
    sessions: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        named = _SESSION.fullmatch(sample.subject)
        sessions[(named[1] if named else sample.subject).casefold()].add(sample.subject)
    for names in (sorted(group) for group in sessions.values() if len(group) > 1):
        text = (
            f"the subjects {' and '.join(map(repr, names))} are probably one person on several days. Leaving out "
            "one of them would leave this person in the training data: write them alike in the table and the folders"
        )
        yield Finding("subject-spellings", ", ".join(names), text)


def _several_findings(samples: Iterable[Sample]) -> Iterator[Finding]:
    several = Counter(sample.emotion for sample in samples if "+" in sample.emotion)
    if several:
        told = ", ".join(f"{emotion!r} ({count})" for emotion, count in several.most_common())
        text = f"{several.total()} rows have two emotions or more; each combination is a class of its own: {told}"
        yield Finding("several-emotions", "", text)
