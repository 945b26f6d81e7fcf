"""One clip to its images, on a real face that drifts: scikit-image's astronaut."""

import dataclasses
import shutil

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from mer_di.building import rendering
from mer_di.building.plan import PlannedClip
from mer_di.building.rendering import render
from mer_di.errors import SampleError
from mer_di.imaging import placement, warp
from mer_di.imaging.face import FaceFinder
from mer_di.imaging.flow import flow
from mer_di.rank_pooling import motion_intensity, phase_weights
from mer_di.recipe import Recipe
from mer_di.sample import Sample

LENGTH, APEX, SIZE = 9, 4, 64


def recipe(align, **fields):
    return Recipe(align=align, several_faces="drop", landmark_model="0" * 64, size=SIZE, **fields)


@pytest.fixture(scope="module")
def drifting(tmp_path_factory):
    """A clip in which nothing happens but that the head moves two pixels a frame to the right."""
    folder = tmp_path_factory.mktemp("drift")
    face = astronaut()[0:256, 60:380]
    for number in range(LENGTH):
        cv2.imwrite(str(folder / f"{number}.png"), np.roll(face, 2 * number, axis=1)[..., ::-1])
    sample = Sample("manifest", "s1", "c1", 0, APEX, LENGTH - 1, "others", path=folder)
    phases = range(APEX + 1), range(APEX, LENGTH)
    clip = PlannedClip(sample, folder, 0, APEX, LENGTH - 1, "table", *phases)
    return clip, np.stack([np.roll(face, 2 * number, axis=1) for number in range(LENGTH)])


def test_warping_the_sums_once_equals_warping_every_frame(drifting):
    clip, frames = drifting
    rendered = render(clip, recipe("similarity"))
    matrix = placement.similarity(FaceFinder().find(frames[0]).landmarks, SIZE)
    np.testing.assert_array_equal(rendered.transform, matrix)
    warped = np.stack([warp.warp(frame.astype(np.float64), matrix, SIZE) for frame in frames])
    weights = phase_weights(LENGTH, clip.onset_phase, clip.offset_phase)
    each = np.einsum("kt,thwc->khwc", weights, warped.astype(np.float64))
    scale = np.abs(each).max()
    assert scale > 100
    np.testing.assert_allclose(rendered.di, each, atol=1e-5 * scale)
    for image, number in zip(rendered.frames, (0, APEX, LENGTH - 1), strict=True):
        np.testing.assert_array_equal(image, warp.to_uint8(warped[number]))


def test_following_the_head_removes_its_drift(drifting):
    clip, _ = drifting
    once, followed = (render(clip, recipe(align)) for align in ("similarity", "per-frame"))
    for drift, rest in zip(once.di, followed.di, strict=True):
        assert np.abs(rest).mean() < 0.35 * np.abs(drift).mean()
    difference = followed.frames[0].astype(int) - followed.frames[2]
    assert np.abs(difference).mean() < 0.5 * np.abs(once.frames[0].astype(int) - once.frames[2]).mean()


def test_a_motionless_face_gives_exactly_nothing(drifting, tmp_path):
    clip, frames = drifting
    for number in range(LENGTH):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frames[0][..., ::-1])
    still = PlannedClip(clip.sample, tmp_path, 0, APEX, LENGTH - 1, "table", clip.onset_phase, clip.offset_phase)
    for align in ("similarity", "per-frame"):
        for scheme in ("arp", "harmonic_arp"):
            if (align, scheme) == ("per-frame", "harmonic_arp"):
                continue  # float frames under float weights leave rounding noise
            assert not render(still, recipe(align, scheme=scheme)).di.any()


@pytest.mark.parametrize("align", ["similarity", "per-frame"])
def test_flow_is_estimated_on_crops_that_are_not_rounded(drifting, align):
    clip, frames = drifting
    rendered = render(clip, recipe(align, flow="farneback"))
    assert (rendered.flow.shape, rendered.flow.dtype) == ((2, SIZE, SIZE, 3), np.float32)
    if align == "similarity":
        crops = [warp.warp(frames[number], rendered.transform, SIZE) for number in (0, APEX, LENGTH - 1)]
        for found, first, second in zip(rendered.flow, crops[:2], crops[1:], strict=True):
            np.testing.assert_array_equal(found, flow(first, second, engine="farneback"))
            rounded = map(warp.to_uint8, (first, second))
            assert not np.array_equal(found, flow(*rounded, engine="farneback"))
    drift = 2 * APEX * rendered.transform[0, 0] if align == "similarity" else 0.0
    np.testing.assert_allclose(np.median(rendered.flow[..., :2], axis=(1, 2)), [[drift, 0]] * 2, atol=0.2)


def test_without_an_engine_there_is_no_flow(drifting):
    assert render(drifting[0], recipe("similarity")).flow is None


@pytest.fixture
def clip_of(drifting, tmp_path):
    """Write the drifting face as JPEG, chosen frames in grey."""
    clip, frames = drifting

    def write(grey):
        for number, frame in enumerate(frames):
            picture = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
            picture = picture if number in grey else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
            cv2.imwrite(str(tmp_path / f"{number}.jpg"), picture)
        return PlannedClip(clip.sample, tmp_path, 0, APEX, LENGTH - 1, "table", clip.onset_phase, clip.offset_phase)

    return write


def test_frames_are_ranked_by_the_motion_in_the_region_that_is_summed(drifting, tmp_path):
    """Outside the face, where the others have the strongest motion, nothing counts."""
    clip, frames = drifting
    disturbed = frames[[0, 3, 1, 2, 4, 5, 8, 6, 7]].copy()
    matrix = placement.similarity(FaceFinder().find(disturbed[0]).landmarks, SIZE)
    region = warp.region(matrix, SIZE, *disturbed.shape[1:3])
    outside = np.ones(disturbed.shape[1:3], bool)
    outside[region] = False
    disturbed[1::2, outside] = 255
    for number, frame in enumerate(disturbed):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame[..., ::-1])
    clip = dataclasses.replace(clip, path=tmp_path)
    rendered = render(clip, recipe("similarity", scheme="motion_ranked"))
    weights = phase_weights(
        LENGTH,
        clip.onset_phase,
        clip.offset_phase,
        scheme="motion_ranked",
        motion=motion_intensity(frame[region] for frame in disturbed),
    )
    expected = np.tensordot(weights, np.stack([warp.warp(f.astype(np.float64), matrix, SIZE) for f in disturbed]), 1)
    np.testing.assert_allclose(rendered.di, expected, atol=1e-5 * np.abs(expected).max())


def test_a_followed_head_is_ranked_by_what_moves_in_its_crops(drifting):
    clip, _ = drifting
    rendered = render(clip, recipe("per-frame", scheme="motion_ranked"))
    assert rendered.di.any()
    assert (
        np.abs(rendered.di[0]).mean() < np.abs(render(clip, recipe("similarity", scheme="motion_ranked")).di[0]).mean()
    )


@pytest.mark.parametrize("align", ["similarity", "per-frame"])
def test_a_clip_is_magnified_at_its_own_frame_rate(drifting, align):
    clip, _ = drifting
    slow, fast = (dataclasses.replace(clip, sample=dataclasses.replace(clip.sample, fps=fps)) for fps in (50.0, 100.0))
    as_slow = recipe(align, scheme="magnified", magnify_band=(2.0, 8.0), magnify_alpha=10.0)
    as_fast = recipe(align, scheme="magnified", magnify_band=(4.0, 16.0), magnify_alpha=10.0)
    np.testing.assert_array_equal(render(slow, as_slow).di, render(fast, as_fast).di)
    assert (render(slow, as_slow).di != render(fast, as_slow).di).any()


def test_frames_that_change_while_they_are_ranked_are_not_mixed(drifting, tmp_path, monkeypatch):
    clip, _ = drifting
    folder = tmp_path / "clip"
    shutil.copytree(clip.path, folder)
    measure = rendering.motion_intensity

    def of_another_clip(frames):
        shutil.copy(folder / "1.png", folder / "8.png")
        return measure(frames)

    monkeypatch.setattr(rendering, "motion_intensity", of_another_clip)
    with pytest.raises(SampleError, match="clip-changed"):
        render(dataclasses.replace(clip, path=folder), recipe("similarity", scheme="motion_ranked"))


@pytest.mark.parametrize("scheme", ["arp", "motion_ranked"])
@pytest.mark.parametrize("align", ["similarity", "none"])
@pytest.mark.parametrize(
    "grey", [range(LENGTH), range(5), range(3, LENGTH), range(0)], ids=["all", "first", "last", "no"]
)
def test_grey_frames_give_the_images_of_three_equal_channels(clip_of, monkeypatch, align, grey, scheme):
    clip = clip_of(grey)
    wanted = {"aspect": "stretch"} if align == "none" else {"several_faces": "drop", "landmark_model": "0" * 64}
    chosen = Recipe(align=align, size=SIZE, flow="farneback", **wanted)
    rendered = render(clip, chosen)
    monkeypatch.setattr(rendering, "one_channel", lambda frame: None)
    expected = render(clip, chosen)
    assert rendered.di.any()
    for name in ("di", "frames", "transform", "flow"):
        np.testing.assert_array_equal(getattr(rendered, name), getattr(expected, name))
        assert getattr(rendered, name).dtype == getattr(expected, name).dtype
    assert rendered.frame_size == expected.frame_size


def test_frames_that_change_between_two_readings_are_not_mixed(drifting, tmp_path, monkeypatch):
    clip, _ = drifting
    folder = tmp_path / "clip"
    shutil.copytree(clip.path, folder)
    follow = rendering.smoothed

    def then_one_is_replaced(tracks):
        shutil.copy(folder / "1.png", folder / "0.png")
        return follow(tracks)

    monkeypatch.setattr(rendering, "smoothed", then_one_is_replaced)
    with pytest.raises(SampleError, match="clip-changed"):
        render(dataclasses.replace(clip, path=folder), recipe("per-frame"))
