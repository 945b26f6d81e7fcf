"""DFME: three tables, frames from 0, a rate a row."""

from collections import Counter

import pytest
from lookalikes import ClipRow, touch, write_dfme

from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError

FEW = [ClipRow(3, "sub0003_01", 0, 2, 4, "anger"), ClipRow(3, "sub0003_02", 1, 3, 6, "Contempt")]
MORE = [ClipRow(8, "sub0008_01", 0, 2, 4, "fear")]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return load_dataset("dfme", write_dfme(tmp_path_factory.mktemp("dfme") / "DFME"))


def test_published_counts_of_the_three_tables_together(database):
    assert (len(database.samples), len({sample.subject for sample in database.samples})) == (2629, 259)
    assert database.table_version == "training + test A + test B"
    assert all(found == published for _, found, published in database.published())
    (finding,) = database.findings
    assert finding.kind == "tables-joined"
    for part in ("(training, 1856 rows)", "(test A, 474 rows)", "(test B, 299 rows)", "--table"):
        assert part in finding.message


@pytest.mark.parametrize(
    ("table", "rows", "subjects", "version"),
    [("training", 1856, 176, "training"), ("test_A", 474, 42, "test A"), ("test_B", 299, 41, "test B")],
)
def test_one_of_the_tables(database, table, rows, subjects, version):
    one = load_dataset("dfme", database.root, table=database.root / f"{table}_full_with_AU.xlsx")
    assert (len(one.samples), one.table_version) == (rows, version)
    assert len({sample.subject for sample in one.samples}) == subjects
    assert one.table_sha256 != database.table_sha256


def test_frames_count_from_0_and_each_row_has_its_rate(database):
    first = next(sample for sample in database.samples if sample.clip == "sub0001_01")
    assert (first.onset, first.apex, first.offset, first.fps) == (0, 2, 4, 500)
    assert Counter(sample.fps for sample in database.samples).keys() == {500, 300, 200}
    assert all(sample.path is not None and sample.path.name == sample.clip for sample in database.samples)
    assert (database.tree, database.registered) == ("raw", False)


def test_a_clip_in_two_tables_is_refused(tmp_path):
    write_dfme(tmp_path, rows={"training_full_with_AU": FEW, "test_A_full_with_AU": FEW[:1]})
    with pytest.raises(AnnotationError, match=r"two rows for the clip sub0003/sub0003_01 \(test_A.*; training.*"):
        load_dataset("dfme", tmp_path)


def test_tables_that_were_unpacked_twice(tmp_path):
    write_dfme(tmp_path / "full_release" / "full_release", rows={"training_full_with_AU": FEW, "test_A": MORE})
    (tmp_path / "full_release" / "full_release" / "train_data").rename(tmp_path / "train_data")
    database = load_dataset("dfme", tmp_path)
    assert [sample.clip for sample in database.samples] == ["sub0003_01", "sub0003_02", "sub0008_01"]
    assert all(sample.path for sample in database.samples)


def test_a_name_of_another_subject_is_told(tmp_path):
    database = load_dataset("dfme", write_dfme(tmp_path, rows=[ClipRow(4, "sub0003_01", 0, 2, 4, "anger")]))
    assert [f.where for f in database.findings if f.kind == "subject-contradicts-clip"] == ["sub0004/sub0003_01"]


def test_a_clip_in_two_folders_and_no_clip_at_all(tmp_path):
    root = write_dfme(tmp_path / "DFME", rows=FEW)
    touch(root / "copy" / "sub0003_01", ["00000.png"])
    with pytest.raises(AnnotationError, match="two folders hold the clip sub0003_01"):
        load_dataset("dfme", root)
    write_dfme(tmp_path / "other", rows=FEW)
    (tmp_path / "other" / "train_data").rename(tmp_path / "gone")
    touch(tmp_path / "other" / "videos", ["sub0003_01.mp4"])
    with pytest.raises(DatasetNotFoundError, match=r"no folder such as sub0003_01 within 3 levels(?s:.)*videos"):
        load_dataset("dfme", tmp_path / "other")
