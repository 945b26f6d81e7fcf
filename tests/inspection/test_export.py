import csv
import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from tiny_cache import write_tiny_cache

from mer_di.cache import DI_STREAMS, open_cache
from mer_di.cli import root
from mer_di.dynamic_images import normalize
from mer_di.errors import InputError
from mer_di.inspection.export import export
from mer_di.inspection.pictures import picture


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return write_tiny_cache(
        tmp_path_factory.mktemp("export") / "tiny.h5", subjects=("s1", "S1", "a:b"), clips=3, size=8
    )


def index_of(folder):
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def files_of(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_flow_is_exported_raw_and_as_nothing_else(tmp_path):
    cache = write_tiny_cache(tmp_path / "flow.h5", subjects=2, clips=1, size=16, flow="dis")
    export(cache, tmp_path / "npy", "npy", streams=("flow_offset",))
    with open_cache(cache) as opened:
        for row, sample in enumerate(index_of(tmp_path / "npy")):
            found = np.load(tmp_path / "npy" / sample["flow_offset_file"])
            np.testing.assert_array_equal(found, opened.images("flow_offset")[row])
    with pytest.raises(InputError, match="flow_offset is optical flow, and symmetric is for colours"):
        export(cache, tmp_path / "png", "png", streams=("onset", "flow_offset"))
    assert not (tmp_path / "png").exists()


@pytest.mark.parametrize("normalization", ["symmetric", "minmax", "minmax-channel"])
def test_png_holds_the_normalized_images(cache, tmp_path, normalization):
    done = export(cache, tmp_path / "png", "png", normalization=normalization)
    assert (done.samples, done.files) == (9, 27)
    with open_cache(cache) as opened:
        for row, sample in enumerate(index_of(tmp_path / "png")):
            for stream in DI_STREAMS:
                read = cv2.imread(str(tmp_path / "png" / sample[f"{stream}_file"]), cv2.IMREAD_UNCHANGED)[..., ::-1]
                np.testing.assert_array_equal(read, normalize(opened.images(stream)[row], normalization))


def test_npy_holds_the_raw_sums_unless_asked(cache, tmp_path):
    export(cache, tmp_path / "raw", "npy", streams=("offset",))
    export(cache, tmp_path / "unit", "npy", streams=("offset",), normalization="unit-weight")
    with open_cache(cache) as opened:
        for row, sample in enumerate(index_of(tmp_path / "raw")):
            raw = np.load(tmp_path / "raw" / sample["offset_file"])
            assert raw.dtype == np.float32
            np.testing.assert_array_equal(raw, opened.images("offset")[row])
            # five frames under arp: weights −4 −2 0 2 4, half their magnitudes is 6
            unit = np.load(tmp_path / "unit" / sample["offset_file"])
            np.testing.assert_allclose(unit, raw / 6, rtol=1e-6)


def test_the_index_says_who_and_what_each_file_is(cache, tmp_path):
    export(cache, tmp_path / "out", "png")
    index = index_of(tmp_path / "out")
    with open_cache(cache) as opened:
        for name in ("sample_id", "subject", "emotion"):
            assert [row[name] for row in index] == list(opened.column(name))
        for name in ("label", "onset", "apex", "offset"):
            assert [int(row[name]) for row in index] == list(opened.column(name))
        origin = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
        assert origin["recipe_sha256"] == opened.recipe.sha256
    assert (origin["normalization"], origin["classes"]) == ("symmetric", ["disgust", "happiness", "surprise"])
    named = {row[f"{stream}_file"] for row in index for stream in DI_STREAMS}
    assert named | {"index.csv", "export.json"} == files_of(tmp_path / "out")


def test_file_names_are_unique_and_taken_by_every_file_system(cache, tmp_path):
    export(cache, tmp_path / "out", "png", streams=("full",))
    names = [path.name for path in (tmp_path / "out" / "full").iterdir()]
    assert len({name.casefold() for name in names}) == 9  # subjects s1 and S1
    assert not any(character in name for name in names for character in '/\\:*?"<>|')


def test_torchvision_reads_each_stream_as_an_image_folder(cache, tmp_path):
    datasets = pytest.importorskip("torchvision.datasets")
    export(cache, tmp_path / "out", "imagefolder")
    index = {row["onset_file"]: int(row["label"]) for row in index_of(tmp_path / "out")}
    folder = datasets.ImageFolder(str(tmp_path / "out" / "onset"))
    assert folder.classes == ["0_disgust", "1_happiness", "2_surprise"]
    found = {f"onset/{path.split('/onset/', 1)[1]}": label for path, label in folder.samples}
    assert found == index
    with open_cache(cache) as opened:
        image, _ = folder[0]
        row = list(index).index(next(iter(found)))
        np.testing.assert_array_equal(np.asarray(image), picture(opened, "onset", row, "symmetric"))


@pytest.mark.parametrize(
    "emotions",
    [("anger", "fear", "高兴"), ("Anger", "anger", "a/b"), ("", ":", "x" * 300), [f"{n}" for n in range(12)]],
)
def test_folders_of_classes_sort_as_the_labels_whatever_their_names(tmp_path, emotions):
    cache = write_tiny_cache(tmp_path / "c.h5", subjects=1, emotions=emotions, clips=len(emotions), size=4)
    export(cache, tmp_path / "out", "imagefolder", streams=("onset",))
    folders = sorted(path.name for path in (tmp_path / "out" / "onset").iterdir())
    for row in index_of(tmp_path / "out"):
        assert folders.index(row["onset_file"].split("/")[1]) == int(row["label"])
    assert len({name.casefold() for name in folders}) == len(emotions)


def test_a_folder_with_something_in_it_is_left_alone(cache, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(InputError, match="not an empty folder"):
        export(cache, tmp_path / "mine", "png")
    with pytest.raises(InputError, match="does not exist"):
        export(cache, tmp_path / "no" / "such", "png")
    assert files_of(tmp_path) == {"mine/thesis.txt"}
    (tmp_path / "empty").mkdir()
    assert export(cache, tmp_path / "empty", "png", streams=("onset",)).files == 9


def test_a_failure_leaves_nothing_behind(cache, tmp_path, monkeypatch):
    import mer_di.inspection.export

    def fail(path, image):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mer_di.inspection.export, "_save", fail)
    with pytest.raises(OSError, match="No space"):
        export(cache, tmp_path / "out", "png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", ["raw", "unit-weight", "l2", "pretty"])
def test_pictures_are_never_made_of_signed_floats_by_stealth(cache, tmp_path, wrong):
    with pytest.raises(InputError, match="symmetric, minmax, minmax-channel"):
        export(cache, tmp_path / "out", "png", normalization=wrong)


def test_the_command(cache, tmp_path):
    result = CliRunner().invoke(
        root, ["export", str(cache), "--out", str(tmp_path / "x"), "--as", "npy", "--streams", "onset", "--json"]
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["files"] == 9
    assert sum(path.suffix == ".npy" for path in (tmp_path / "x").rglob("*")) == 9
