"""Rows that become samples, and rows that would have to be guessed at."""

import pytest
from few_clips import FEW, sample_of, write_few
from lookalikes import touch, write_casme2, write_casme2_tree

from mer_di.datasets import dataset_spec, load_dataset
from mer_di.datasets.annotation import canonical_emotion, subject_name
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


ABSURD = ["1000000000", "1" * 20, "1" * 5000, "1e300", "nan", "inf", "-inf", "-7", "2.5", "", "0x5", "5,0"]
ROWS = {
    "casme2": {"1": "EP02_01f", "2": "EP03_01f"},
    "samm": {"006": "006_1_2", "007": "007_1_2"},
    "mmew": {"1": "S01-01-001", "2": "S02-01-001"},
}
FOLDERS = {
    "casme2": "Cropped/sub{0:02d}/{1}/reg_img{2}.jpg",
    "samm": "{0:03d}/{1}/{0:03d}_{2:05d}.jpg",
    "mmew": "Micro_Expression/happiness/{1}/{2}.jpg",
}


@pytest.mark.parametrize("column", ["OnsetFrame", "ApexFrame", "OffsetFrame"])
@pytest.mark.parametrize("name", ROWS)
def test_an_absurd_number_drops_its_row_by_name(tmp_path, name, column):
    (sound, clip), (broken, other) = ROWS[name].items()
    for number in range(1, 10):
        for subject, folder in ROWS[name].items():
            frame = tmp_path / FOLDERS[name].format(int(subject), folder, number)
            touch(frame.parent, [frame.name])
    numbers = {"OnsetFrame": 1, "ApexFrame": 5, "OffsetFrame": 9}
    header = ["Subject", "Filename", *numbers, "Estimated Emotion"]
    for absurd in ABSURD:
        lines = [header, [sound, clip, *numbers.values(), "happiness"]]
        lines.append([broken, other, *(numbers | {column: f'"{absurd}"'}).values(), "happiness"])
        text = "\n".join(",".join(map(str, line)) for line in lines)
        (tmp_path / "table.csv").write_text(text)
        database = load_dataset(name, tmp_path, table=tmp_path / "table.csv")
        (unusable,) = examine(database).unusable
        assert unusable["sample_id"].endswith(f"/{other}")
        assert len(unusable["detail"]) < 200 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "written", "subject"),
    [
        *[
            ("casme2", text, "sub01")
            for text in ("1", "01", "1.0", " 1 ", "s1", "S01", "sub01", "SUB 1", "０１", "sub１")
        ],
        *[("samm", text, "006") for text in ("6", "006", "6.0", "s006", "６")],
    ],
)
def test_one_subject_however_it_is_written(name, written, subject):
    assert subject_name(dataset_spec(name).subject, written) == subject


@pytest.mark.parametrize("text", [" Other ", "OTHERS", "ｏｔｈｅｒ", "other\u00a0"])
def test_one_emotion_however_it_is_written(text):
    assert canonical_emotion(text) == "others"


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
