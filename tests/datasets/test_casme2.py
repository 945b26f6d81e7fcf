"""CASME II: the quirks of its tables, in full."""

import hashlib
from collections import Counter

import pytest
from few_clips import FEW, kinds, sample_of
from lookalikes import (
    CASME2_2014,
    CASME2_2019,
    CASME2_LISTED,
    CASME2_RELABELLED,
    CASME2_ROWS_PER_SUBJECT,
    ClipRow,
    casme2_rows,
    touch,
    write_casme2,
    write_casme2_tree,
)

from mer_di.datasets import load_dataset
from mer_di.datasets.casme2 import CORRECTIONS
from mer_di.errors import AnnotationError, InputError
from mer_di.imaging.listing import list_frames

NOT_INTERIOR = {
    "sub04/EP12_01f",
    "sub05/EP09_05f",
    "sub05/EP16_04f",
    "sub12/EP09_06",
    "sub20/EP16_01",
    "sub25/EP18_04f",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_casme2(tmp_path_factory.mktemp("casme2") / "CASME2")


@pytest.fixture(scope="module")
def database(root):
    return load_dataset("casme2", root)


def write_table(root, **options):
    """The whole table over the frames of two clips: writing all frames takes its time."""
    write_casme2_tree(root / "Cropped", FEW)
    return write_casme2(root, tree=None, **options)


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
    assert sample_of(database, "sub07/EP06_01").offset == 68
    assert sample_of(database, "sub16/EP01_08").offset == 110
    assert database.correction_sets == (name,)
    offered = {finding.where for finding in database.findings if finding.kind == "correction-offered"}
    assert offered == {"sub16/EP01_08"}


def numbers_of(database):
    return {sample.sample_id: (sample.onset, sample.apex, sample.offset) for sample in database.samples}


OWNERS = [
    ClipRow(7, "EP06_01", 15, 49, 68, "others"),
    ClipRow(12, "EP09_02", 16, 59, 101, "disgust"),
    ClipRow(12, "EP09_06", 66, 111, 111, "disgust"),
]
LISTED = {"sub07/EP06_01": (56, 89, 91), "sub12/EP09_02": (161, 176, 206), "sub12/EP09_06": (66, 111, 106)}


def write_listed(root, rows=OWNERS):
    return write_casme2(root, rows=rows, frames=CASME2_LISTED)


def test_frames_that_contradict_the_table_decide(tmp_path):
    database = load_dataset("casme2", write_listed(tmp_path))
    assert numbers_of(database) == LISTED
    for sample in database.samples:
        assert list(list_frames(sample.path)) == list(range(sample.onset, sample.offset + 1))
    assert {(c.sample_id, c.field, c.was, c.now) for c in database.applied} == {
        *(("sub07/EP06_01", "onset", 15, 56), ("sub07/EP06_01", "apex", 49, 89), ("sub07/EP06_01", "offset", 68, 91)),
        *(("sub12/EP09_02", "onset", 16, 161), ("sub12/EP09_02", "apex", 59, 176)),
        *(("sub12/EP09_02", "offset", 101, 206), ("sub12/EP09_06", "offset", 111, 106)),
    }
    assert kinds(database) == {"table-unrecognized": 1, "folder-without-row": 2}


@pytest.mark.parametrize("corrections", [("none",), ("meb",), ("qqxuyujie",)])
def test_the_set_that_would_mend_it_is_named_where_it_was_not_chosen(tmp_path, corrections):
    database = load_dataset("casme2", write_listed(tmp_path), corrections=corrections)
    offers = {finding.where: finding.message for finding in database.findings if finding.kind == "correction-offered"}
    assert offers.keys() == LISTED.keys()
    assert (
        "holds 56..91; --corrections released reads onset 15 -> 56, apex 49 -> 89, offset 68 -> 91"
        in (offers["sub07/EP06_01"])
    )
    assert numbers_of(database)["sub07/EP06_01"] == (15, 49, 68)


def test_frames_that_agree_with_the_table_leave_it(tmp_path):
    for corrections in (("released",), ("meb",), ("released", "meb")):
        database = load_dataset("casme2", write_casme2(tmp_path, rows=OWNERS), corrections=corrections)
        assert numbers_of(database)["sub07/EP06_01"] == (15, 49, 68)
        assert numbers_of(database)["sub12/EP09_02"] == (16, 59, 101)
        assert not kinds(database)["correction-offered"]


def test_frames_of_neither_table_nor_correction_change_nothing(tmp_path):
    write_casme2(tmp_path, tree=None, rows=OWNERS[:1])
    touch(tmp_path / "Cropped" / "sub07" / "EP06_01", [f"reg_img{n}.jpg" for n in range(57, 92)])
    assert numbers_of(load_dataset("casme2", tmp_path)) == {"sub07/EP06_01": (15, 49, 68)}


def test_a_laboratory_annotates_the_rows_that_the_frames_have_corrected(tmp_path):
    database = load_dataset("casme2", write_listed(tmp_path), corrections=("meb", "released"))
    assert numbers_of(database) == {
        "sub07/EP06_01": (56, 78, 91),
        "sub12/EP09_02": (161, 187, 206),
        "sub12/EP09_06": (66, 89, 106),
    }


def test_meb_moves_offset_and_apex_of_the_row_that_it_edits(tmp_path):
    root = write_casme2(tmp_path, rows=[ClipRow(7, "EP06_01", 56, 89, 116, "others")])
    assert numbers_of(load_dataset("casme2", root)) == {"sub07/EP06_01": (56, 89, 116)}
    assert numbers_of(load_dataset("casme2", root, corrections=("meb",))) == {"sub07/EP06_01": (56, 78, 91)}


def test_meb_refuses_a_row_that_is_neither_what_it_edits_nor_what_it_makes(tmp_path):
    root = write_casme2(tmp_path, rows=[ClipRow(7, "EP06_01", 56, 89, 100, "others")])
    with pytest.raises(AnnotationError, match=r"sub07/EP06_01: the table holds offset 100"):
        load_dataset("casme2", root, corrections=("meb",))


def test_every_apex_of_meb_lies_within_its_clip():
    meb = [item for item in CORRECTIONS if item.set_name == "meb"]
    assert len({item.sample_id for item in meb}) == 20
    assert all(item.now > item.onset for item in meb)


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


def test_whole_number_action_units_have_no_decimal_point(database):
    assert {"12", "4+L10", "R2+15", "?"} <= {sample.action_units for sample in database.samples}


def test_the_right_counts_with_a_subject_too_many_are_not_the_published_table(tmp_path):
    first, *others = casme2_rows()
    write_table(tmp_path, rows=[first._replace(subject=99), *others])
    assert load_dataset("casme2", tmp_path).table_version == "unrecognized"


def test_a_third_offset_is_not_what_the_frames_correct(tmp_path):
    database = load_dataset("casme2", write_casme2(tmp_path, rows=[ClipRow(16, "EP01_08", 73, 94, 104, "others")]))
    assert (database.samples[0].offset, database.applied) == (104, ())
