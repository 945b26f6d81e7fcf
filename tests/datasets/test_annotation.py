"""Tables that are chosen, and rows of them that would have to be guessed at."""

import pytest
from few_clips import FEW, sample_of, write_few
from lookalikes import write_casme2, write_casme2_tree

from mer_di.datasets import load_dataset
from mer_di.errors import AnnotationError
from mer_di.inspection.doctor import examine


def test_several_unknown_tables_have_to_be_chosen(tmp_path):
    write_few(tmp_path, table="CASME2-coding-a.xlsx")
    write_few(tmp_path, table="CASME2-coding-b.xlsx")
    with pytest.raises(AnnotationError, match=r"coding-a\.xlsx.*coding-b\.xlsx.*--table"):
        load_dataset("casme2", tmp_path)
    assert len(load_dataset("casme2", tmp_path, table=tmp_path / "CASME2-coding-a.xlsx").samples) == 2


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


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,EP02_01f,1,2,3,", r"row 3: the cell 'emotion' is blank"),
        ("1,,1,2,3,fear", r"row 3: the cell 'clip' is blank"),
        (",EP02_01f,1,2,3,fear", r"row 3: the cell 'subject' is blank"),
        (",,1,,,", r"row 3: the cell"),
        ("sub02,EP09,4,5,6,fear", r"two rows for the clip sub02/EP09 \(.*row 2; .*row 3\).* --dataset manifest"),
        ("02,ep09,4,5,6,fear", r"two rows for the clip"),
    ],
)
def test_rows_that_would_have_to_be_guessed_at(tmp_path, row, message):
    text = f"Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Estimated Emotion\n2,EP09,1,2,3,fear\n{row}\n"
    (tmp_path / "CASME2-coding.csv").write_text(text)
    with pytest.raises(AnnotationError, match=message):
        load_dataset("casme2", tmp_path)


def test_an_emotion_that_the_database_has_not_is_told(tmp_path):
    write_casme2_tree(tmp_path / "Cropped", FEW)
    lines = ["Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Estimated Emotion"]
    lines += [f"{row.subject},{row.clip},{row.onset},{row.apex},{row.offset},happyness" for row in FEW]
    (tmp_path / "CASME2-coding.csv").write_text("\n".join(lines))
    database = load_dataset("casme2", tmp_path)
    (finding,) = [finding for finding in database.findings if finding.kind == "emotion-unknown"]
    assert finding.where == "happyness"
    assert "2 rows say 'happyness'" in finding.message
    assert "disgust, fear, happiness, others" in finding.message
    assert {sample.emotion for sample in database.samples} == {"happyness"}


@pytest.mark.parametrize(("policy", "usable"), [("drop", 0), ("midpoint", 2)])
def test_an_owners_table_without_an_apex_column(tmp_path, policy, usable):
    write_casme2_tree(tmp_path / "Cropped", FEW)
    lines = ["Subject,Filename,OnsetFrame,OffsetFrame,Estimated Emotion"]
    lines += [f"{row.subject},{row.clip},{row.onset},{row.offset},{row.emotion}" for row in FEW]
    (tmp_path / "CASME2-coding.csv").write_text("\n".join(lines))
    found = examine(load_dataset("casme2", tmp_path), apex_policy=policy)
    assert found.usable == usable
    assert "column-missing" in {finding["kind"] for finding in found.findings}


def test_a_header_without_rows(tmp_path):
    write_casme2(tmp_path, rows=[])
    with pytest.raises(AnnotationError, match="no rows below"):
        load_dataset("casme2", tmp_path)
