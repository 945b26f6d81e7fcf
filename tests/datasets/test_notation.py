"""Rows that become samples in one notation, and cells that do not."""

import pytest
from few_clips import write_few
from lookalikes import touch

from mer_di.datasets import dataset_spec, load_dataset
from mer_di.datasets.annotation import read_annotation
from mer_di.datasets.notation import canonical_emotion, subject_name
from mer_di.errors import AnnotationError
from mer_di.inspection.doctor import examine


@pytest.mark.parametrize("subject", ["x", "sub", "1.5", "sub01b"])
def test_a_subject_that_is_no_number_is_refused(tmp_path, subject):
    write_few(tmp_path, table="other.xlsx")
    text = f"Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Estimated Emotion\n{subject},EP02_01f,1,2,3,fear\n"
    (tmp_path / "CASME2-coding.csv").write_text(text)
    with pytest.raises(AnnotationError, match=r"row 2: the subject is .*; expected a number or 'sub01'"):
        load_dataset("casme2", tmp_path)


@pytest.mark.parametrize("column", [0, 1, 5])
@pytest.mark.parametrize("written", ["'{}", "{}\u201d", '"""{}"""'])
def test_a_name_within_quotes_is_no_other_name(tmp_path, column, written):
    row = ["1", "EP02_01f", "1", "2", "3", "fear"]
    row[column] = written.format(row[column])
    text = "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Estimated Emotion\n" + ",".join(row)
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(AnnotationError, match=r"row 2: the cell .* begins or ends with a quote, .*remove it"):
        read_annotation(dataset_spec("casme2"), tmp_path / "t.csv")


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
