import re
from collections import Counter

import av
import pytest
from drawn_files import jpegs, read_csv

from mer_di.building.plan import make_plan
from mer_di.datasets import load_dataset
from mer_di.errors import InputError
from mer_di.recipe import Recipe
from mer_di.synthetic import write_database
from mer_di.synthetic.layouts import LAYOUTS, find_layout

TREES = {
    "cropped": (r"Cropped/Cropped/sub\d\d/EP\d\d_\d\df?/reg_img([1-9]\d*)\.jpg", False),
    "selected": (r"CASME2_RAW_selected/CASME2_RAW_selected/sub\d\d/EP\d\d_\d\df?/img([1-9]\d*)\.jpg", False),
    "raw": (r"CASME2_RAW/CASME2-RAW/sub\d\d/EP\d\d_\d\df?/img([1-9]\d*)\.jpg", True),
}


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


def test_what_is_no_layout_and_what_no_tree_of_one():
    with pytest.raises(InputError, match=rf"'casme4'; expected one of {', '.join(LAYOUTS)}"):
        find_layout("casme4")
    with pytest.raises(InputError, match=r"casme2 has no frame tree 'nir'; expected cropped, selected, raw, avi"):
        find_layout("casme2", "nir")


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


@pytest.mark.parametrize(
    ("layout", "tree"), [("dfme", None), ("samm_lv", None), ("4dme", None), ("meview", None), ("casme2", "avi")]
)
def test_what_is_drawn_is_read_as_drawn(tmp_path, sketched, layout, tree):
    root = write_database(tmp_path / "db", layout=layout, tree=tree, subjects=2, clips_per_emotion=2)
    database = load_dataset(layout, root)
    assert database.synthetic
    truth = {(row["subject"], row["clip"]): row for row in read_csv(root / "ground_truth.csv")}
    plan = make_plan(database, Recipe(align="none", aspect="stretch", apex_policy="midpoint"))
    assert len(plan.clips) == len(database.samples) == len(truth)
    first = 1 if layout == "meview" or tree == "avi" else 0  # number of a video's frame at position 0
    for clip in plan.clips:
        row = truth[clip.sample.subject, clip.sample.clip]
        assert (clip.onset + first, clip.offset + first) == (int(row["onset"]), int(row["offset"]))
        assert layout == "meview" or clip.apex + first == int(row["apex"])


def test_dfme_files(tmp_path, sketched):
    root = write_database(tmp_path / "db", layout="dfme", subjects=2)
    names = [path.relative_to(root).as_posix() for path in root.rglob("*.png")]
    assert all(re.fullmatch(r"train_data/sub\d{4}_\d\d/\d{5}\.png", name) for name in names)
    assert "0" in {row["onset"] for row in read_csv(root / "ground_truth.csv")}


def test_samm_lv_files(tmp_path, sketched):
    root = write_database(tmp_path / "db", layout="samm_lv", subjects=1, clips_per_emotion=2)
    recordings = {path.name: sorted(path.iterdir()) for path in (root / "SAMM_longvideos").iterdir()}
    assert {len(re.fullmatch(r".*_(\d+)\.jpg", files[0].name)[1]) for files in recordings.values()} == {4, 5}
    assert max(len(files) for files in recordings.values()) > 101, "several movements lie in one recording"


def test_4dme_files(tmp_path, sketched):
    root = write_database(tmp_path / "db", layout="4dme", subjects=1)
    assert all(re.fullmatch(r"gray_micro/S1/\d{3}_\d\d_1/\d{5}\.jpg", name) for name in jpegs(root))


def test_videos_are_the_same_to_the_byte_whenever_they_are_drawn(tmp_path, sketched):
    one, two = (write_database(tmp_path / name, layout="meview", subjects=1) for name in "ab")
    files = sorted(path.relative_to(one) for path in one.rglob("*.mp4"))
    assert len(files) == 6
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)
    with av.open(one / files[0]) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
