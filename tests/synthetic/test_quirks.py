import re
from collections import Counter

import cv2
import numpy as np
import pytest
from drawn_files import read_csv, read_table, subject_id

from mer_di.errors import InputError
from mer_di.synthetic import write_database

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


@pytest.mark.parametrize("layout", ["casme", "dfme", "4dme"])
def test_a_layout_is_spoiled_by_what_can_befall_its_labels(tmp_path, sketched, layout):
    root = write_database(tmp_path / "db", layout=layout, subjects=5, messy=True)
    kinds = Counter(row["kind"] for row in read_csv(root / "planted.csv"))
    assert kinds.pop("litter") == 1
    assert Counter(CLIP_QUIRKS) - kinds == ({} if layout == "4dme" else {"label-spelling": 1})
    assert kinds - Counter(CLIP_QUIRKS) == {}


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


def test_a_layout_whose_quirks_are_not_known_is_not_spoilt(tmp_path):
    with pytest.raises(
        InputError, match="no messy smic database can be drawn; expected one of casme2, samm, mmew, casme, dfme, 4dme"
    ):
        write_database(tmp_path / "db", layout="smic", messy=True)
