"""Tables and folder trees that look like the licensed ones: published counts and known quirks, nothing of the owners'.

Keys, counts and the numbers of the clips that are known to be odd are the published ones; every other frame number
is invented, and clips are shorter. Frames are empty files: enough for whatever reads listings only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from openpyxl import Workbook

CASME2_ROWS_PER_SUBJECT = {
    **{1: 9, 2: 13, 3: 7, 4: 5, 5: 19, 6: 5, 7: 9, 8: 3, 9: 14, 10: 14, 11: 10, 12: 12, 13: 8, 14: 4, 15: 3},
    **{16: 4, 17: 36, 18: 3, 19: 16, 20: 11, 21: 2, 22: 2, 23: 12, 24: 10, 25: 7, 26: 17},
}
CASME2_2014 = {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2}
CASME2_2019 = {**CASME2_2014, "surprise": 28, "sadness": 4}
CASME2_OBJECTIVE = {"1": 25, "2": 15, "3": 99, "4": 26, "5": 20, "6": 1, "7": 69}  # of the file beside the table
CASME2_OBJECTIVE_2019 = {"1": 30, "2": 18, "3": 93, "4": 15, "5": 18, "6": 2, "7": 79}
CASME2_WITHOUT_ROW = ((9, "EP02_02f"), (24, "EP02_07"))
CASME2_FRAMES = {(16, "EP01_08"): (73, 96)}  # first and last, where no copy holds the table's
CASME2_LISTED = {  # and those of the copy whose listing is public
    **CASME2_FRAMES,
    **{(7, "EP06_01"): (56, 91), (12, "EP09_02"): (161, 206), (12, "EP09_06"): (66, 106), (20, "EP16_01"): (71, 106)},
}
CASME2_RELABELLED = ("EP07_01", "EP07_04f", "EP10_03")

SAMM_ROWS_PER_SUBJECT = {
    **{6: 11, 7: 10, 9: 4, 10: 4, 11: 20, 12: 3, 13: 6, 14: 11, 15: 3, 16: 5, 17: 6, 18: 4, 19: 3, 20: 9, 21: 2},
    **{22: 5, 23: 1, 24: 1, 25: 4, 26: 13, 28: 3, 30: 3, 31: 1, 32: 6, 33: 5, 34: 3, 35: 9, 36: 1, 37: 3},
}
SAMM_COUNTS = {
    **{"Anger": 57, "Happiness": 26, "Other": 26, "Surprise": 15, "Contempt": 12},
    **{"Disgust": 9, "Fear": 8, "Sadness": 6},
}

SAMM_OBJECTIVE = {"7": 84, "1": 24, "3": 20, "2": 13, "4": 8, "6": 7, "5": 3}

# In the order of the codes 01..07 within a clip's name.
MMEW_COUNTS = {
    **{"happiness": 36, "surprise": 89, "disgust": 72, "others": 66, "fear": 16, "sadness": 13, "anger": 8},
}

# Rows and subjects of its three tables; classes in one order.
DFME_EMOTIONS = ("disgust", "surprise", "sadness", "fear", "happiness", "anger", "contempt")
DFME_TABLES = {
    "training_full_with_AU": (176, (548, 298, 278, 265, 206, 161, 100)),
    "test_A_full_with_AU": (42, (129, 101, 46, 62, 63, 39, 34)),
    "test_B_full_with_AU": (41, (58, 48, 35, 38, 42, 41, 37)),
}

SMIC_SUBJECTS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 20)
SMIC_COUNTS = {"negative": 70, "positive": 51, "surprise": 43}
SMIC_CODES = {"negative": "ne", "positive": "po", "surprise": "sur"}
SMIC_LACKS = {  # frames that copies lack, from the onset on; None for all of them
    **{"s18_sur_03": None, "s3_po_08": (4, 7), "s3_sur_01": (3,), "s3_sur_05": (5,), "s3_ne_16": (6,)},
}

CAS_ME_3_SUBJECTS = (
    *(*range(1, 16), 17, *range(39, 43), 77, 138, 139, *range(142, 151), *range(152, 164), *range(165, 191)),
    *(*range(192, 199), *range(200, 205), *range(206, 218)),
)
CAS_ME_3_COUNTS = {
    **{"disgust": 250, "surprise": 187, "others": 158, "Others": 3, "fear": 86, "anger": 64, "sad": 57, "happy": 55},
}
# How many recordings have how many rows.
CAS_ME_3_RECORDINGS = {1: 272, 2: 105, 3: 34, 4: 23, 5: 15, 6: 7, 7: 1, 8: 4, 11: 1, 17: 1}

CASME2_HEADER = (
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units"),
    "Estimated Emotion",
)
SAMM_HEADER = (
    *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro"),
    *("Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
)
SAMM_LV_HEADER = (
    *("Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type", "Action Units", "Notes"),
)
DFME_HEADER = (*("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "EmotionId", "Fps", "AU"),)
FOURDME_HEADER = ("sub_ID", "fold", "fold_name", "Onset", "Apex", "Offset", "Emotion", "AUs", "eye blink", "Surprise")
MMEW_HEADER = (
    *("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units"),
    *("Estimated Emotion", "remarks"),
)

_ACTION_UNITS = (12, "4+L10", "R2+15", "?", "4+7", "14")


class ClipRow(NamedTuple):
    subject: int
    clip: str
    onset: object
    apex: object
    offset: object
    emotion: str
    action_units: object = 12


CAS_ME_3_KNOWN = (
    ClipRow(149, "d", 112, 83, 358, "fear"),
    ClipRow(214, "c", 5, 5, 3460, "disgust"),
    ClipRow(216, "d", 3647, 2668, 2694, "others"),
    ClipRow(216, "e", 0, 0, 25, "others"),
    ClipRow(40, "e", 1812, 1824, 0, "others"),
    ClipRow(40, "e", 2327, 2363, 0, "others"),
)

_CASME2_KNOWN = (
    ClipRow(1, "EP02_01f", 46, 59, 86, "happiness"),
    ClipRow(3, "EP01_2", 31, 45, 60, "others"),
    ClipRow(3, "EP08_1", 11, 30, 50, "others"),
    ClipRow(4, "EP12_01f", 261, "/", 321, "disgust"),
    ClipRow(5, "EP09_05f", 69, 69, 123, "disgust"),
    ClipRow(5, "EP12_03f", 21, 40, 55, "disgust"),
    ClipRow(5, "EP16_04f", 141, 181, 181, "others"),
    ClipRow(7, "EP06_01", 15, 49, 68, "others"),
    ClipRow(7, "EP06_02_01", 12, 30, 41, "others"),
    ClipRow(7, "EP06_02_02", 51, 70, 81, "others"),
    ClipRow(9, "EP09f", 25, 40, 60, "others"),
    ClipRow(12, "EP09_02", 16, 59, 101, "disgust"),
    ClipRow(12, "EP09_06", 66, 111, 111, "disgust"),
    ClipRow(16, "EP01_08", 73, 94, 110, "others"),
    ClipRow(16, "EP04_02f", 181, 269, 271, "others"),
    ClipRow(20, "EP12_01", 41, 104, 106, "others"),
    ClipRow(20, "EP16_01", 71, 111, 111, "others"),
    # As the composite of 2019 says, all but two subjects show something that it has.
    *(ClipRow(subject, f"EP33_{subject}", 21, 33, 50, "repression") for subject in (4, 8, 15, 16, 21, 22)),
    *(ClipRow(10, f"EP34_{n:02d}", 21, 33, 50, "others") for n in range(CASME2_ROWS_PER_SUBJECT[10])),
    *(ClipRow(18, f"EP35_{n:02d}", 21, 33, 50, "others") for n in range(CASME2_ROWS_PER_SUBJECT[18])),
    *(ClipRow(24, clip, 30 + n, 45 + n, 62 + n, "sadness") for n, clip in enumerate(CASME2_RELABELLED)),
    ClipRow(25, "EP18_04f", 76, 116, 116, "disgust"),
    # The remaining rows of the classes that fall out stay with the subject who has most, so that 26 subjects stay.
    *(ClipRow(17, f"EP31_{n:02d}", 21, 33, 50, "sadness") for n in range(4)),
    *(ClipRow(17, f"EP32_{n:02d}", 21, 33, 50, "fear") for n in range(2)),
)

_SAMM_KNOWN = (
    ClipRow(6, "006_1_2", 5562, 5590, 5632, "Anger"),
    ClipRow(13, "013_1_9", 5697, 5712, 5739, "Anger"),
    ClipRow(24, "024_6_4", 12305, 12330, 12349, "Fear"),
    *(ClipRow(25, f"025_3_{n}", 5000 + 40 * n, 5015 + 40 * n, 5031 + 40 * n, "Other") for n in range(1, 5)),
    ClipRow(26, "026_3_3", 1704, 1736, 1737, "Anger"),
    ClipRow(28, "028_4_1", 1071, 1143, 1134, "Contempt"),
    ClipRow(32, "032_3_1", 4896, 1930, 4970, "Anger"),
    ClipRow(32, "032_3_2", 5126, 5127, 5207, "Anger"),
    ClipRow(33, "033_1_4", 1270, 1300, 1330, "Anger", "12+15 "),
    ClipRow(36, "036_7_1", 8100, 8120, 8150, "Sadness"),
)


def casme2_rows(version: str = "2014") -> list[ClipRow]:
    """All 255 rows; 53 of the clip names belong to several subjects, 141 rows in all."""
    shared = [name for n in range(35) for name in [f"EP2{n % 5}_{n:02d}f"] * 3]
    shared += [name for n in range(18) for name in [f"EP27_{n:02d}"] * 2]
    names = iter([*shared, *(f"EP29_{n:03d}" for n in range(255))])
    rows = _completed(_CASME2_KNOWN, CASME2_ROWS_PER_SUBJECT, CASME2_2014, lambda subject: next(names))
    if version == "2014":
        return rows
    return [row._replace(emotion="surprise") if _is_relabelled(row) else row for row in rows]


def samm_rows() -> list[ClipRow]:
    """All 159 rows."""
    numbers = iter(range(10, 999))

    def name(subject: int) -> str:
        return f"{subject:03d}_1_{next(numbers)}"

    return _completed(_SAMM_KNOWN, SAMM_ROWS_PER_SUBJECT, SAMM_COUNTS, name, base=3000)


def mmew_rows() -> list[ClipRow]:
    """All 300 rows, ten a subject, ordered by subject and emotion code, numbered within the clip."""
    codes = [(code, emotion) for code, (emotion, count) in enumerate(MMEW_COUNTS.items(), 1) for _ in range(count)]
    dealt = sorted((n % 30 + 1, code, n, emotion) for n, (code, emotion) in enumerate(codes))
    return [
        ClipRow(subject, f"S{subject:02d}-{code:02d}-{n:03d}", 1, 4 + n % 6, 14 + n % 5, emotion)
        for subject, code, n, emotion in dealt
    ]


def write_casme2(
    root: Path,
    *,
    version: str = "2014",
    tree: str = "cropped",
    doubled: bool = False,
    rows: Sequence[ClipRow] | None = None,
    table: str | None = None,
    frames: Mapping[tuple[int, str], tuple[int, int]] = CASME2_FRAMES,
) -> Path:
    """Write table and one tree (``cropped``, ``selected``, ``raw``, or None for the table alone)."""
    rows = casme2_rows(version) if rows is None else rows
    dates = {"2014": "20140508", "2019": "20190701"}
    write_casme2_table(root / (table or f"CASME2-coding-{dates[version]}.xlsx"), rows, version=version)
    if tree:
        folder = {"cropped": "Cropped", "selected": "CASME2_RAW_selected", "raw": "CASME2_RAW"}[tree]
        inner = "CASME2-RAW" if tree == "raw" else folder
        write_casme2_tree(root / folder / inner if doubled else root / folder, rows, tree=tree, frames=frames)
    return root


def write_casme2_table(path: Path, rows: Iterable[ClipRow], *, version: str = "2014") -> None:
    header = CASME2_HEADER if version == "2014" else (*CASME2_HEADER, "Objective Classes")
    classes = dealt_classes(CASME2_OBJECTIVE_2019)
    cells = (
        (f"{r.subject:02d}", r.clip, None, r.onset, r.apex, r.offset, None, r.action_units, r.emotion, int(objective))
        for r, objective in zip(rows, classes, strict=False)
    )
    lines = [header, *(line[: len(header)] for line in cells)]
    write_workbook(path, {"Sheet1": lines, "Sheet2": [], "Sheet3": []})


def write_casme2_objective_classes(path: Path, rows: Iterable[ClipRow]) -> None:
    """Write `CASME2-ObjectiveClasses.xlsx`, with the published counts if all rows are there."""
    pairs = zip(rows, dealt_classes(CASME2_OBJECTIVE), strict=False)
    cells = [(f"{row.subject:02d}", row.clip, int(objective)) for row, objective in pairs]
    write_workbook(path, {"Sheet1": [("Subject", "Filename", "Objective Class"), *cells]})


def dealt_classes(counts: Mapping[str, int]) -> list[str]:
    """Objective classes, each as often as published."""
    return [name for name, count in counts.items() for _ in range(count)]


def write_casme2_tree(
    home: Path,
    rows: Iterable[ClipRow],
    *,
    tree: str = "cropped",
    frames: Mapping[tuple[int, str], tuple[int, int]] = CASME2_FRAMES,
) -> None:
    prefix = "reg_img" if tree == "cropped" else "img"
    for row in rows:
        first, last = frames.get((row.subject, row.clip), (int(row.onset), int(row.offset)))
        first = 1 if tree == "raw" else first
        touch(home / f"sub{row.subject:02d}" / row.clip, (f"{prefix}{n}.jpg" for n in range(first, last + 1)))
    for subject, clip in CASME2_WITHOUT_ROW:
        touch(home / f"sub{subject:02d}" / clip, (f"{prefix}{n}.jpg" for n in range(1, 4)))
    touch(home / "sub01", ["Thumbs.db", ".DS_Store", "._EP02_01f"])


def write_samm(
    root: Path,
    *,
    rows: Sequence[ClipRow] | None = None,
    table: str = "SAMM_Micro_FACS_Codes_v2.xlsx",
    preamble: int = 13,
    tree: str = "",
) -> Path:
    """Write table and tree; the tree lies in root itself, or in the folder that ``tree`` names."""
    rows = samm_rows() if rows is None else rows
    write_samm_table(root / table, rows, preamble=preamble)
    for row in rows:
        # The first copies were padded to other widths.
        width = 4 if row.subject == 9 else 5
        names = (f"{row.subject:03d}_{n:0{width}d}.jpg" for n in range(int(row.onset), int(row.offset) + 1))
        touch(root / tree / f"{row.subject:03d}" / row.clip, names)
    return root


def write_samm_table(path: Path, rows: Iterable[ClipRow], *, preamble: int = 13) -> None:
    text = [["SAMM Micro-Movements"], ["Please cite:"], ['"/" = or'], ['"?" = uncertain'], ["Subject", "see Filename"]]
    lines: list[Sequence[object]] = [text[n] if n < len(text) else [] for n in range(preamble)]
    lines.append(SAMM_HEADER)
    for number, (row, objective) in enumerate(
        zip(rows, cycle(dealt_classes(SAMM_OBJECTIVE)), strict=False), preamble + 2
    ):
        subject, duration = f"{row.subject:03d}", f"=SUM(F{number}-D{number})+1"
        numbers = (row.onset, row.apex, row.offset)
        lines.append(
            (
                subject,
                row.clip,
                1,
                *numbers,
                duration,
                "Micro - 1/2",
                row.action_units,
                row.emotion,
                int(objective),
                "While blinking",
            )
        )
    write_workbook(path, {"MICRO_ONLY": lines})


def write_mmew(
    root: Path,
    *,
    order: str = "emotion-first",
    rows: Sequence[ClipRow] | None = None,
    table: str = "MMEW_Micro_Exp.xlsx",
    others: str = "others",
) -> Path:
    """Write table and tree, ``emotion-first`` or ``subject-first``; ``others`` names that class's folder."""
    rows = mmew_rows() if rows is None else rows
    write_mmew_table(root / table, rows)
    for row in rows:
        length = int(row.offset) - int(row.onset) + 1
        touch(root / mmew_folder(row, order=order, others=others), (f"{n}.jpg" for n in range(1, length + 1)))
    touch(root / "Macro_Expression" / "S01" / "anger", ["S01-07-001.jpg"])
    return root


def mmew_folder(row: ClipRow, *, order: str = "emotion-first", others: str = "others") -> Path:
    emotion = others if row.emotion == "others" else row.emotion
    above = Path("Micro_Expression") if order == "emotion-first" else Path(f"S{row.subject:02d}")
    return above / emotion / row.clip


def write_mmew_table(path: Path, rows: Iterable[ClipRow]) -> None:
    cells = [(r.subject, r.clip, r.onset, r.apex, r.offset, r.action_units, r.emotion, None) for r in rows]
    write_workbook(path, {"Sheet1": [MMEW_HEADER, *cells]})


def dfme_rows() -> dict[str, list[ClipRow]]:
    """All 2,629 rows by table, numbered from 0; no subject is in two tables."""
    tables, first = {}, 1
    for table, (subjects, counts) in DFME_TABLES.items():
        emotions = [emotion for emotion, count in zip(DFME_EMOTIONS, counts, strict=True) for _ in range(count)]
        who = range(first, first + subjects)
        tables[table] = [
            ClipRow(
                who[n % subjects], f"sub{who[n % subjects]:04d}_{n // subjects + 1:02d}", n % 3, n % 3 + 2, n % 3 + 4, e
            )
            for n, e in enumerate(emotions)
        ]
        first += subjects
    return tables


def write_dfme(root: Path, *, rows: Mapping[str, Sequence[ClipRow]] | Sequence[ClipRow] | None = None) -> Path:
    """Write one table or three, and one folder of clips."""
    tables = rows if isinstance(rows, Mapping) else {"training_full_with_AU": rows} if rows else dfme_rows()
    for table, lines in tables.items():
        cells = [
            (f"sub{r.subject:04d}", r.clip, r.onset, r.apex, r.offset, r.emotion, 0, (500, 300, 200)[n % 3], "4+7")
            for n, r in enumerate(lines)
        ]
        write_workbook(root / f"{table}.xlsx", {"Sheet1": [DFME_HEADER, *cells]})
        for row in lines:
            touch(root / "train_data" / "train_data" / row.clip, (f"{n:05d}.png" for n in range(int(row.offset) + 1)))
    return root


def write_samm_lv(
    root: Path, *, rows: Sequence[ClipRow] | None = None, macro: int = 343, labels: bool = True, table: str = "V3"
) -> Path:
    """Write the table with macro-expressions below, SAMM's table, and one folder a recording."""
    rows = samm_rows() if rows is None else rows
    recordings = sorted({row.clip.rpartition("_")[0] for row in rows})
    lines: list[Sequence[object]] = [["SAMM Long Videos"], *[[]] * 8, SAMM_LV_HEADER]
    for row in rows:
        frames = (float(row.onset), float(row.apex), float(row.offset), 99.0)
        lines.append((f"{row.subject:03d}", row.clip, 1, *frames, "Micro - 1/2", row.action_units, None))
    for n in range(macro):
        recording = recordings[n % len(recordings)]
        clip = f"{recording}_{900 + n}"
        lines.append((recording[:3], clip, 1, 3532.0, 4000.0, 5476.0, 1945.0, "Macro", "12", "Head movement"))
    write_workbook(root / f"SAMM_LongVideos_{table}_Release.xlsx", {"FACS_Movement_Only": lines})
    if labels:
        write_samm_table(root / "SAMM_Micro_FACS_Codes_v2.xlsx", rows)
    for row in rows:
        recording = row.clip.rpartition("_")[0]
        width = 4 + row.subject % 2
        names = (f"{recording}_{n:0{width}d}.jpg" for n in range(int(row.onset), int(row.offset) + 1))
        touch(root / "SAMM_longvideos" / recording, names)
    return root


def fourdme_rows() -> list[ClipRow]:
    """267 rows; the owners' number of each class is not public."""
    emotions = ("Negative", "Positive", "Surprise+Positive", "Surprise", "Others", "Repression", "Negative+Repression")
    return [
        ClipRow(n % 41 + 1, f"{n:03d}_01_1", 2400 + n, 2403 + n, 2407 + n, emotions[n % len(emotions)], "AU4(k)+L7")
        for n in range(267)
    ]


def write_4dme(root: Path, *, rows: Sequence[ClipRow] | None = None, tree: str = "gray_micro") -> Path:
    """Write table and tree; a subject is ``S`` and a number."""
    rows = fourdme_rows() if rows is None else rows
    cells = [(f"S{r.subject}", 1, r.clip, r.onset, r.apex, r.offset, r.emotion, r.action_units, 0, 1) for r in rows]
    write_workbook(root / "4DME_Labelling_Micro_release v1.xlsx", {"Sheet1": [FOURDME_HEADER, *cells]})
    for row in rows:
        names = (f"{n}.jpg" for n in range(int(row.onset), int(row.offset) + 1))
        touch(root / tree / f"S{row.subject}" / row.clip, names)
    return root


MEVIEW_ROWS = (
    ClipRow(1, "1", 10, None, 20, "contempt"),
    ClipRow(1, "2", 5, None, 17, "contempt/disgust"),
    ClipRow(11, "3", 30, None, 42, "surprise"),
    ClipRow(11, "3", 50, None, 60, "happy"),
    ClipRow(12, "1", 1, None, 12, "anger"),
)


def write_meview(root: Path, *, rows: Sequence[ClipRow] = MEVIEW_ROWS) -> Path:
    """Write the table, with its row of groups, and a short grey video for each cut."""
    above = [None, None, "Coder 1", *[None] * 10, "FINAL"]
    header = ["Subject", "ID", "Onset", "Offset", *[None] * 9, "Onset", "Offset", *[None] * 4, "Emotion"]
    cells = [
        (r.subject, int(r.clip), r.onset + 1, r.offset + 1, *[None] * 9, r.onset, r.offset, *[None] * 4, r.emotion)
        for r in rows
    ]
    write_workbook(root / "MEVIEW_v2.xlsx", {"Sheet1": [above, header, *cells]})
    for name in {f"sub{r.subject:02d}-{r.clip}.mp4" for r in rows}:
        write_video(root / "me-cuts" / "cuts" / name, 64)
    return root


def write_video(path: Path, length: int) -> None:
    """Write a video whose frame number n, from 1, has the grey level 3 n."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=30, options={"qscale": "1", "flags": "+qscale"})
        stream.width, stream.height = 32, 32
        for number in range(1, length + 1):
            grey = np.full((32, 32, 3), 3 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())


def smic_rows() -> list[ClipRow]:
    """All 164 short clips of the high-speed camera, those among them of which copies lack frames."""
    known = list(SMIC_LACKS)
    rows = []
    for emotion, count in SMIC_COUNTS.items():
        names = [name for name in known if f"_{SMIC_CODES[emotion]}_" in name]
        dealt = (SMIC_SUBJECTS[n % len(SMIC_SUBJECTS)] for n in range(count))
        numbered = (f"s{subject}_{SMIC_CODES[emotion]}_{20 + n}" for n, subject in enumerate(dealt))
        names += [next(numbered) for _ in range(count - len(names))]
        for n, name in enumerate(names):
            onset = 1000 + 37 * n
            rows.append(ClipRow(int(name[1:].partition("_")[0]), name, onset, None, onset + 11 + n % 9, emotion))
    return rows


def write_smic(
    root: Path,
    *,
    home: str = "SMIC_all_cropped/HS",
    frame: str = "reg_image{:06d}.bmp",
    rows: Sequence[ClipRow] = (),
    frames_lack: Mapping[str, tuple[int, ...] | None] = SMIC_LACKS,
) -> Path:
    """Write a tree of short clips: there is no table."""
    for row in rows or smic_rows():
        lacks = frames_lack.get(row.clip, ())
        there = [] if lacks is None else [n for n in range(row.onset, row.offset + 1) if n - row.onset not in lacks]
        folder = root / home / f"s{row.subject}" / "micro" / row.emotion / row.clip
        touch(folder, (frame.format(n) for n in there))
    touch(root / home / "s1" / "non_micro" / "s1_non_01", [frame.format(1)])
    return root


def casme_rows() -> list[ClipRow]:
    """All 189 rows; how many there are of each emotion is invented."""
    emotions = ("tense", "disgust", "repression", "surprise", "happiness", "sadness")
    return [
        ClipRow(1 + n % 19, f"EP{1 + n // 19:02d}_{n}", 20 + n % 30, 27 + n % 30, 34 + n % 30, emotions[n % 6])
        for n in range(189)
    ]


def write_casme(root: Path, *, rows: Sequence[ClipRow] = (), tree: str = "Cropped", second: object = None) -> Path:
    """Write table and tree; the second half of the rows has padded numbers, the first row ``second`` as second apex."""
    rows = rows or casme_rows()
    header = ("Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "AU", "Emotion")
    cells = [
        (r.subject, r.clip, None, r.onset, r.apex, None if n else second, r.offset, None, r.action_units, r.emotion)
        for n, r in enumerate(rows)
    ]
    write_workbook(root / "casme.xlsx", {"Sheet1": [header, *cells]})
    prefix = "reg_" if tree == "Cropped" else ""
    for n, row in enumerate(rows):
        digits = 3 if n >= len(rows) // 2 else 1
        names = (f"{prefix}{row.clip}-{number:0{digits}d}.jpg" for number in range(row.onset, row.offset + 1))
        touch(root / tree / f"sub{row.subject:02d}" / row.clip, names)
    return root


def cas_me_2_rows() -> list[ClipRow]:
    """All 57 micro-expressions, of subjects by their number in the table; their labels are invented."""
    videos = ("disgust1", "disgust2", "anger1", "happy1")
    emotions = ("negative", "positive", "surprise", "others")
    return [
        ClipRow(1 + n % 22, f"{videos[n % 4]}_{1 + n // 4}", 100 + n, 105 + n, 110 + n, emotions[n % 4])
        for n in range(57)
    ]


CAS_ME_2_CODES = {"disgust1": "0101", "disgust2": "0102", "anger1": "0401", "happy1": "0502"}
CAS_ME_2_PEOPLE = dict(enumerate((15, 16, *range(19, 28), *range(29, 39), 40), 1))


def write_cas_me_2(
    root: Path, *, rows: Sequence[ClipRow] = (), macro: int = 300, tree: str = "cropped", subject: str = "s{}"
) -> Path:
    """Write table and tree; the folders of subjects are called after ``subject``, of their number there."""
    rows = rows or cas_me_2_rows()
    write_cas_me_2_table(root / "CAS(ME)^2code_final.xlsx", rows, macro=macro)
    for row in rows:
        person, code = CAS_ME_2_PEOPLE[row.subject], CAS_ME_2_CODES[row.clip.partition("_")[0]]
        clip = f"{person}_{code}disgustingteeth" if tree == "rawpic" else row.clip
        last = max(row.apex, row.offset)
        touch(root / tree / subject.format(person) / clip, (f"img{n:03d}.jpg" for n in range(row.onset, last + 1)))
    return root


def write_cas_me_2_table(
    path: Path, rows: Iterable[ClipRow], *, macro: int = 300, header: Sequence[object] = ()
) -> None:
    micro = [
        (r.subject, r.clip, r.onset, r.apex, r.offset, r.action_units, r.emotion, "micro-expression", "sadness")
        for r in rows
    ]
    others = [(1, f"happy1_{90 + n}", 500, 510, 540, 12, "positive", "macro-expression", "x") for n in range(macro)]
    people = [(None, f"s{person}", number) for number, person in CAS_ME_2_PEOPLE.items()]
    videos = [(code, video) for video, code in CAS_ME_2_CODES.items()]
    first = [header, *micro, *others] if header else [*micro, *others]
    write_workbook(path, {"CASFEcode_final": first, "naming rule1": people, "naming rule2": videos})


def cas_me_3_rows() -> list[ClipRow]:
    """All 860 rows of part A: 463 recordings of 94 subjects; 55 begin at their apex."""
    sizes = [size for size, count in CAS_ME_3_RECORDINGS.items() for _ in range(count)]
    sizes = sizes[4:272] + sizes[273:]  # without the recordings of the known rows: four of one row, one of two
    recordings = [(CAS_ME_3_SUBJECTS[n % 94], "fghijklm"[n // 94]) for n in range(len(sizes))]
    names = [name for name, size in zip(recordings, sizes, strict=True) for _ in range(size)]
    known = [row.emotion for row in CAS_ME_3_KNOWN]
    emotions = [e for e, count in CAS_ME_3_COUNTS.items() for _ in range(count - known.count(e))]
    rows = list(CAS_ME_3_KNOWN)
    for n, ((subject, clip), emotion) in enumerate(zip(names, emotions, strict=True)):
        onset = 10 + 20 * sum(row.subject == subject and row.clip == clip for row in rows)
        rows.append(ClipRow(subject, clip, onset, onset + (6 if n >= 53 else 0), onset + 12, emotion))
    return rows


def write_cas_me_3(root: Path, *, rows: Sequence[ClipRow] = (), home: str = "part_A") -> Path:
    """Write table and recordings of part A."""
    rows = rows or cas_me_3_rows()
    header = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
    cells = [
        (f"spNO.{r.subject}", r.clip, str(r.onset), str(r.apex), str(r.offset), "12", "VII", r.emotion) for r in rows
    ]
    write_workbook(root / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", {"label": [header, *cells], "Sheet1": []})
    for row in rows:
        first, last = sorted((row.onset, row.offset))
        numbers = range(first, min(last, first + 20) + 1)  # of clips that last minutes a few suffice
        touch(root / home / f"spNo.{row.subject}" / row.clip.upper() / "color", (f"{n}.jpg" for n in numbers))
    touch(root / home / "spNO.1" / "b" / "color", ["1.jpg"])
    return root


def write_workbook(path: Path, sheets: dict[str, Sequence[Sequence[object]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook()
    book.remove(book.active)
    for title, lines in sheets.items():
        sheet = book.create_sheet(title)
        for number, line in enumerate(lines, 1):
            for column, value in enumerate(line, 1):
                if value is not None:
                    sheet.cell(number, column, value)
    book.save(path)


def touch(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def _is_relabelled(row: ClipRow) -> bool:
    return row.subject == 24 and row.clip in CASME2_RELABELLED


def _completed(known, rows_per_subject, counts, name, *, base=20) -> list[ClipRow]:
    """Add invented rows until every subject and every emotion has as many as published, by subject."""
    rows = list(known)
    left = {subject: count - sum(r.subject == subject for r in known) for subject, count in rows_per_subject.items()}
    emotions = [e for e, count in counts.items() for _ in range(count - sum(r.emotion == e for r in known))]
    for n, (subject, emotion) in enumerate(zip(_dealt(left), emotions, strict=True)):
        onset, apex, length = base + n % 50, 8 + n % 5, 24 + n % 7
        units = _ACTION_UNITS[n % len(_ACTION_UNITS)]
        rows.append(ClipRow(subject, name(subject), onset, onset + apex, onset + length - 1, emotion, units))
    return sorted(rows, key=lambda row: row.subject)


def _dealt(left: dict[int, int]) -> Iterator[int]:
    """Subjects in turns, each as often as rows are left: neighbours differ while several have rows left."""
    for turn in range(max(left.values())):
        yield from (subject for subject, count in left.items() if turn < count)
