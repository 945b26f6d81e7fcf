"""The files: names, tables, truth, planted quirks; read here as a stranger would, without the library's loaders."""

import csv
import hashlib
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import openpyxl
import pytest

from mer_di.datasets import load_dataset
from mer_di.errors import DatasetNotFoundError, InputError
from mer_di.synthetic import database, default_database, draw_clip, write_database

TREES = {
    "cropped": (r"Cropped/Cropped/sub\d\d/EP\d\d_\d\df?/reg_img([1-9]\d*)\.jpg", False),
    "selected": (r"CASME2_RAW_selected/CASME2_RAW_selected/sub\d\d/EP\d\d_\d\df?/img([1-9]\d*)\.jpg", False),
    "raw": (r"CASME2_RAW/CASME2-RAW/sub\d\d/EP\d\d_\d\df?/img([1-9]\d*)\.jpg", True),
}
LABELS = {
    "casme2": {"happiness", "others", "disgust", "repression", "surprise", "fear", "sadness"},
    "samm": {"Anger", "Contempt", "Disgust", "Fear", "Happiness", "Other", "Sadness", "Surprise"},
    "mmew": {"happiness", "surprise", "disgust", "others", "fear", "sadness", "anger"},
}
HEADERS = {
    "casme2": [
        *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units"),
        "Estimated Emotion",
    ],
    "samm": [
        *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro"),
        *("Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
    ],
    "mmew": [
        *("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion"),
        "remarks",
    ],
}
TABLES = {
    "casme2": "CASME2-coding-20140508.xlsx",
    "samm": "SAMM_Micro_FACS_Codes_v2.xlsx",
    "mmew": "MMEW_Micro_Exp.xlsx",
}
CLIP_QUIRKS = [
    *["label-spelling"] * 3,
    *["phase-too-short"] * 2,
    *("apex-missing", "apex-outside", "frames-missing", "frame-gap", "frame-unreadable", "frame-size-changes"),
    *("clip-not-found", "folder-without-row"),
]
OWN_CLIP_QUIRKS = {"casme2": [], "samm": ["frame-padding"], "mmew": ["label-contradicts-folder"]}
DATABASE_QUIRKS = {
    "casme2": ["clip-name-shared", "litter", "renamed-folder"],
    "samm": ["doubled-folder", "litter"],
    "mmew": ["doubled-folder", "folder-alias", "litter"],
}


@pytest.fixture
def sketched(monkeypatch):
    """Noise instead of faces, for tests that look at names and numbers only."""

    def film(take, positions):
        rng = np.random.default_rng(take.noise_seed)
        for _ in positions:
            yield rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)

    monkeypatch.setattr(database, "film", film)


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_table(root, layout):
    """Header row index, and rows as dicts of the cells that have a header."""
    sheet = openpyxl.load_workbook(root / TABLES[layout]).worksheets[0]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    head = next(index for index, row in enumerate(rows) if "Filename" in row)
    names = [None if name is None else name.replace(" ", "").lower() for name in rows[head]]
    return head, rows[head], [dict(zip(names, row, strict=True)) for row in rows[head + 1 :]]


def jpegs(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg") if not path.name.startswith("."))


def subject_id(layout, cell):
    return {"casme2": "sub{}", "samm": "{}", "mmew": "S{:02}"}[layout].format(cell)


def digests(root):
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in jpegs(root)}


def test_a_clip_does_not_depend_on_how_much_else_is_drawn(tmp_path):
    small = write_database(tmp_path / "small", subjects=1)
    large = write_database(tmp_path / "large", subjects=2)
    one, both = digests(small), digests(large)
    assert one.items() < both.items()
    truth = read_csv(small / "ground_truth.csv")
    assert truth == read_csv(large / "ground_truth.csv")[: len(truth)]
    row = next(row for row in truth if row["emotion"] == "surprise")
    clip = draw_clip("surprise")
    onset = cv2.imread(str(small / row["folder"] / f"{row['onset']}.jpg"))[..., ::-1]
    assert np.abs(onset.astype(int) - clip.frames[clip.onset]).mean() < 3, "JPEG, in the right colours"


def test_two_seeds_draw_two_databases_and_one_seed_one(tmp_path, sketched):
    roots = [write_database(tmp_path / str(i), subjects=1, seed=seed) for i, seed in enumerate((7, 7, 8))]
    everything = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()} for root in roots
    ]
    assert everything[0] == everything[1], "tables included, to the byte"
    assert everything[0] != everything[2]


@pytest.mark.parametrize("tree", TREES)
def test_casme2_files(tmp_path, sketched, tree):
    root = write_database(tmp_path / "db", layout="casme2", tree=tree, subjects=2, clips_per_emotion=2)
    pattern, whole = TREES[tree]
    numbers = {}
    for name in jpegs(root):
        number = int(re.fullmatch(pattern, name)[1])
        numbers.setdefault(name.rpartition("/")[0], set()).add(number)
    truth = read_csv(root / "ground_truth.csv")
    assert len(truth) == len(numbers) == 2 * 7 * 2
    for row in truth:
        onset, offset = int(row["onset"]), int(row["offset"])
        found = numbers[row["folder"]]
        assert found == (set(range(1, max(found) + 1)) if whole else set(range(onset, offset + 1)))
        assert onset > 1, "numbers are those of the whole clip"
        assert offset <= max(found)
        assert row["folder"].endswith(f"/{row['subject']}/{row['clip']}")
    shared = Counter(row["clip"] for row in truth)
    assert set(shared.values()) == {2}, "names recur with other subjects, and not within one"


def test_cropped_is_what_casme2_means_unless_told(tmp_path, sketched):
    root = write_database(tmp_path / "db", layout="casme2", subjects=1)
    assert (root / "Cropped/Cropped/sub01").is_dir()


def test_samm_files(tmp_path, sketched):
    root = write_database(tmp_path / "db", layout="samm", subjects=3)
    truth = read_csv(root / "ground_truth.csv")
    assert sorted({row["subject"] for row in truth}) == ["006", "007", "009"], "there is no 008"
    expected = [
        f"{row['subject']}/{row['clip']}/{row['subject']}_{number:05d}.jpg"
        for row in truth
        for number in range(int(row["onset"]), int(row["offset"]) + 1)
    ]
    assert jpegs(root) == sorted(expected)
    assert len({row["clip"] for row in truth}) == len(truth) == 24
    assert all(re.fullmatch(rf"{row['subject']}_[1-7]_\d+", row["clip"]) for row in truth)
    assert min(int(row["onset"]) for row in truth) >= 200


def test_mmew_files(tmp_path, sketched):
    root = write_database(tmp_path / "db", layout="mmew", subjects=2, clips_per_emotion=3)
    truth = read_csv(root / "ground_truth.csv")
    codes = ["happiness", "surprise", "disgust", "others", "fear", "sadness", "anger"]
    for row in truth:
        person, code, count = re.fullmatch(r"S(\d\d)-(\d\d)-(\d{3})", row["clip"]).groups()
        assert row["subject"] == f"S{person}"
        assert row["emotion"] == codes[int(code) - 1]
        assert row["folder"] == f"Micro_Expression/{row['emotion']}/{row['clip']}"
        assert 1 <= int(count) <= 3
        on_disk = {path.name for path in (root / row["folder"]).iterdir()}
        assert on_disk == {f"{number}.jpg" for number in range(1, len(on_disk) + 1)}
        assert 14 <= len(on_disk) <= 77
        assert row["onset"] == "1"
        assert int(row["offset"]) <= len(on_disk)
        assert (row["first_file"], row["last_file"]) == ("1.jpg", f"{len(on_disk)}.jpg")


@pytest.mark.parametrize("layout", TABLES)
def test_tables(tmp_path, sketched, layout):
    root = write_database(tmp_path / "db", layout=layout, subjects=2)
    head, header, rows = read_table(root, layout)
    assert head == (13 if layout == "samm" else 0)
    assert header == HEADERS[layout]
    assert {row["estimatedemotion"] for row in rows} == LABELS[layout]
    truth = {(row["subject"], row["clip"]): row for row in read_csv(root / "ground_truth.csv")}
    assert len(rows) == len(truth)
    for row in rows:
        true = truth[subject_id(layout, row["subject"]), row["filename"]]
        assert [row["onsetframe"], row["apexframe"], row["offsetframe"]] == [
            int(true[name]) for name in ("onset", "apex", "offset")
        ]
        assert row["onsetframe"] < row["apexframe"] < row["offsetframe"]
        assert str(row["actionunits"]) == true["action_units"]
        assert row["estimatedemotion"].lower().rstrip("s") == true["emotion"].rstrip("s")
    units = {type(row["actionunits"]) for row in rows}
    assert units == {int, str}, "a single action unit is a number, as in the real tables"


def test_sheets_formulas_and_cell_types(tmp_path, sketched):
    books = {
        layout: openpyxl.load_workbook(write_database(tmp_path / layout, layout=layout, subjects=1) / TABLES[layout])
        for layout in TABLES
    }
    assert books["casme2"].sheetnames == ["Sheet1", "Sheet2", "Sheet3"]
    assert books["samm"].sheetnames == ["MICRO_ONLY"]
    assert books["casme2"]["Sheet1"]["A2"].value == "01"
    assert books["mmew"].worksheets[0]["A2"].value == 1
    sheet = books["samm"]["MICRO_ONLY"]
    assert [sheet.cell(15, column).value for column in (1, 7, 8)] == ["006", "=SUM(F15-D15)+1", "Micro - 1/2"]
    assert sheet.max_row == 14 + 8
    for book in books.values():
        assert "SYNTHETIC" in book.properties.description
    assert "SYNTHETIC" in sheet["A1"].value


def usual_label(layout, emotion):
    if layout == "samm":
        return "Other" if emotion == "others" else emotion.capitalize()
    return emotion


@pytest.mark.parametrize(("layout", "tree"), [("mmew", None), ("samm", None), ("casme2", "cropped"), ("casme2", "raw")])
def test_messy_plants_what_it_lists(tmp_path, sketched, layout, tree):
    root = write_database(tmp_path / "db", layout=layout, tree=tree, subjects=4, messy=True)
    planted = read_csv(root / "planted.csv")
    of_clips = [row for row in planted if row["clip"]]
    assert Counter(row["kind"] for row in of_clips) == Counter(CLIP_QUIRKS + OWN_CLIP_QUIRKS[layout])
    assert sorted(row["kind"] for row in planted if not row["clip"]) == DATABASE_QUIRKS[layout]
    spoiled = {(row["subject"], row["clip"]): row["kind"] for row in of_clips}
    assert len(spoiled) == len(of_clips), "one quirk a clip"
    table = {(subject_id(layout, row["subject"]), row["filename"]): row for row in read_table(root, layout)[2]}
    for true in read_csv(root / "ground_truth.csv"):
        key = true["subject"], true["clip"]
        check_row(layout, true, table.pop(key, None), spoiled.get(key))
        assert (true["folder"] == "") == (spoiled.get(key) == "clip-not-found")
        if true["folder"]:
            check_files(root / true["folder"], true, spoiled.get(key))
    assert table == {}


def test_a_messy_database_keeps_the_truth(tmp_path, sketched):
    clean, messy = (
        read_csv(write_database(tmp_path / str(messy), subjects=4, messy=messy) / "ground_truth.csv")
        for messy in (False, True)
    )
    for name in ("subject", "clip", "onset", "apex", "offset", "emotion", "action_units", "amplitude"):
        assert [row[name] for row in clean] == [row[name] for row in messy]


def check_row(layout, true, row, kind):
    """Assert that a row of the table has exactly the quirk that is listed for its clip."""
    assert (row is None) == (kind == "folder-without-row")
    if row is None:
        return
    onset, apex, offset = (int(true[name]) for name in ("onset", "apex", "offset"))
    assert (row["onsetframe"], row["offsetframe"]) == (onset, offset)
    written = row["apexframe"]
    assert (written == apex) == (kind not in ("apex-missing", "phase-too-short", "apex-outside"))
    assert (written == "/") == (kind == "apex-missing")
    assert (written in (onset, offset)) == (kind == "phase-too-short")
    assert (written != "/" and written > offset) == (kind == "apex-outside")
    assert (row["estimatedemotion"] != usual_label(layout, true["emotion"])) == (kind == "label-spelling")


def check_files(folder, true, kind):
    """Assert that a folder has exactly the quirk that is listed for its clip."""
    wanted = range(int(true["onset"]), int(true["offset"]) + 1)
    files = {
        int(re.findall(r"\d+", path.stem)[-1]): path for path in folder.glob("*.jpg") if not path.name.startswith(".")
    }
    absent = [number for number in wanted if number not in files]
    assert bool(absent) == (kind in ("frames-missing", "frame-gap"))
    if kind == "frames-missing":
        assert absent == list(range(absent[0], wanted[-1] + 1))
        assert absent[0] > int(true["apex"])
    if kind == "frame-gap":
        assert len(absent) == 1
        assert wanted[0] < absent[0] < wanted[-1]
    shapes = Counter(read_shape(files[number]) for number in wanted if number in files)
    assert (shapes.pop(None, 0) == 1) == (kind == "frame-unreadable")
    assert sorted(shapes.values())[:-1] == ([1] if kind == "frame-size-changes" else [])
    if "Micro_Expression" in folder.parts:
        named = folder.parent.name.replace("repression", "others")
        assert (named != true["emotion"]) == (kind == "label-contradicts-folder")
    if kind == "frame-padding":
        assert all(len(path.stem) == 11 for path in files.values())


def read_shape(path):
    """Shape of an image; None if its file ends before the image does."""
    content = path.read_bytes()
    if not content.endswith(b"\xff\xd9"):
        return None
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED).shape


def test_litter_lies_among_the_frames(tmp_path, sketched):
    root = write_database(tmp_path / "db", subjects=4, messy=True)
    listed = next(row["what"] for row in read_csv(root / "planted.csv") if row["kind"] == "litter").split(", ")
    assert {"Thumbs.db", ".DS_Store", "._1.jpg"} == {name.rpartition("/")[2] for name in listed}
    for name in listed:
        assert (root / name).is_file()


def test_progress_counts_the_clips(tmp_path, sketched):
    seen = []
    write_database(tmp_path / "db", subjects=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(7, 21), (14, 21), (21, 21)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"layout": "smic"}, "layout is 'smic'"),
        ({"layout": "casme2", "tree": "video"}, "no frame tree 'video'; expected cropped, selected, raw"),
        ({"tree": "raw"}, "mmew has no frame tree 'raw'"),
        ({"subjects": 0}, "subjects is 0; expected 1..99"),
        ({"layout": "samm", "subjects": 95}, "subjects is 95; expected 1..91"),
        ({"clips_per_emotion": 0}, "clips_per_emotion is 0"),
        ({"clips_per_emotion": 100}, "clips_per_emotion is 100"),
        ({"seed": -1}, "seed is -1; expected 0 or more"),
        ({"subjects": 3, "messy": True}, "needs 28 clips or more, of which 14 are spoiled; 21 were asked for"),
        ({"layout": "casme2", "subjects": 1, "clips_per_emotion": 4, "messy": True}, "expected 2 subjects or more"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(tmp_path, sketched, arguments, said):
    with pytest.raises(InputError, match=re.escape(said)):
        write_database(tmp_path / "db", **arguments)
    assert not (tmp_path / "db").exists()


def test_an_existing_folder_is_not_written_into(tmp_path, sketched):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    (tmp_path / "empty").mkdir()
    for name in ("full", "full/mine.txt"):
        with pytest.raises(InputError, match="no empty folder"):
            write_database(tmp_path / name, subjects=1)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    write_database(tmp_path / "empty", subjects=1)


@pytest.fixture
def cache(tmp_path, monkeypatch, sketched):
    place = tmp_path / "cache" / "mer_di"
    monkeypatch.setattr(database.platformdirs, "user_cache_path", lambda *_, **__: place)
    monkeypatch.setitem(database._DEFAULT, "subjects", 2)
    return place


def test_the_default_is_drawn_once_whoever_asks(cache, monkeypatch):
    with ThreadPoolExecutor(3) as pool:
        roots = set(pool.map(lambda _: default_database(), range(3)))
    (root,) = roots
    assert [path.name for path in cache.iterdir()] == [root.name], "nothing is left beside it"
    assert (root / "MMEW_Micro_Exp.xlsx").is_file()
    assert len(read_csv(root / "ground_truth.csv")) == 14
    monkeypatch.setattr(database, "film", None)
    assert default_database() == root
    monkeypatch.setitem(database._DEFAULT, "seed", 1)
    with pytest.raises(TypeError):
        default_database()


def test_an_interrupted_default_leaves_nothing(cache, monkeypatch):
    def film(take, positions):
        raise KeyboardInterrupt

    monkeypatch.setattr(database, "film", film)
    with pytest.raises(KeyboardInterrupt):
        default_database()
    assert list(cache.iterdir()) == []


def test_a_default_that_cannot_be_stored_says_what_to_do(cache):
    cache.parent.write_text("a file where a folder should be")
    with pytest.raises(DatasetNotFoundError, match=r"cannot be drawn into .*name it with --root"):
        default_database()


@pytest.mark.parametrize("layout", ["mmew", "casme2", "samm"])
def test_what_was_drawn_is_never_taken_for_people(layout, tmp_path):
    assert load_dataset(layout, write_database(tmp_path / layout, layout=layout, subjects=1)).synthetic
