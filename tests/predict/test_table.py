import csv
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from drawn_files import read_csv

import mer_di.predict.table
from mer_di.cli.predict import command
from mer_di.errors import AnnotationError, InputError
from mer_di.learning.saved_model import load_model, save_model
from mer_di.predict import Clip, TableReport, predict, predict_table
from mer_di.predict.clips import Network

KEY_FRAMES = ("onset", "apex", "offset")


@pytest.fixture
def clips(tiny, model):
    """A table of clips without subjects, names or emotions."""
    path = tiny.table.with_name("clips.csv")
    write(path, [{name: row[name] for name in ("path", *KEY_FRAMES)} for row in tiny.rows])
    return path


@pytest.fixture
def one_at_a_time(monkeypatch):
    monkeypatch.setattr(mer_di.predict.table, "CLIPS_AT_A_TIME", 1)


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def table(model, clips, out, **options):
    return predict_table(model, clips, out, device="cpu", **options)


def spied(monkeypatch, dying_at=None):
    """Count the clips that are predicted; a kill comes in place of one of them."""
    asked = []
    outcomes = Network.outcomes

    def spy(self, samples, *arguments, **options):
        if len(asked) == dying_at:
            raise KeyboardInterrupt
        asked.extend(samples)
        return outcomes(self, samples, *arguments, **options)

    monkeypatch.setattr(Network, "outcomes", spy)
    return asked


def killed_at_the_fifth(monkeypatch, model, clips, out):
    with monkeypatch.context() as patch:
        spied(patch, dying_at=4)
        with pytest.raises(KeyboardInterrupt):
            table(model, clips, out)


def test_every_row_has_the_probabilities_of_its_clip(tiny, clips, model, tmp_path):
    out = tmp_path / "out.csv"
    with ThreadPoolExecutor(2) as executor:
        assert table(model, clips, out, executor=executor) == TableReport(out, 6, 0, 0, {})
    alone = predict(model, [Clip(clips.parent / r["path"], *(r[k] for k in KEY_FRAMES)) for r in tiny.rows])
    rows = read_csv(out)
    assert [row["path"] for row in rows] == [row["path"] for row in tiny.rows]
    for row, prediction in zip(rows, alone, strict=True):
        assert {name: float(row[f"p_{name}"]) for name in prediction.probabilities} == prediction.probabilities
        assert row["predicted"] == next(iter(prediction.probabilities))
        assert (row["apex_used"], row["problem"]) == (row["apex"], "")


def test_a_manifest_is_such_a_table_and_keeps_its_columns(tiny, model, tmp_path):
    table(model, tiny.table, tmp_path / "out.csv")
    first = read_csv(tmp_path / "out.csv")[0]
    assert [first[name] for name in ("subject", "clip", "emotion")] == ["s1", "a", tiny.rows[0]["emotion"]]


def test_a_row_that_cannot_be_predicted_is_there_with_its_reason(tiny, clips, model, tmp_path):
    rows = [{"path": "s1/a", "onset": 2, "apex": 5, "offset": 9}, *({} for _ in range(4))]
    for row, change in zip(rows[1:], ({"apex": "/"}, {"path": "gone"}, {"offset": 99}, {"onset": ""}), strict=True):
        row |= rows[0] | change
    write(clips, rows)
    report = table(model, clips, tmp_path / "out.csv")
    found = read_csv(tmp_path / "out.csv")
    assert "apex cell holds '/'" in found[1]["problem"]
    kinds = ["", "apex-missing", "clip-not-found", "frames-missing", "onset-missing"]
    assert [row["problem"].partition(":")[0] for row in found] == kinds
    assert "the table's onset cell holds ''" in found[4]["problem"]
    assert f"nothing lies at {clips.parent / 'gone'}" in found[2]["problem"]
    assert [bool(row["predicted"]) for row in found] == [True, False, False, False, False]
    assert (report.predicted, report.problems) == (1, dict.fromkeys(kinds[1:], 1))


def test_the_policy_of_the_recipe_takes_the_apex_and_the_row_says_which(tiny, clips, model, tmp_path):
    saved = load_model(model)
    fields = {name: getattr(saved.recipe, name) for name in ("align", "aspect", "size", "apex_in", "temporal_length")}
    midpoint = type(saved.recipe)(**fields, scheme=saved.recipe.scheme, apex_policy="midpoint")
    save_model(type(saved)(saved.network, saved.config, saved.classes, midpoint), model)
    write(clips, [{"path": "s1/a", "onset": 2, "offset": 9}])
    table(model, clips, tmp_path / "out.csv")
    (row,) = read_csv(tmp_path / "out.csv")
    assert (row["apex"], row["apex_used"], row["problem"]) == ("", "5", "")


@pytest.mark.usefixtures("one_at_a_time")
def test_a_killed_command_goes_on_where_it_was_and_ends_the_same(clips, model, tmp_path, monkeypatch):
    table(model, clips, tmp_path / "undisturbed.csv")
    out = tmp_path / "out.csv"
    killed_at_the_fifth(monkeypatch, model, clips, out)
    assert not out.exists()
    unfinished = tmp_path / "out.csv.unfinished"
    unfinished.write_bytes(unfinished.read_bytes()[:-9])  # a kill between two bytes of the fourth row
    asked = spied(monkeypatch)
    assert table(model, clips, out).earlier == 3
    assert len(asked) == 3
    assert out.read_bytes() == (tmp_path / "undisturbed.csv").read_bytes()
    assert not unfinished.exists()
    assert table(model, clips, out).earlier == 6
    assert len(asked) == 3


def test_a_mended_row_is_tried_again_and_an_added_one_predicted(tiny, clips, model, tmp_path, monkeypatch):
    shutil.move(clips.parent / "s2/b", clips.parent / "away")
    assert table(model, clips, tmp_path / "out.csv").problems == {"clip-not-found": 1}
    shutil.move(clips.parent / "away", clips.parent / "s2/b")
    write(clips, [*read_csv(clips)[::-1], {"path": "s1/a", "onset": 2, "apex": 4, "offset": 9}])
    asked = spied(monkeypatch)
    assert table(model, clips, tmp_path / "out.csv") == TableReport(tmp_path / "out.csv", 7, 5, 0, {})
    assert len(asked) == 2
    assert [row["path"] for row in read_csv(tmp_path / "out.csv")][-2:] == ["s1/a", "s1/a"]


@pytest.mark.usefixtures("one_at_a_time")
@pytest.mark.parametrize("killed", [True, False])
def test_another_model_or_table_does_not_go_on_with_it(clips, model, tmp_path, monkeypatch, killed):
    out = tmp_path / "out.csv"
    if killed:
        killed_at_the_fifth(monkeypatch, model, clips, out)
    else:
        table(model, clips, out)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("out*")}
    other = load_model(model)
    save_model(type(other)(other.network, other.config, other.classes[::-1], other.recipe), tmp_path / "other")
    with pytest.raises(InputError, match="by another model"):
        table(tmp_path / "other", clips, out)
    write(clips, [row | {"apex": 4} for row in read_csv(clips)])
    with pytest.raises(InputError, match=r"4 clip\(s\) that .* does not have|6 clip\(s\) that .* does not have"):
        table(model, clips, out)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("out*")} == before


def test_a_clip_of_other_frames_is_predicted_again(tiny, clips, model, tmp_path, monkeypatch):
    out, root = tmp_path / "out.csv", tmp_path / "root"
    table(model, clips, out)
    shutil.copytree(clips.parent, root)
    frame = root / "s1" / "a" / "img3.png"
    frame.write_bytes((root / "s1" / "a" / "img4.png").read_bytes())
    asked = spied(monkeypatch)
    assert table(model, clips, out, root=root) == TableReport(out, 6, 5, 1, {})
    assert [sample.path for sample in asked] == [root / "s1" / "a"]
    table(model, clips, tmp_path / "fresh.csv", root=root)
    assert out.read_bytes() == (tmp_path / "fresh.csv").read_bytes()
    frame.unlink()
    assert table(model, clips, out, root=root).problems == {"frame-gap": 1}


def test_what_was_said_before_rows_knew_their_frames_is_asked_again(clips, model, tmp_path):
    out = tmp_path / "out.csv"
    table(model, clips, out)
    whole = out.read_bytes()
    rows = read_csv(out)
    write(out, [{name: cell for name, cell in row.items() if name != "frames"} for row in rows])
    assert table(model, clips, out).again == 6
    assert out.read_bytes() == whole


@pytest.mark.parametrize(
    "change",
    [{"p": None}, {"p": ""}, {"p": "x"}, {"p": "nan"}, {"p": "0.9999"}, {"p": "-1"}, {"apex_used": "9" * 5000}],
)
def test_a_damaged_row_is_named(clips, model, tmp_path, change):
    out = tmp_path / "out.csv"
    table(model, clips, out)
    rows = read_csv(out)
    cell = next(name for name in rows[0] if name.startswith("p_"))
    if change == {"p": None}:
        rows = [{name: value for name, value in row.items() if name != cell} for row in rows]
    else:
        rows[2] |= {cell if name == "p" else name: value for name, value in change.items()}
    write(out, rows)
    before = out.read_bytes()
    with pytest.raises(InputError, match=r"out\.csv is damaged: its row of 's"):
        table(model, clips, out)
    assert out.read_bytes() == before


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "notes", "\xff\n"])
def test_a_file_of_another_kind_is_not_touched(clips, model, tmp_path, content):
    out = tmp_path / "out.csv"
    out.write_text(content, encoding="latin-1")
    with pytest.raises(InputError, match="no table of predictions"):
        table(model, clips, out)
    assert out.read_text(encoding="latin-1") == content
    with pytest.raises(InputError, match="read for this"):
        table(model, clips, clips)


def test_paths_are_guarded_as_those_of_a_manifest(clips, model, tmp_path):
    write(clips, [{"path": "../elsewhere", "onset": 1, "apex": 2, "offset": 3}])
    with pytest.raises(AnnotationError, match="leads out of"):
        table(model, clips, tmp_path / "out.csv")
    clips.write_text("path,onset,offset\n", encoding="utf-8")
    with pytest.raises(AnnotationError, match="no rows below it"):
        table(model, clips, tmp_path / "out.csv")


def test_the_command_writes_and_says_what_came_of_it(clips, model, tmp_path):
    write(clips, [*read_csv(clips), {"path": "s1/a", "onset": 2, "apex": "/", "offset": 9}])
    moved = shutil.move(clips, tmp_path / "clips.csv")
    arguments = [str(model), "--table", str(moved), "--out", str(tmp_path / "out.csv"), "--device", "cpu"]
    found = CliRunner().invoke(command, [*arguments, "--root", str(clips.parent), "--jobs", "2"])
    assert found.exit_code == 1
    assert "predicted 6, 1 cannot be (1 apex-missing; see the column problem)" in found.stdout
    for wrong in ([*arguments, "--onset", "3"], arguments[:3], [str(model)], [str(model), str(model), "--jobs", "2"]):
        assert CliRunner().invoke(command, wrong).exit_code == 2
