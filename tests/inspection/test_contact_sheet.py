import cv2
import numpy as np
import pytest
from tiny_cache import EMOTIONS, write_tiny_cache

from mer_di.cache import open_cache
from mer_di.dynamic_images import NORMALIZATIONS, normalize
from mer_di.errors import CacheError, InputError
from mer_di.inspection.contact_sheet import RANGES, spread, write_contact_sheet
from mer_di.inspection.flow_colours import flow_colours, full_colour


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return write_tiny_cache(tmp_path_factory.mktemp("sheet") / "tiny.h5", subjects=5, clips=6, size=64)


def placed(sheet, image):
    """Return where an image lies on a sheet, pixel by pixel: (y, x) of its corner, for each time that it is there."""
    image = np.ascontiguousarray(image[..., ::-1])
    side = len(image)
    near = np.argwhere(cv2.matchTemplate(sheet, image, cv2.TM_SQDIFF) < image.size)  # its sums are rounded
    return [(y, x) for y, x in near.tolist() if np.array_equal(sheet[y : y + side, x : x + side], image)]


def test_a_sheet_shows_the_frames_and_images_themselves(cache, tmp_path):
    sheet = write_contact_sheet(cache, tmp_path / "sheet.png", n=4, side=64)
    pixels = cv2.imread(str(sheet.path))
    assert len(sheet.sample_ids) == 4
    with open_cache(cache) as opened:
        ids = list(opened.column("sample_id"))
        for sample_id in sheet.sample_ids:
            row = ids.index(sample_id)
            shown = [opened.key_frames(name)[row] for name in ("onset", "apex", "offset")]
            shown += [normalize(opened.images(name)[row], "symmetric") for name in ("onset", "offset", "full")]
            corners = [placed(pixels, image) for image in shown]
            assert all(len(found) == 1 for found in corners)
            assert len({found[0][0] for found in corners}) == 1  # one row of the sheet
            across = [found[0][1] for found in corners]
            assert across == sorted(across)
        other = ids.index(next(name for name in ids if name not in sheet.sample_ids))
        assert not placed(pixels, opened.key_frames("apex")[other])


def test_samples_are_spread_over_classes_and_subjects(cache):
    with open_cache(cache) as opened:
        emotions, subjects = opened.column("emotion"), opened.column("subject")
        rows = spread(opened, range(len(opened)), 15)
        assert rows == spread(opened, range(len(opened))[::-1], 15)
        assert len(rows) == len(set(rows)) == 15
        assert {name: sum(emotions[rows] == name) for name in EMOTIONS} == dict.fromkeys(EMOTIONS, 5)
        assert all(sum(subjects[rows] == name) == 3 for name in set(subjects))
        assert list(emotions[rows]) == sorted(emotions[rows])
        assert spread(opened, range(len(opened)), 999) == sorted(range(len(opened)), key=lambda r: (emotions[r], r))


def test_a_class_and_a_subject_can_be_chosen(cache, tmp_path):
    sheet = write_contact_sheet(cache, tmp_path / "one.png", emotion="disgust", subject="s02", streams=("full",))
    assert sheet.sample_ids == ["s02/c0", "s02/c3"]
    assert sheet.matching == 2
    assert len(write_contact_sheet(cache, tmp_path / "class.png", emotion="disgust", n=99).sample_ids) == 10


@pytest.mark.parametrize(
    ("wrong", "listed"),
    [
        ({"emotion": "joy"}, "disgust, happiness, surprise"),
        ({"subject": "s99"}, "s01, s02, s03, s04, s05"),
        ({"normalization": "pretty"}, "symmetric"),
        ({"n": 0}, "positive"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(cache, tmp_path, wrong, listed):
    with pytest.raises(InputError, match=listed):
        write_contact_sheet(cache, tmp_path / "none.png", **wrong)
    assert not (tmp_path / "none.png").exists()


def test_an_unknown_stream_is_refused(cache, tmp_path):
    with pytest.raises(CacheError, match="onset, offset, full"):
        write_contact_sheet(cache, tmp_path / "none.png", streams=("apex",))


def test_every_normalization_can_be_shown_and_has_its_words(cache, tmp_path):
    assert set(RANGES) == set(NORMALIZATIONS)
    for name in RANGES:
        write_contact_sheet(cache, tmp_path / f"{name}.png", n=2, normalization=name)
        assert cv2.imread(str(tmp_path / f"{name}.png")).std() > 10


def test_signed_images_share_one_scale_about_zero(tmp_path):
    """A change of one sign is drawn in one hue, its negative in the other, no change in white."""
    cache = write_tiny_cache(tmp_path / "signed.h5", subjects=2, clips=1, emotions=("disgust",), size=32)
    import h5py

    with h5py.File(cache, "r+") as file:
        images = np.zeros((2, 32, 32, 3), np.float32)
        images[0, :16], images[1, :16] = 100, -100
        file["di/onset"][:] = images
    sheet = write_contact_sheet(cache, tmp_path / "s.png", streams=("onset",), normalization="raw", side=32)
    pixels = cv2.imread(str(sheet.path))[..., ::-1].astype(int)
    red = (pixels[..., 0] > pixels[..., 2] + 60).sum()
    blue = (pixels[..., 2] > pixels[..., 0] + 60).sum()
    assert min(red, blue) >= 16 * 32  # beside the scale's own few


def test_flow_is_shown_in_its_own_colours_on_one_scale(tmp_path):
    cache = write_tiny_cache(tmp_path / "flow.h5", subjects=2, clips=1, size=64, flow="ilk")
    streams = ("flow_offset", "onset", "flow_onset")
    sheet = write_contact_sheet(cache, tmp_path / "s.png", streams=streams, side=64, frames=False)
    pixels = cv2.imread(str(sheet.path))
    with open_cache(cache) as opened:
        flows = {name: opened.images(name)[:] for name in ("flow_offset", "flow_onset")}
        full = full_colour([*flows["flow_offset"], *flows["flow_onset"]])
        for row in range(2):
            shown = [normalize(opened.images("onset")[row], "symmetric")]
            shown += [flow_colours(flows[name][row], full) for name in ("flow_offset", "flow_onset")]
            ((y, x),) = placed(pixels, shown[0])
            assert [placed(pixels, image) for image in shown[1:]] == [[(y, x + 68)], [(y, x + 2 * 68)]]


def test_a_cache_without_flow_shows_none(cache, tmp_path):
    with pytest.raises(CacheError, match="without optical flow"):
        write_contact_sheet(cache, tmp_path / "none.png", streams=("flow_onset",))


def test_the_command(cache, tmp_path):
    from click.testing import CliRunner

    from mer_di.cli import root

    out = tmp_path / "cli.png"
    result = CliRunner().invoke(root, ["show", str(cache), "--out", str(out), "--n", "3", "--class", "surprise"])
    assert (result.exit_code, out.is_file()) == (0, True)
    assert result.stdout.strip() == f"3 of 10 samples -> {out}"
    assert CliRunner().invoke(root, ["show", str(cache), "--out", str(out), "--streams", "apex"]).exit_code == 2


def test_a_sheet_without_frames_holds_none(cache, tmp_path):
    sheet = write_contact_sheet(cache, tmp_path / "sheet.png", n=1, side=64, frames=False)
    pixels = cv2.imread(str(sheet.path))
    with open_cache(cache) as opened:
        row = list(opened.column("sample_id")).index(sheet.sample_ids[0])
        assert placed(pixels, normalize(opened.images("onset")[row], "symmetric"))
        assert not any(placed(pixels, opened.key_frames(name)[row]) for name in ("onset", "apex", "offset"))


def test_a_full_disk_leaves_the_former_sheet(cache, tmp_path, monkeypatch):
    out = tmp_path / "sheet.png"
    out.write_text("former")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_contact_sheet(cache, out, n=1)
    assert out.read_text() == "former"
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
    with pytest.raises(InputError, match="is read for this"):
        write_contact_sheet(cache, cache, n=1)


@pytest.mark.parametrize("name", ["惊讶", "سعادة", "\U0001f600\u202ejoy", "a\x1b[31m\nb", "x" * 300, "$\\frac$", ""])
def test_names_in_any_script_are_drawn_without_a_warning(tmp_path, name):
    cache = write_tiny_cache(tmp_path / "names.h5", subjects=[f"p{name}"], emotions=(name, "joy"), clips=2)
    write_contact_sheet(cache, tmp_path / "sheet.png")
