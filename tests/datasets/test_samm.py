"""SAMM: the quirks of its table and tree."""

from collections import Counter

import pytest
from few_clips import sample_of
from lookalikes import (
    SAMM_COUNTS,
    SAMM_OBJECTIVE,
    SAMM_ROWS_PER_SUBJECT,
    ClipRow,
    samm_rows,
    touch,
    write_samm,
    write_samm_table,
)

from mer_di.datasets import load_dataset
from mer_di.imaging.listing import list_frames

FEW = [ClipRow(6, "006_1_2", 5562, 5570, 5580, "Anger"), ClipRow(7, "007_3_1", 400, 410, 420, "Other")]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_samm(tmp_path_factory.mktemp("samm") / "SAMM")


@pytest.fixture(scope="module")
def database(root):
    return load_dataset("samm", root)


def test_published_counts(database):
    assert (len(database.samples), database.table_version) == (159, "v2")
    assert {name: found for name, found, _ in database.published()} == {
        {"Other": "others"}.get(name, name.casefold()): count for name, count in SAMM_COUNTS.items()
    }
    per_subject = Counter(sample.subject for sample in database.samples)
    assert per_subject == {f"{number:03d}": count for number, count in SAMM_ROWS_PER_SUBJECT.items()}
    assert len(per_subject) == 29


def test_every_clip_is_found_with_onset_to_offset_in_it(database):
    assert (database.tree, database.registered) == ("raw", False)
    for sample in database.samples:
        assert (sample.path.parent.name, sample.path.name) == (sample.subject, sample.clip)
        assert list(list_frames(sample.path)) == list(range(sample.onset, sample.offset + 1))


def test_other_is_others_and_keeps_its_spelling(database):
    others = [sample for sample in database.samples if sample.emotion == "others"]
    assert len(others) == 26
    assert {sample.emotion_written for sample in others} == {"Other"}
    (finding,) = database.findings
    assert (finding.kind, finding.where) == ("emotion-alias", "Other")
    assert "26 rows" in finding.message


def test_impossible_apexes_are_left_as_they_are(database):
    outside = {s.sample_id: (s.onset, s.apex, s.offset) for s in database.samples if not s.onset < s.apex < s.offset}
    assert outside == {"028/028_4_1": (1071, 1143, 1134), "032/032_3_1": (4896, 1930, 4970)}
    kept = [s for s in database.samples if SAMM_COUNTS[s.emotion_written] >= 10]
    assert (len(kept), len({s.subject for s in kept})) == (136, 27)
    assert sum(s.sample_id not in outside for s in kept) == 134
    assert (database.applied, database.correction_sets) == ((), ())


@pytest.mark.parametrize(
    ("name", "apexes"),
    [
        ("meb", {"028/028_4_1": 1105, "032/032_3_1": 4945, "032/032_3_2": 5130}),
        ("qqxuyujie", {"028/028_4_1": 1124, "032/032_3_1": 4930, "032/032_3_2": 5127}),
    ],
)
def test_laboratories_corrections(root, name, apexes):
    database = load_dataset("samm", root, corrections=("released", name))
    assert {sample_id: sample_of(database, sample_id).apex for sample_id in apexes} == apexes
    made = [finding.where for finding in database.findings if finding.kind == "correction-already-made"]
    assert made == (["013/013_1_9"] if name == "meb" else [])


def test_trailing_space_in_action_units(database):
    assert sample_of(database, "033/033_1_4").action_units == "12+15"


@pytest.mark.parametrize("preamble", [0, 1, 13])
@pytest.mark.parametrize("table", ["SAMM_Micro_FACS_Codes_v2", "SAMM_20181215_Micro_FACS_Codes_v2", "SAMM"])
def test_header_anywhere_and_names_of_the_table(tmp_path, preamble, table):
    write_samm(tmp_path, rows=FEW, preamble=preamble, table=f"{table}.xlsx")
    assert [sample.sample_id for sample in load_dataset("samm", tmp_path).samples] == ["006/006_1_2", "007/007_3_1"]


def test_the_long_video_table_is_no_candidate(tmp_path):
    write_samm(tmp_path, rows=FEW)
    write_samm_table(tmp_path / "SAMM_LongVideos_V1_Release.xlsx", FEW)
    assert load_dataset("samm", tmp_path).table.name == "SAMM_Micro_FACS_Codes_v2.xlsx"


def test_cropped_variant_is_preferred_and_raw_can_be_chosen(tmp_path):
    write_samm(tmp_path, rows=FEW)
    write_samm(tmp_path, rows=FEW, tree="SAMM_CROP")
    touch(tmp_path / "SAMM_longvideos" / "006_1", ["006_1_0001.jpg"])
    database = load_dataset("samm", tmp_path)
    assert (database.tree, database.registered) == ("cropped", True)
    assert {sample.path.parent.parent for sample in database.samples} == {tmp_path / "SAMM_CROP"}
    assert "tree-chosen" in {finding.kind for finding in database.findings}
    database = load_dataset("samm", tmp_path, tree="raw")
    assert {sample.path.parent.parent for sample in database.samples} == {tmp_path}


def test_a_name_of_another_subject_is_told_and_the_table_kept(tmp_path):
    rows = [*FEW, ClipRow(9, "010_1_1", 10, 20, 30, "Fear")]
    database = load_dataset("samm", write_samm(tmp_path, rows=rows))
    assert sample_of(database, "009/010_1_1").path is not None
    found = [finding for finding in database.findings if finding.kind == "subject-contradicts-clip"]
    assert [finding.where for finding in found] == ["009/010_1_1"]


def test_repression_never_becomes_others(tmp_path):
    rows = [FEW[0]._replace(emotion=" Repression "), FEW[1]._replace(emotion="HAPPY")]
    database = load_dataset("samm", write_samm(tmp_path, rows=rows))
    assert [(s.emotion, s.emotion_written) for s in database.samples] == [
        ("repression", "Repression"),
        ("happiness", "HAPPY"),
    ]


def test_lookalike_itself_is_what_it_claims():
    rows = samm_rows()
    assert Counter(row.emotion for row in rows) == SAMM_COUNTS
    assert all(row.clip.startswith(f"{row.subject:03d}_") for row in rows)


def test_objective_classes_are_kept_as_the_table_writes_them(database):
    assert Counter(sample.objective_class for sample in database.samples) == SAMM_OBJECTIVE
