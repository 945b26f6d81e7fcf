"""CAS(ME)³: several micro-expressions in one recording, two parts."""

from collections import Counter

import pytest
from few_clips import kinds
from lookalikes import CAS_ME_3_KNOWN, ClipRow, touch, write_cas_me_3, write_workbook

from mer_di import build_cache
from mer_di.building.defaults import default_recipe
from mer_di.building.plan import make_plan
from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError, DatasetNotFoundError, InputError
from mer_di.inspection.doctor import examine
from mer_di.recipe import Recipe
from mer_di.synthetic import write_database

FEW = [
    ClipRow(1, "e", 62, 68, 96, "others"),
    ClipRow(1, "e", 96, 102, 106, "Others"),
    ClipRow(2, "a", 5, 9, 14, "happy"),
]
HEADER_C = ("sub", "count", "onset", "offset", "au", "emotion")


def write_part_c(root, rows=((1, 1, 10, 20, "R4,5", "negative"), (1, 2, 30, 40, 1, "surprise"))):
    write_workbook(root / "CAS(ME)3_part_C_ME.xlsx", {"mockCrimeME": [HEADER_C, *rows]})
    touch(root / "part_C" / "part_C" / "01" / "a" / "color", (f"{n}.jpg" for n in range(1, 50)))
    return root


def test_published_counts_and_known_errors(tmp_path):
    database = load_dataset("cas_me_3", write_cas_me_3(tmp_path))
    assert (database.tree, database.registered, database.table_version) == ("part_a", False, "part_a, v2")
    assert all(found == published for _, found, published in database.published())
    assert (len(database.samples), len({s.subject for s in database.samples})) == (860, 94)
    assert len({sample.path for sample in database.samples}) == 463
    plan = make_plan(database, Recipe(align="none", aspect="stretch"))
    reasons = Counter(reason.partition(":")[0] for reason in plan.dropped.values())
    assert reasons == {"phase-too-short": 55, "offset-before-onset": 3, "apex-outside": 1}
    assert kinds(database) == {"emotion-alias": 2, "folder-without-row": 1}


def test_the_laboratorys_set_mends_the_rows_whose_numbers_cannot_be(tmp_path):
    database = load_dataset("cas_me_3", write_cas_me_3(tmp_path, rows=CAS_ME_3_KNOWN), corrections=("meb",))
    assert len(database.applied) == 7
    frames = {s.sample_id: (s.onset, s.apex, s.offset) for s in database.samples}
    assert frames["spNO.216/d@3647"] == (2647, 2668, 2694), "the name keeps the table's onset"
    assert frames["spNO.40/e@1812"] == (1812, 1824, 1845)
    assert frames["spNO.149/d@112"] == (112, 160, 358)


def test_every_row_carries_its_onset_so_that_names_stay_when_rows_are_added(tmp_path):
    before = load_dataset("cas_me_3", write_cas_me_3(tmp_path / "a", rows=FEW[1:]))
    after = load_dataset("cas_me_3", write_cas_me_3(tmp_path / "b", rows=FEW))
    assert [s.sample_id for s in before.samples] == ["spNO.1/e@96", "spNO.2/a@5"]
    assert [s.sample_id for s in after.samples] == ["spNO.1/e@62", "spNO.1/e@96", "spNO.2/a@5"]
    assert [s.emotion for s in after.samples] == ["others", "others", "happiness"]
    assert after.samples[0].path == after.samples[1].path


def test_two_rows_of_one_onset_are_no_two_samples(tmp_path):
    with pytest.raises(AnnotationError, match=r"two rows for the clip spNO.1/e@62 and its onset"):
        load_dataset("cas_me_3", write_cas_me_3(tmp_path, rows=[FEW[0], FEW[0]]))


def test_the_owners_repository_keeps_the_table_deeper(tmp_path):
    write_cas_me_3(tmp_path, rows=FEW, home="part_A_split/part_A")
    table = tmp_path / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
    (tmp_path / "annotation" / "partA").mkdir(parents=True)
    table.rename(tmp_path / "annotation" / "partA" / table.name)
    assert len(load_dataset("cas_me_3", tmp_path).samples) == 3


def test_an_old_workbook_is_named_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr("mer_di.datasets.sheets.reads_others", lambda: False)
    write_cas_me_3(tmp_path, rows=FEW)
    table = tmp_path / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
    table.rename(table.with_suffix(".xls"))
    with pytest.raises(DatasetNotFoundError) as caught:
        load_dataset("cas_me_3", tmp_path)
    for word in ("JpgIndex_v2.xls", "--table", "has to be saved as", "--dataset manifest"):
        assert word in str(caught.value)


def test_part_c_has_one_recording_a_person_and_no_apex(tmp_path):
    database = load_dataset("cas_me_3", write_part_c(tmp_path))
    assert (database.tree, database.spec.n_samples, database.spec.n_subjects) == ("part_c", 165, 30)
    assert [(s.sample_id, s.onset, s.apex, s.offset, s.action_units) for s in database.samples] == [
        ("01/1", 10, None, 20, "R4,5"),
        ("01/2", 30, None, 40, "1"),
    ]
    assert len({sample.path for sample in database.samples}) == 1
    assert examine(database, apex_policy="midpoint").usable == 2


def test_of_both_parts_a_is_read_and_part_b_never(tmp_path):
    write_part_c(write_cas_me_3(tmp_path, rows=FEW))
    touch(tmp_path / "part_B" / "spNO.1" / "a" / "color", ["1.jpg"])
    database = load_dataset("cas_me_3", tmp_path)
    assert (database.tree, kinds(database)["tree-chosen"]) == ("part_a", 1)
    assert all("part_B" not in str(sample.path) for sample in database.samples)
    assert load_dataset("cas_me_3", tmp_path, tree="part_c").tree == "part_c"
    with pytest.raises(InputError, match="'part_b'; expected part_a or part_c"):
        load_dataset("cas_me_3", tmp_path, tree="part_b")


def test_a_part_that_is_not_there(tmp_path):
    write_cas_me_3(tmp_path, rows=FEW)
    with pytest.raises(DatasetNotFoundError, match=r"part_C_ME\*|no folder of a subject"):
        load_dataset("cas_me_3", tmp_path, tree="part_c")


@pytest.mark.parametrize(("tree", "policy", "rows"), [("part_a", "drop", 7), ("part_c", "midpoint", 4)])
def test_a_drawn_one_is_checked_and_built(tmp_path, sketched, tree, policy, rows):
    root = write_database(tmp_path / "db", layout="cas_me_3", tree=tree, subjects=1)
    database = load_dataset("cas_me_3", root)
    assert (database.tree, database.synthetic, len(database.samples)) == (tree, True, rows)
    assert examine(database, apex_policy=policy).usable == rows
    recipe = default_recipe(database, align="none", size=32, apex_policy=policy)
    assert build_cache(database, tmp_path / "c.h5", recipe).kept == rows
