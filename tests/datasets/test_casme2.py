"""CASME II: the quirks of its tables and trees."""

import hashlib
import shutil
from collections import Counter

import pytest
from lookalikes import (
    CASME2_2014,
    CASME2_2019,
    CASME2_RELABELLED,
    CASME2_ROWS_PER_SUBJECT,
    ClipRow,
    casme2_rows,
    touch,
    write_casme2,
    write_casme2_table,
    write_casme2_tree,
    write_workbook,
)

from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError, InputError
from mer_di.imaging.listing import list_frames

NOT_INTERIOR = {
    "sub04/EP12_01f",
    "sub05/EP09_05f",
    "sub05/EP16_04f",
    "sub12/EP09_06",
    "sub20/EP16_01",
    "sub25/EP18_04f",
}
FEW = [ClipRow(1, "EP02_01f", 46, 59, 66, "happiness"), ClipRow(2, "EP02_01f", 3, 9, 15, "disgust")]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_casme2(tmp_path_factory.mktemp("casme2") / "CASME2")


@pytest.fixture(scope="module")
def database(root):
    return load_dataset("casme2", root)


def sample_of(database, sample_id):
    return next(sample for sample in database.samples if sample.sample_id == sample_id)


def kinds(database):
    return Counter(finding.kind for finding in database.findings)


def write_table(root, **options):
    """The whole table over the frames of two clips: writing all frames takes its time."""
    write_casme2_tree(root / "Cropped", FEW)
    return write_casme2(root, tree=None, **options)


def write_few(root, tree="cropped", **options):
    write_casme2(root, tree=None, rows=FEW, **options)
    write_casme2_tree(root / "Cropped", FEW, tree=tree)
    return root


def test_every_row_is_there_sorted_and_found(database):
    ids = [sample.sample_id for sample in database.samples]
    assert len(ids) == 255
    assert ids == sorted(set(ids))
    assert all(sample.path is not None and sample.path.is_dir() for sample in database.samples)
    rows = {f"sub{row.subject:02d}/{row.clip}": row for row in casme2_rows()}
    for sample in database.samples:
        row = rows[sample.sample_id]
        assert (sample.path.parent.name, sample.path.name) == (f"sub{row.subject:02d}", row.clip)
        assert (sample.onset, sample.emotion) == (row.onset, row.emotion)


def test_published_counts(database):
    assert database.table_version == "2014"
    assert {name: found for name, found, _ in database.published()} == CASME2_2014
    assert all(found == published for _, found, published in database.published())
    per_subject = Counter(sample.subject for sample in database.samples)
    assert per_subject == {f"sub{number:02d}": count for number, count in CASME2_ROWS_PER_SUBJECT.items()}
    assert database.published()[0] == ("others", 99, 99)


def test_what_is_known_of_the_file(database, root):
    table = root / "CASME2-coding-20140508.xlsx"
    assert (database.root, database.table, database.tree, database.registered) == (root, table, "cropped", True)
    assert database.table_sha256 == hashlib.sha256(table.read_bytes()).hexdigest()
    assert {sample.fps for sample in database.samples} == {200.0}
    assert {sample.dataset for sample in database.samples} == {"casme2"}


def test_shared_file_names_lead_to_their_own_subject(database):
    names = Counter(sample.clip for sample in database.samples)
    assert sum(count > 1 for count in names.values()) == 53
    assert sum(count for count in names.values() if count > 1) == 141
    assert len({sample.path for sample in database.samples}) == 255


@pytest.mark.parametrize(
    "clip", ["sub03/EP01_2", "sub03/EP08_1", "sub07/EP06_02_01", "sub07/EP06_02_02", "sub09/EP09f"]
)
def test_irregular_names(database, clip):
    assert sample_of(database, clip).path.name == clip.partition("/")[2]


def test_apexes_that_are_not_interior(database):
    def interior(s):
        return s.apex is not None and s.onset < s.apex < s.offset

    assert {s.sample_id for s in database.samples if not interior(s)} == NOT_INTERIOR
    kept = {name for name, count in CASME2_2014.items() if count >= 10}
    in_kept = [s for s in database.samples if s.emotion in kept]
    assert (len(in_kept), sum(map(interior, in_kept)), len({s.subject for s in in_kept})) == (246, 240, 26)


def test_a_slash_for_apex_is_kept_as_written(database):
    sample = sample_of(database, "sub04/EP12_01f")
    assert (sample.onset, sample.apex, sample.offset) == (261, None, 321)
    assert sample.unread == (("apex", "/"),)
    assert [s.sample_id for s in database.samples if s.unread] == ["sub04/EP12_01f"]


def test_the_one_clip_with_fewer_frames_than_promised(root, database):
    (applied,) = database.applied
    assert (applied.set_name, applied.sample_id, applied.field, applied.was, applied.now) == (
        *("released", "sub16/EP01_08", "offset", 110, 96),
    )
    sample = sample_of(database, "sub16/EP01_08")
    assert list(list_frames(sample.path)) == list(range(sample.onset, sample.offset + 1)) == list(range(73, 97))
    assert database.correction_sets == ("released",)
    bare = load_dataset("casme2", root, corrections=("none",))
    assert (sample_of(bare, "sub16/EP01_08").offset, bare.applied, bare.correction_sets) == (110, (), ())


def test_all_other_clips_hold_onset_to_offset(database):
    for sample in database.samples:
        assert list(list_frames(sample.path)) == list(range(sample.onset, sample.offset + 1))


def test_folders_without_row_are_told(database):
    found = {finding.where for finding in database.findings if finding.kind == "folder-without-row"}
    assert found == {"sub09/EP02_02f", "sub24/EP02_07"}
    assert kinds(database) == {"folder-without-row": 2}


@pytest.mark.parametrize(("name", "apex"), [("meb", 279), ("qqxuyujie", 300)])
def test_laboratories_corrections_are_off_until_named(root, name, apex):
    database = load_dataset("casme2", root, corrections=(name,))
    sample = sample_of(database, "sub04/EP12_01f")
    assert (sample.apex, sample.unread) == (apex, ())
    assert sample_of(database, "sub07/EP06_01").offset == (91 if name == "meb" else 68)
    assert sample_of(database, "sub16/EP01_08").offset == 110
    assert database.correction_sets == (name,)


def test_both_laboratories_at_once_are_refused(root):
    with pytest.raises(InputError, match="279 and 300 for sub04/EP12_01f"):
        load_dataset("casme2", root, corrections=("meb", "qqxuyujie"))


def test_2019_table(tmp_path):
    database = load_dataset("casme2", write_table(tmp_path, version="2019"))
    assert database.table_version == "2019"
    assert {name: found for name, found, _ in database.published()} == CASME2_2019
    assert {sample_of(database, f"sub24/{clip}").emotion for clip in CASME2_RELABELLED} == {"surprise"}
    kept = Counter(s.emotion for s in database.samples)
    assert sum(count for count in kept.values() if count >= 10) == 249


def test_the_version_is_told_by_content_not_by_name(tmp_path):
    write_table(tmp_path, version="2019", table="CASME2-coding-20140508.xlsx")
    assert load_dataset("casme2", tmp_path).table_version == "2019"


def test_an_edited_table_is_not_recognised_and_says_so(tmp_path):
    rows = [row for row in casme2_rows() if row.emotion not in ("fear", "sadness")]
    database = load_dataset("casme2", write_table(tmp_path, rows=rows))
    assert (database.table_version, len(database.samples)) == ("unrecognized", 246)
    assert kinds(database)["table-unrecognized"] == 1
    assert ("sadness", 0, 7) in database.published()
    assert ("others", 99, 99) in database.published()


@pytest.mark.parametrize("reverse", [False, True])
def test_of_two_tables_the_benchmarks_is_read_and_said_so(tmp_path, reverse):
    write_table(tmp_path, version="2014", table="CASME2-coding-b.xlsx" if reverse else None)
    write_casme2(tmp_path, version="2019", tree=None, table="CASME2-coding-a.xlsx" if reverse else None)
    touch(tmp_path, ["~$CASME2-coding-20140508.xlsx", "._CASME2-coding-20140508.xlsx"])
    database = load_dataset("casme2", tmp_path)
    assert database.table_version == "2014"
    (finding,) = [finding for finding in database.findings if finding.kind == "table-chosen"]
    for path in tmp_path.glob("CASME2-*.xlsx"):
        assert str(path) in finding.message
    assert "--table" in finding.message
    other = next(path for path in tmp_path.glob("CASME2-*.xlsx") if path != database.table)
    chosen = load_dataset("casme2", tmp_path, table=other)
    assert (chosen.table, chosen.table_version, kinds(chosen)["table-chosen"]) == (other, "2019", 0)


def test_several_unknown_tables_have_to_be_chosen(tmp_path):
    write_few(tmp_path, table="CASME2-coding-a.xlsx")
    write_few(tmp_path, table="CASME2-coding-b.xlsx")
    with pytest.raises(AnnotationError, match=r"coding-a\.xlsx.*coding-b\.xlsx.*--table"):
        load_dataset("casme2", tmp_path)
    assert len(load_dataset("casme2", tmp_path, table=tmp_path / "CASME2-coding-a.xlsx").samples) == 2


def test_the_other_workbooks_of_the_release_are_no_candidates(tmp_path):
    write_workbook(tmp_path / "CASME2-ObjectiveClasses.xlsx", {"Sheet1": [["Subject", "Filename", "Objective Class"]]})
    assert len(load_dataset("casme2", write_few(tmp_path)).samples) == 2


def test_a_table_named_by_hand_may_lie_anywhere(tmp_path, monkeypatch):
    write_casme2_tree(tmp_path / "frames" / "Cropped", FEW)
    write_casme2_table(tmp_path / "elsewhere" / "mine.xlsx", FEW)
    monkeypatch.chdir(tmp_path)
    database = load_dataset("casme2", "frames", table="elsewhere/mine.xlsx")
    assert database.table == tmp_path / "elsewhere" / "mine.xlsx"
    assert all(sample.path.is_absolute() and sample.path.exists() for sample in database.samples)
    with pytest.raises(DatasetNotFoundError, match=r"gone\.xlsx cannot be read"):
        load_dataset("casme2", "frames", table="gone.xlsx")


@pytest.mark.parametrize("suffix", [".csv", ".CSV", ".tsv"])
def test_a_table_saved_as_text_without_the_blank_columns(tmp_path, suffix):
    write_casme2_tree(tmp_path / "Cropped", FEW)
    lines = ["Subject;Filename;OnsetFrame;ApexFrame;OffsetFrame;Action Units;Estimated Emotion"]
    lines += [f"{r.subject};{r.clip};{r.onset}.0;{r.apex};{r.offset};4+L10;{r.emotion.upper()} " for r in FEW]
    (tmp_path / f"CASME2-coding-20140508{suffix}").write_text("\n".join(lines), encoding="utf-8-sig")
    database = load_dataset("casme2", tmp_path)
    first = sample_of(database, "sub01/EP02_01f")
    assert (first.onset, first.apex, first.offset, first.emotion) == (46, 59, 66, "happiness")
    assert (first.emotion_written, first.action_units) == ("HAPPINESS", "4+L10")


def test_whole_number_action_units_have_no_decimal_point(database):
    assert {"12", "4+L10", "R2+15", "?"} <= {sample.action_units for sample in database.samples}


@pytest.mark.parametrize(
    ("folder", "tree"),
    [
        ("Cropped", "cropped"),
        ("Cropped/Cropped", "cropped"),
        ("CROPPED", "cropped"),
        ("CASME2/Cropped/Cropped", "cropped"),
        ("CASME2_RAW_selected", "selected"),
        ("CASME2_RAW_selected/CASME2_RAW_selected", "selected"),
        ("casme2-raw-selected", "selected"),
        ("CASME2_RAW/CASME2-RAW", "raw"),
        ("CASME2-RAW", "raw"),
        ("casme2_raw", "raw"),
    ],
)
def test_names_of_the_trees(tmp_path, folder, tree):
    write_casme2_table(tmp_path / "CASME2-coding-20140508.xlsx", FEW)
    write_casme2_tree(tmp_path / folder, FEW, tree=tree)
    database = load_dataset("casme2", tmp_path)
    assert (database.tree, database.registered) == (tree, tree == "cropped")
    assert all(sample.path.parent.parent == tmp_path / folder for sample in database.samples)


@pytest.mark.parametrize(("kind", "tree"), [("cropped", "cropped"), ("raw", "raw")])
@pytest.mark.parametrize("folder", ["", "my frames", "downloads/july"])
def test_a_renamed_tree_is_known_by_its_frames(tmp_path, kind, tree, folder):
    write_casme2_table(tmp_path / "CASME2-coding-20140508.xlsx", FEW)
    write_casme2_tree(tmp_path / folder, FEW, tree=kind)
    assert load_dataset("casme2", tmp_path).tree == tree


@pytest.mark.parametrize("name", ["Cropped", "Cropped/Cropped"])
def test_root_may_be_the_tree_itself(tmp_path, name):
    write_casme2_table(tmp_path / "CASME2-coding-20140508.xlsx", FEW)
    write_casme2_tree(tmp_path / "Cropped/Cropped", FEW)
    assert load_dataset("casme2", tmp_path / name).tree == "cropped"


def test_root_may_be_a_folder_above(tmp_path):
    write_casme2(tmp_path / "CASME2", rows=FEW, doubled=True)
    assert len(load_dataset("casme2", tmp_path).samples) == 2


def test_of_several_trees_cropped_then_selected_then_raw(tmp_path):
    root = tmp_path / "CASME2"
    for expected in ("raw", "selected", "cropped"):
        write_casme2(root, rows=FEW, tree=expected, doubled=True)
        database = load_dataset("casme2", root)
        assert database.tree == expected
        assert kinds(database)["tree-chosen"] == (expected != "raw")
    for wanted in ("raw", "selected", "cropped"):
        database = load_dataset("casme2", root, tree=wanted)
        assert (database.tree, kinds(database)["tree-chosen"]) == (wanted, 0)


def test_a_tree_that_is_not_there_or_does_not_exist(tmp_path):
    write_few(tmp_path)
    with pytest.raises(DatasetNotFoundError, match="no frame tree 'raw', only cropped"):
        load_dataset("casme2", tmp_path, tree="raw")
    with pytest.raises(InputError, match="'krop'; expected cropped or selected or raw"):
        load_dataset("casme2", tmp_path, tree="krop")


def test_a_table_without_frames(tmp_path):
    write_casme2(tmp_path, rows=FEW, tree=None)
    with pytest.raises(DatasetNotFoundError, match=r"no frames: no folder of a subject, such as sub01"):
        load_dataset("casme2", tmp_path)


def test_frames_without_a_table(tmp_path):
    write_casme2_tree(tmp_path / "a" / "b" / "Cropped", FEW)
    with pytest.raises(DatasetNotFoundError, match=r"no annotation table named like CASME2\*coding\*"):
        load_dataset("casme2", tmp_path / "a" / "b")


def test_root_that_is_a_file(tmp_path):
    write_few(tmp_path)
    with pytest.raises(DatasetNotFoundError, match="is not a folder"):
        load_dataset("casme2", tmp_path / "CASME2-coding-20140508.xlsx")


def test_a_clip_that_is_not_on_disk_keeps_its_row(tmp_path):
    write_few(tmp_path)
    shutil.rmtree(tmp_path / "Cropped" / "sub02" / "EP02_01f")
    database = load_dataset("casme2", tmp_path)
    assert [(sample.sample_id, sample.path is None) for sample in database.samples] == [
        ("sub01/EP02_01f", False),
        ("sub02/EP02_01f", True),
    ]


def test_a_tree_in_two_parts_is_one_and_a_clip_in_both_is_refused(tmp_path):
    write_casme2(tmp_path, rows=FEW, tree=None)
    write_casme2_tree(tmp_path / "Cropped" / "part 1", FEW[:1])
    touch(tmp_path / "Cropped" / "part 2" / "sub02" / "EP02_01f", ["reg_img3.jpg"])
    assert all(sample.path for sample in load_dataset("casme2", tmp_path).samples)
    touch(tmp_path / "Cropped" / "part 2" / "sub01" / "ep02_01F", ["reg_img3.jpg"])
    with pytest.raises(AnnotationError, match=r"two folders hold the clip sub01/.*part 1.*part 2.*--root"):
        load_dataset("casme2", tmp_path)


def test_archive_litter_is_passed_over(tmp_path):
    write_few(tmp_path)
    before = load_dataset("casme2", tmp_path)
    write_casme2_tree(tmp_path / "__MACOSX" / "Cropped", FEW)
    touch(tmp_path / "Cropped" / "sub01" / "__MACOSX", ["._x"])
    touch(tmp_path / "Cropped" / "sub01" / ".ipynb_checkpoints", [])
    assert load_dataset("casme2", tmp_path) == before


def test_case_of_clip_folders_does_not_matter(tmp_path):
    write_few(tmp_path)
    (tmp_path / "Cropped" / "sub01").rename(tmp_path / "Cropped" / "Sub01")
    (tmp_path / "Cropped" / "Sub01" / "EP02_01f").rename(tmp_path / "Cropped" / "Sub01" / "ep02_01f")
    assert sample_of(load_dataset("casme2", tmp_path), "sub01/EP02_01f").path.name == "ep02_01f"


@pytest.mark.parametrize("subject", ["x", "sub", "1.5", "sub01b"])
def test_a_subject_that_is_no_number_is_refused(tmp_path, subject):
    write_few(tmp_path, table="other.xlsx")
    text = f"Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Estimated Emotion\n{subject},EP02_01f,1,2,3,fear\n"
    (tmp_path / "CASME2-coding.csv").write_text(text)
    with pytest.raises(AnnotationError, match=r"row 2: the subject is .*; expected a number or 'sub01'"):
        load_dataset("casme2", tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,EP02_01f,1,2,3,", r"row 3: the cell 'emotion' is blank"),
        ("1,,1,2,3,fear", r"row 3: the cell 'clip' is blank"),
        (",EP02_01f,1,2,3,fear", r"row 3: the cell 'subject' is blank"),
        (",,1,,,", r"row 3: the cell"),
        ("sub02,EP09,4,5,6,fear", r"two rows for the clip sub02/EP09 \(.*row 2; .*row 3\)"),
        ("02,ep09,4,5,6,fear", r"two rows for the clip"),
    ],
)
def test_rows_that_would_have_to_be_guessed_at(tmp_path, row, message):
    text = f"Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Estimated Emotion\n2,EP09,1,2,3,fear\n{row}\n"
    (tmp_path / "CASME2-coding.csv").write_text(text)
    with pytest.raises(AnnotationError, match=message):
        load_dataset("casme2", tmp_path)


def test_a_header_without_rows(tmp_path):
    write_casme2(tmp_path, rows=[])
    with pytest.raises(AnnotationError, match="no rows below"):
        load_dataset("casme2", tmp_path)


def test_names_above_the_root_say_nothing_about_the_tree(tmp_path):
    write_casme2_table(tmp_path / "raw" / "mine" / "CASME2-coding.xlsx", FEW)
    write_casme2_tree(tmp_path / "raw" / "mine" / "faces", FEW, tree="cropped")
    assert load_dataset("casme2", tmp_path / "raw" / "mine").tree == "cropped"


def test_the_right_counts_with_a_subject_too_many_are_not_the_published_table(tmp_path):
    first, *others = casme2_rows()
    write_table(tmp_path, rows=[first._replace(subject=99), *others])
    assert load_dataset("casme2", tmp_path).table_version == "unrecognized"


def test_a_third_offset_in_the_corrected_clip_stops(tmp_path):
    rows = [ClipRow(16, "EP01_08", 73, 94, 104, "others")]
    write_casme2(tmp_path, rows=rows)
    with pytest.raises(AnnotationError, match=r"sub16/EP01_08.*offset 104"):
        load_dataset("casme2", tmp_path)
    assert load_dataset("casme2", tmp_path, corrections=("none",)).samples[0].offset == 104
