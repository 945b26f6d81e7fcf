"""MMEW: two trees, a folder alias, and numbers of two kinds."""

import shutil

import pytest
from few_clips import kinds
from lookalikes import MMEW_COUNTS, ClipRow, mmew_folder, touch, write_mmew, write_mmew_table

from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError, InputError
from mer_di.imaging.listing import list_frames

FEW = [
    ClipRow(1, "S01-01-001", 1, 6, 14, "happiness"),
    ClipRow(1, "S01-04-001", 1, 6, 15, "others"),
    ClipRow(2, "S02-02-001", 1, 7, 16, "surprise"),
]


@pytest.fixture(scope="module", params=["emotion-first", "subject-first"])
def database(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("mmew") / "MMEW_Final"
    return load_dataset("mmew", write_mmew(root, order=request.param))


def test_published_counts(database):
    assert (len(database.samples), database.table_version) == (300, "300-clip")
    assert {name: found for name, found, _ in database.published()} == MMEW_COUNTS
    assert len({sample.subject for sample in database.samples}) == 30
    assert sum(MMEW_COUNTS[sample.emotion] >= 10 for sample in database.samples) == 292
    assert {sample.fps for sample in database.samples} == {90.0}


def test_every_clip_is_found_and_nothing_is_odd(database):
    assert (database.tree, database.registered, database.applied, database.findings) == ("cropped", True, (), ())
    for sample in database.samples:
        assert (sample.path.parent.name, sample.path.name) == (sample.emotion, sample.clip)
        assert list(list_frames(sample.path))[-1] == sample.offset


@pytest.mark.parametrize("table", ["MMEW_Micro_Exp.xlsx", "MMEW_Micro_Exp (20).xlsx", "MMEW_Micro_Exp_v2.xlsx"])
@pytest.mark.parametrize("above", ["", "MMEW_Final/MMEW_Final"])
def test_table_beside_or_above_the_tree(tmp_path, table, above):
    write_mmew(tmp_path / above, rows=FEW, table=table)
    if above:
        (tmp_path / above / table).rename(tmp_path / table)
    assert all(sample.path for sample in load_dataset("mmew", tmp_path).samples)


def test_root_may_be_the_tree_itself(tmp_path):
    write_mmew(tmp_path, rows=FEW)
    assert all(sample.path for sample in load_dataset("mmew", tmp_path / "Micro_Expression").samples)


@pytest.mark.parametrize("folder", ["others", "repression"])
@pytest.mark.parametrize("label", ["others", "Other", "repression"])
def test_others_and_repression_are_one_folder_and_two_labels(tmp_path, label, folder):
    write_mmew(tmp_path, rows=FEW, others=folder)
    rows = [row._replace(emotion=label) if row.emotion == "others" else row for row in FEW]
    write_mmew_table(tmp_path / "MMEW_Micro_Exp.xlsx", rows)
    database = load_dataset("mmew", tmp_path)
    sample = next(sample for sample in database.samples if sample.clip == "S01-04-001")
    assert sample.path.parent.name == folder
    assert sample.emotion == ("repression" if label == "repression" else "others")
    assert kinds(database)["folder-alias"] == (sample.emotion != folder)
    assert kinds(database)["label-contradicts-folder"] == 0


def test_the_folder_alias_is_told_once_with_its_count(tmp_path):
    rows = [*FEW, ClipRow(2, "S02-04-001", 1, 7, 16, "others")]
    database = load_dataset("mmew", write_mmew(tmp_path, rows=rows, others="repression"))
    (finding,) = [finding for finding in database.findings if finding.kind == "folder-alias"]
    assert finding.where == "repression"
    assert "2 clips" in finding.message


def test_a_label_that_contradicts_its_folder_is_kept_and_told(tmp_path):
    write_mmew(tmp_path, rows=FEW)
    (tmp_path / "Micro_Expression" / "fear").mkdir()
    (tmp_path / mmew_folder(FEW[2])).rename(tmp_path / "Micro_Expression" / "fear" / "S02-02-001")
    database = load_dataset("mmew", tmp_path)
    assert [sample.emotion for sample in database.samples] == ["happiness", "others", "surprise"]
    (finding,) = [finding for finding in database.findings if finding.kind == "label-contradicts-folder"]
    assert finding.where == "S02/S02-02-001"
    for word in ("'surprise', the folder 'fear'", "clip's name 'surprise'"):
        assert word in finding.message


def test_the_same_clip_twice_is_refused_naming_both(tmp_path):
    write_mmew(tmp_path, rows=FEW)
    touch(tmp_path / "Micro_Expression" / "fear" / "S01-01-001", ["1.jpg"])
    with pytest.raises(AnnotationError) as caught:
        load_dataset("mmew", tmp_path)
    for emotion in ("fear", "happiness"):
        assert str(tmp_path / "Micro_Expression" / emotion / "S01-01-001") in str(caught.value)


def test_folders_without_row_and_rows_without_folder(tmp_path):
    write_mmew(tmp_path, rows=FEW)
    folder = tmp_path / mmew_folder(FEW[0])
    folder.rename(folder.with_name("S09-01-009"))
    database = load_dataset("mmew", tmp_path)
    assert [sample.path is None for sample in database.samples] == [True, False, False]
    assert [f.where for f in database.findings if f.kind == "folder-without-row"] == ["happiness/S09-01-009"]


def test_the_macro_expressions_are_left_alone(tmp_path):
    write_mmew(tmp_path, rows=FEW)
    touch(tmp_path / "Macro_Expression" / "S01" / "happiness" / "S01-01-001", ["1.jpg"])
    assert kinds(load_dataset("mmew", tmp_path)) == kinds(load_dataset("mmew", tmp_path / "Micro_Expression"))


def test_no_frames_at_all_and_no_other_tree(tmp_path):
    write_mmew(tmp_path, rows=FEW)
    with pytest.raises(InputError, match="'raw'; expected cropped"):
        load_dataset("mmew", tmp_path, tree="raw")
    shutil.rmtree(tmp_path / "Micro_Expression")
    with pytest.raises(DatasetNotFoundError, match="a table and no frames"):
        load_dataset("mmew", tmp_path)


def test_numbers_of_the_recording_become_the_clips_own(tmp_path):
    absolute = [FEW[0]._replace(onset=501, apex=506, offset=514), *FEW[1:]]
    root = write_mmew(tmp_path, rows=absolute)
    database = load_dataset("mmew", root)
    sample = database.samples[0]
    assert (sample.onset, sample.apex, sample.offset) == (1, 6, 14)
    assert [(c.set_name, c.sample_id, c.field, c.was, c.now) for c in database.applied] == [
        ("rebased", "S01/S01-01-001", "onset", 501, 1),
        ("rebased", "S01/S01-01-001", "apex", 506, 6),
        ("rebased", "S01/S01-01-001", "offset", 514, 14),
    ]
    assert database.correction_sets == ("rebased",)
    for off in (("none",), ()):
        bare = load_dataset("mmew", root, corrections=off)
        assert (bare.samples[0].onset, bare.applied) == (501, ())


def test_rebasing_leaves_an_unread_apex_unread(tmp_path):
    sample = load_dataset(
        "mmew", write_mmew(tmp_path, rows=[FEW[0]._replace(onset=501, apex="/", offset=514)])
    ).samples[0]
    assert (sample.onset, sample.apex, sample.offset, sample.unread) == (1, None, 14, (("apex", "/"),))


@pytest.mark.parametrize(
    ("numbers", "frames"),
    [
        ((501, 506, 514), range(1, 14)),  # one frame short: another clip than the table's
        ((501, 506, 514), range(1, 16)),  # one too many
        ((501, 506, 514), range(2, 16)),  # as many, but not from 1
        ((501, 6, 514), range(1, 15)),  # one of the numbers is there: the numbering is the clip's, with errors
        ((10, 15, 23), range(1, 15)),
        ((1, 506, 14), range(1, 15)),
        ((501, 506, "/"), range(1, 15)),
        ((501, 506, 10**12), range(1, 15)),
        ((514, 506, 501), range(1, 15)),
        ((501, 506, 500), range(0)),
    ],
)
def test_rebasing_never_guesses(tmp_path, numbers, frames):
    onset, apex, offset = numbers
    write_mmew(tmp_path, rows=FEW[1:])
    touch(tmp_path / mmew_folder(FEW[0]), (f"{n}.jpg" for n in frames))
    row = FEW[0]._replace(onset=onset, apex=apex, offset=offset)
    write_mmew_table(tmp_path / "MMEW_Micro_Exp.xlsx", [row, *FEW[1:]])
    database = load_dataset("mmew", tmp_path)
    assert database.applied == ()
    assert database.samples[0].onset == onset


def test_a_folder_that_cannot_be_numbered_does_not_stop_the_others(tmp_path):
    write_mmew(tmp_path, rows=FEW)
    touch(tmp_path / mmew_folder(FEW[0]), ["01.jpg"])
    assert len(load_dataset("mmew", tmp_path).samples) == 3


def test_a_clip_of_another_subject_is_told(tmp_path):
    database = load_dataset("mmew", write_mmew(tmp_path, rows=[FEW[0]._replace(subject=7), FEW[1]]))
    assert [sample.path is None for sample in database.samples] == [False, False]
    assert [f.where for f in database.findings if f.kind == "subject-contradicts-clip"] == ["S07/S01-01-001"]
