"""SAMM Long Videos: micro-expressions of whole recordings, with labels from SAMM's own table."""

import shutil

import pytest
from lookalikes import SAMM_COUNTS, ClipRow, samm_rows, touch, write_samm_lv, write_samm_table, write_workbook

from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError, InputError
from mer_di.imaging.listing import list_frames

FEW = [
    ClipRow(6, "006_1_2", 62, 70, 80, "Anger"),
    ClipRow(6, "006_1_3", 100, 110, 120, "Other"),
    ClipRow(7, "007_3_1", 400, 410, 420, "Happiness"),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return load_dataset("samm_lv", write_samm_lv(tmp_path_factory.mktemp("samm_lv") / "SAMM_LV"))


def test_published_counts_with_the_labels_of_samm(database):
    assert (len(database.samples), database.table_version) == (159, "V1-V3")
    assert len({sample.subject for sample in database.samples}) == 29
    assert {name: found for name, found, _ in database.published()} == {
        {"Other": "others"}.get(name, name.casefold()): count for name, count in SAMM_COUNTS.items()
    }
    assert {sample.sample_id for sample in database.samples} == {f"{r.subject:03d}/{r.clip}" for r in samm_rows()}


def test_macro_expressions_are_counted_and_their_recordings_are_no_surprise(tmp_path):
    root = write_samm_lv(tmp_path, rows=FEW, macro=5)
    database = load_dataset("samm_lv", root)
    assert len(database.samples) == 3
    (finding,) = [finding for finding in database.findings if finding.kind == "macro-expressions"]
    assert finding.message.startswith("5 'Macro': rows of another type")
    touch(root / "SAMM_longvideos" / "009_5", ["009_5_0001.jpg"])
    database = load_dataset("samm_lv", root)
    unlabelled = [finding.where for finding in database.findings if finding.kind == "folder-without-row"]
    assert unlabelled == ["SAMM_longvideos/009_5"]


def test_a_recording_holds_several_clips_whatever_the_padding(tmp_path):
    samples = load_dataset("samm_lv", write_samm_lv(tmp_path, rows=FEW)).samples
    assert [sample.path.name for sample in samples] == ["006_1", "006_1", "007_3"]
    for sample in samples:
        assert set(range(sample.onset, sample.offset + 1)) <= list_frames(sample.path).keys()
    assert (samples[0].onset, samples[0].apex, samples[0].offset) == (62, 70, 80)


def test_without_the_table_that_has_the_labels(tmp_path):
    root = write_samm_lv(tmp_path / "LV", rows=FEW, labels=False)
    with pytest.raises(DatasetNotFoundError, match=r"no column of emotions.*SAMM\*Micro\*FACS.*'Estimated Emotion'"):
        load_dataset("samm_lv", root)
    write_samm_table(tmp_path / "elsewhere" / "SAMM_Micro_FACS_Codes_v2.xlsx", FEW)
    (root / "SAMM_LongVideos_V3_Release.xlsx").rename(tmp_path / "elsewhere" / "long.xlsx")
    samples = load_dataset("samm_lv", root, table=tmp_path / "elsewhere" / "long.xlsx").samples
    assert [sample.emotion for sample in samples] == ["anger", "others", "happiness"]


def test_a_column_of_emotions_needs_no_other_table(tmp_path):
    root = write_samm_lv(tmp_path, rows=FEW, labels=False)
    header = ("Subject", "Filename", "Onset", "Apex", "Offset", "Type", "Estimated Emotion")
    row = (6, "006_1_2", 62, 70, 80, "Micro - 1/2", "fear")
    write_workbook(root / "SAMM_LongVideos_V3_Release.xlsx", {"FACS_Movement_Only": [header, row]})
    (sample,) = load_dataset("samm_lv", root).samples
    assert (sample.sample_id, sample.emotion) == ("006/006_1_2", "fear")


def test_rows_without_a_label_and_tables_without_micro_expressions_are_refused(tmp_path):
    root = write_samm_lv(tmp_path, rows=FEW)
    write_samm_table(root / "SAMM_Micro_FACS_Codes_v2.xlsx", FEW[:1])
    with pytest.raises(AnnotationError, match=r"2 of 3 micro-expressions have no row.*006_1_3, 007_3_1"):
        load_dataset("samm_lv", root)
    header = ("Subject", "Filename", "Onset", "Apex", "Offset", "Type")
    lines = [header, (6, "006_1_2", 62, 70, 80, "Macro")]
    write_workbook(root / "SAMM_LongVideos_V3_Release.xlsx", {"FACS_Movement_Only": lines})
    with pytest.raises(AnnotationError, match="no row has a type that begins with Micro; its rows are 1 'Macro'"):
        load_dataset("samm_lv", root)


def test_an_offset_past_the_end_of_a_recording_is_mended_where_a_table_calls_it_micro(tmp_path):
    rows = [ClipRow(20, "020_6_5", 4990, 4995, 5001, "Anger"), ClipRow(36, "036_7_4", 8190, 8195, 8298, "Other")]
    root = write_samm_lv(tmp_path, rows=rows, macro=0)
    write_samm_lv(tmp_path / "b", rows=[rows[0]._replace(offset=5476), rows[1]], macro=0, labels=False)
    (tmp_path / "b" / "SAMM_LongVideos_V3_Release.xlsx").rename(root / "SAMM_LongVideos_V3_Release.xlsx")
    shutil.rmtree(tmp_path / "b")
    database = load_dataset("samm_lv", root)
    assert [(c.sample_id, c.was, c.now) for c in database.applied] == [("020/020_6_5", 5476, 5001)]
    assert [sample.offset for sample in database.samples] == [5001, 8298], "the other recording reaches its offset"
    assert load_dataset("samm_lv", root, corrections=("none",)).samples[0].offset == 5476


def test_rows_added_below_change_no_name(tmp_path):
    before = load_dataset("samm_lv", write_samm_lv(tmp_path / "a", rows=FEW)).samples
    more = [*FEW, ClipRow(6, "006_1_9", 200, 210, 220, "Fear")]
    after = load_dataset("samm_lv", write_samm_lv(tmp_path / "b", rows=more)).samples
    assert {s.sample_id for s in after} - {s.sample_id for s in before} == {"006/006_1_9"}
    assert {s.sample_id for s in before} <= {s.sample_id for s in after}


def test_unknown_names_are_refused_before_anything_is_read(tmp_path):
    with pytest.raises(InputError, match="meb2"):
        load_dataset("samm_lv", tmp_path, corrections=("meb2",))
    with pytest.raises(InputError, match="'cropped'"):
        load_dataset("samm_lv", write_samm_lv(tmp_path, rows=FEW), tree="cropped")
