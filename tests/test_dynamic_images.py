"""Dynamic images: the algebra of the formulas, agreement with the authors' program, and the normalizations."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from weight_formulas import FORMULAS, ZERO_SUM

from mer_di.dynamic_images import NORMALIZATIONS, PhaseImages, dynamic_image, normalize, phase_dynamic_images
from mer_di.errors import InputError
from mer_di.rank_pooling import Magnification, arp, harmonic_arp, magnified, motion_ranked, phase_weights

APEX = 1  # only apex_centred looks at it
shapes = st.tuples(st.integers(2, 20), st.integers(1, 5), st.integers(1, 5)) | st.tuples(
    st.integers(2, 20), st.integers(1, 4), st.integers(1, 4), st.just(3)
)
clips = shapes.flatmap(lambda shape: hnp.arrays(np.uint8, shape))


def random_clip(n, *shape, seed=0, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape)).astype(dtype)


# Whole clips


@given(clips)
def test_arp_is_the_sum_of_all_later_minus_earlier_differences(frames):
    signed = frames.astype(np.int64)
    expected = sum(signed[k] - signed[j] for k in range(len(frames)) for j in range(k))
    assert np.array_equal(dynamic_image(frames), expected)


@given(clips)
def test_arp_of_the_reversed_clip_is_the_negative(frames):
    assert np.array_equal(dynamic_image(frames[::-1]), -dynamic_image(frames))


@pytest.mark.parametrize("scheme", sorted(FORMULAS.keys() - {"motion_ranked"}))
@given(frames=clips)
def test_linear_in_the_frames(scheme, frames):
    first, second = frames.astype(np.int32), frames[::-1, ::-1].astype(np.int32)
    together = dynamic_image(3 * first - 2 * second, scheme=scheme, apex=APEX)
    apart = 3 * dynamic_image(first, scheme=scheme, apex=APEX) - 2 * dynamic_image(second, scheme=scheme, apex=APEX)
    np.testing.assert_allclose(together, apart, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("scheme", ZERO_SUM)
@pytest.mark.parametrize("length", [None, 7])
@given(frames=clips)
def test_what_all_frames_have_in_common_changes_nothing(scheme, length, frames):
    common = random_clip(1, *frames.shape[1:], dtype=np.uint16)
    moved = dynamic_image(frames + common, scheme=scheme, temporal_length=length, apex=APEX)
    assert np.array_equal(
        moved, dynamic_image(frames.astype(np.uint16), scheme=scheme, temporal_length=length, apex=APEX)
    )


@pytest.mark.parametrize("scheme", ZERO_SUM)
@pytest.mark.parametrize("length", [None, 10])
@pytest.mark.parametrize("n", [2, 3, 17, 34])
def test_a_motionless_clip_is_exactly_zero(scheme, length, n):
    frames = np.broadcast_to(random_clip(1, 6, 5, 3), (n, 6, 5, 3))
    assert not dynamic_image(frames, scheme=scheme, temporal_length=length, apex=APEX).any()
    if n > 2:
        assert not np.any(phase_dynamic_images(frames, n // 2, scheme=scheme, temporal_length=length))


def test_the_legacy_port_shows_a_motionless_face():
    frame = random_clip(1, 4, 5)
    image = dynamic_image(np.repeat(frame, 7, axis=0), scheme="harmonic_legacy")
    assert np.array_equal(image, 7.0 * frame[0])


@pytest.mark.parametrize("clip", ["grid_swiz3n_12f", "grid_bbaf2n_30f"])
def test_the_authors_program_computes_the_same(media, clip):
    folder = media / "di_reference" / clip
    files = sorted((folder / "frames").glob("*.png"))
    frames = [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in files]
    image = dynamic_image(frames, scheme="harmonic_arp")
    np.testing.assert_allclose(image, np.load(folder / "di_raw_f32_RGB.npy"), rtol=1e-5, atol=0.05)
    shown = cv2.cvtColor(cv2.imread(str(folder / "di_visualised_rgb.png")), cv2.COLOR_BGR2RGB)
    assert np.abs(normalize(image, "minmax").astype(int) - shown).max() <= 1


def test_a_clip_too_long_for_int32_is_exact():
    n = 5900
    frames = (np.arange(2 * n).reshape(n, 1, 2) >= n).astype(np.uint8) * 255
    image = dynamic_image(frames)
    assert image.dtype == np.int64
    assert image.tolist() == [[255 * (n // 2) ** 2] * 2]


def test_integers_stay_integers():
    frames = random_clip(6, 4, 3)
    assert dynamic_image(frames).dtype == np.int32
    assert dynamic_image(frames, scheme="active_image").dtype == np.int32
    assert dynamic_image(frames, scheme="harmonic_arp").dtype == np.float64
    assert dynamic_image(frames, temporal_length=4).dtype == np.float64
    assert dynamic_image(frames.astype(np.float32)).dtype == np.float64


def test_temporal_length_weighs_the_resampled_clip():
    frames = random_clip(9, 4, 3)
    position = np.linspace(0, 8, 6)
    below = np.floor(position).astype(int)
    share = (position - below)[:, None, None]
    resampled = (1 - share) * frames[below] + share * frames[np.minimum(below + 1, 8)]
    expected = np.tensordot(arp(6), resampled, 1)
    np.testing.assert_allclose(dynamic_image(frames, temporal_length=6), expected, atol=1e-9)


@pytest.mark.parametrize(
    "given_as", [list, iter, lambda f: (frame for frame in f), lambda f: tuple(f[:, :, ::-1][:, :, ::-1])]
)
def test_any_iterable_of_frames(given_as):
    frames = random_clip(7, 4, 5, 3)
    assert np.array_equal(dynamic_image(given_as(frames)), dynamic_image(frames))
    given, expected = phase_dynamic_images(given_as(frames), 3), phase_dynamic_images(frames, 3)
    assert np.array_equal(given, expected)


@pytest.mark.parametrize("n", [0, 1])
def test_one_frame_shows_no_motion(n):
    with pytest.raises(InputError, match=rf"the clip has {n} frame\(s\); .* at least 2"):
        dynamic_image(random_clip(n, 4, 5))


def test_a_clip_is_weighed_around_its_apex_when_it_is_told():
    frames = random_clip(7, 4, 5)
    weights = np.array([-4, 0, 4, 6, 2, -2, -6])
    expected = np.tensordot(weights, frames.astype(np.int64), 1)
    assert np.array_equal(dynamic_image(frames, scheme="apex_centred", apex=3), expected)
    with pytest.raises(InputError, match="say where it is"):
        dynamic_image(frames, scheme="apex_centred")


@given(frames=clips)
def test_frames_are_ranked_by_their_mean_difference_from_the_first(frames):
    motion = [int(np.abs(frame.astype(int) - frames[0]).sum()) for frame in frames]
    expected = np.tensordot(motion_ranked(len(frames), motion), frames.astype(np.int64), 1)
    assert np.array_equal(dynamic_image(frames, scheme="motion_ranked"), expected)
    assert np.array_equal(dynamic_image(iter(frames), scheme="motion_ranked"), expected)  # read once, and kept


def test_a_clip_is_pooled_as_if_it_were_magnified():
    frames, magnification = random_clip(9, 4, 5), Magnification(12, 0.02, 0.2)
    expected = np.tensordot(magnified(9, magnification), frames.astype(float), 1)
    found = dynamic_image(frames, scheme="magnified", magnification=magnification)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-9)
    with pytest.raises(InputError, match="needs one, with its band and its factor"):
        dynamic_image(frames, scheme="magnified")
    with pytest.raises(InputError, match="no other scheme takes one"):
        dynamic_image(frames, magnification=magnification)


# Phases


def test_phases_by_the_papers_equations():
    frames = random_clip(9, 4, 5, 3).astype(np.int64)
    rising, fading = frames[:4], frames[3:]  # the apex, index 3, belongs to both
    onset = sum((2 * t - 4 - 1) * frame for t, frame in enumerate(rising, start=1))
    offset = sum((6 + 1 - 2 * t) * frame for t, frame in enumerate(fading, start=1))
    images = phase_dynamic_images(frames.astype(np.uint8), 3)
    assert isinstance(images, PhaseImages)
    assert np.array_equal(images.onset, onset)
    assert np.array_equal(images.offset, offset)


@pytest.mark.parametrize("scheme", sorted(FORMULAS.keys() - {"motion_ranked"}))
@pytest.mark.parametrize("length", [None, 6])
def test_the_offset_image_is_the_image_of_the_reversed_phase(scheme, length):
    frames = random_clip(11, 4, 5)
    images = phase_dynamic_images(frames, 4, scheme=scheme, temporal_length=length)
    rising, fading = frames[:5], frames[:3:-1]
    options = {"scheme": scheme, "temporal_length": length}
    assert np.array_equal(images.onset, dynamic_image(rising, apex=len(rising) - 1, **options))
    assert np.array_equal(images.offset, dynamic_image(fading, apex=len(fading) - 1, **options))


def test_phases_of_a_bell_are_ranked_by_motion_as_they_are_by_time():
    frames = np.array([0, 3, 5, 9, 6, 1], np.uint8)[:, None, None] * np.array([[1, 2], [0, 1]], np.uint8)
    ranked, paper = (phase_dynamic_images(frames, 3, scheme=scheme) for scheme in ("motion_ranked", "arp"))
    assert np.array_equal(ranked, paper)


def test_the_images_to_be_expected_are_the_mean_over_apexes():
    frames = random_clip(6, 3, 4)
    images = {apex: phase_dynamic_images(frames, apex) for apex in (1, 2, 3, 4)}
    density = {apex: np.exp(-((apex - 2) ** 2) / 2) for apex in images}
    for stream in (0, 1):
        expected = sum(density[apex] * images[apex][stream] for apex in images) / sum(density.values())
        found = phase_dynamic_images(frames, 2, apex_sigma=1.0)[stream]
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-4)
    assert np.array_equal(phase_dynamic_images(frames, 2, apex_sigma=0.1), images[2])


def test_phases_are_those_of_the_magnified_clip():
    frames, magnification = random_clip(8, 2, 3), Magnification(12, 0.02, 0.2)
    rows = phase_weights(8, range(4), range(3, 8), scheme="magnified", magnification=magnification)
    expected = np.tensordot(rows[:2], frames.astype(float), 1)
    found = phase_dynamic_images(frames, 3, scheme="magnified", magnification=magnification)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-9)


def test_reversal_by_sign_negates_the_image_of_the_phase():
    frames = random_clip(11, 4, 5)
    by_sign = phase_dynamic_images(frames, 4, scheme="harmonic_arp", reversal="sign").offset
    assert np.array_equal(by_sign, -dynamic_image(frames[4:], scheme="harmonic_arp"))
    assert not np.array_equal(by_sign, phase_dynamic_images(frames, 4, scheme="harmonic_arp").offset)


@pytest.mark.parametrize(("apex_in", "phases"), [("both", (5, 4)), ("onset", (5, 5)), ("offset", (4, 4))])
def test_the_apex_belongs_where_it_is_said_to(apex_in, phases):
    frames = random_clip(9, 3, 3)
    images = phase_dynamic_images(frames, 4, apex_in=apex_in)
    assert np.array_equal(images.onset, dynamic_image(frames[: phases[0]]))
    assert np.array_equal(images.offset, -dynamic_image(frames[phases[1] :]))


def test_each_phase_is_normalized_for_itself():
    frames = random_clip(9, 3, 3)
    for mode in NORMALIZATIONS:
        images = phase_dynamic_images(frames, 4, normalization=mode)
        assert np.array_equal(images.onset, dynamic_image(frames[:5], normalization=mode))
        assert np.array_equal(images.offset, dynamic_image(frames[:3:-1], normalization=mode))


@pytest.mark.parametrize(
    ("apex", "options", "message"),
    [
        (-1, {}, "apex -1 lies outside onset..offset = 0..5"),
        (6, {}, "apex 6 lies outside onset..offset = 0..5"),
        (0, {}, r"phase onset→apex has 1 frame\(s\)"),
        (5, {}, r"phase apex→offset has 1 frame\(s\)"),
        (1, {"apex_in": "offset"}, r"phase onset→apex has 1 frame\(s\)"),
        (4, {"apex_in": "onset"}, r"phase apex→offset has 1 frame\(s\)"),
        (2.0, {}, "apex is 2.0; expected an integer"),
        (None, {}, "apex is None"),
        (2, {"apex_in": "neither"}, "apex_in is 'neither'"),
        (2, {"reversal": "space"}, "reversal is 'space'"),
        (2, {"scheme": "bilen"}, "scheme is 'bilen'; expected one of arp, reversed_arp, harmonic_arp"),
        (2, {"normalization": "minmax255"}, "normalization is 'minmax255'; expected one of raw, "),
        (2, {"temporal_length": 0}, "temporal_length is 0; expected an integer"),
        (2, {"backend": "gpu"}, "backend is 'gpu'"),
    ],
)
def test_what_makes_no_phase_images(apex, options, message):
    with pytest.raises(InputError, match=message):
        phase_dynamic_images(random_clip(6, 3, 3), apex, **options)


def test_the_normalization_is_checked_before_the_frames_are_read():
    def frames():
        raise AssertionError("read")
        yield

    with pytest.raises(InputError, match="normalization is 'none'"):
        dynamic_image(frames(), normalization="none")


# Normalizations

images = hnp.arrays(
    np.int32, st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3)), elements=st.integers(-(10**6), 10**6)
)


def test_raw_is_unchanged():
    image = np.array([[-5, 7]], np.int32)
    assert normalize(image, "raw") is image


@given(images)
def test_minmax_is_joint_over_channels(image):
    shown = normalize(image, "minmax")
    low, high = int(image.min()), int(image.max())
    expected = [round(255 * (x - low) / (high - low)) if high > low else 0 for x in image.ravel().tolist()]
    assert shown.dtype == np.uint8
    assert shown.ravel().tolist() == expected


@given(images)
def test_minmax_channel_is_minmax_of_each_channel(image):
    shown = normalize(image, "minmax-channel")
    for c in range(image.shape[2]):
        assert np.array_equal(shown[..., c], normalize(image[..., c], "minmax"))


@given(images)
def test_reversal_under_minmax_is_the_photographic_negative(image):
    negative = 255 - normalize(image, "minmax").astype(int)
    if image.min() < image.max():
        assert np.abs(normalize(-image, "minmax") - negative).max() <= 1


@given(images)
def test_symmetric_keeps_zero_at_128_and_the_sign(image):
    shown = normalize(image, "symmetric")
    largest = int(np.abs(image).max())
    expected = [128 + round(127 * x / largest) if largest else 128 for x in image.ravel().tolist()]
    assert shown.dtype == np.uint8
    assert shown.ravel().tolist() == expected
    assert np.array_equal(normalize(-image, "symmetric"), 256 - shown.astype(int))


@given(images)
def test_l2_has_norm_one(image):
    unit = normalize(image, "l2")
    assert unit.dtype == np.float32
    norm = np.linalg.norm(unit.astype(np.float64))
    assert norm == pytest.approx(1, rel=1e-6) if image.any() else norm == 0


@pytest.mark.parametrize("weights", [arp(7), harmonic_arp(7)])
def test_unit_weight_is_in_grey_levels_whatever_the_length(weights):
    """A step of 40 grey levels between the frames of negative and of positive weight."""
    frames = np.where(weights > 0, 140, 100)[:, None, None].astype(np.uint8)
    image = np.tensordot(weights, frames, 1)
    shown = normalize(image, "unit-weight", weights=weights)
    assert shown.dtype == np.float32
    assert shown.item() == pytest.approx(40, rel=1e-6)


@pytest.mark.parametrize("image", [np.zeros((3, 4), np.int32), np.zeros((3, 4, 3)), np.full((3, 4, 3), -7)])
def test_images_without_contrast(image):
    assert not normalize(image, "minmax").any()
    assert not normalize(image, "minmax-channel").any()
    if not image.any():
        assert (normalize(image, "symmetric") == 128).all()
        assert not normalize(image, "l2").any()
        assert not normalize(image, "unit-weight", weights=[0, 0]).any()


def test_a_motionless_clip_under_every_normalization():
    frames = np.repeat(random_clip(1, 4, 5, 3), 6, axis=0)
    nothing = {mode: set(dynamic_image(frames, normalization=mode).ravel().tolist()) for mode in NORMALIZATIONS}
    assert nothing == {mode: {128} if mode == "symmetric" else {0} for mode in NORMALIZATIONS}


@pytest.mark.parametrize(
    ("image", "mode", "options", "message"),
    [
        (np.zeros((2, 2)), "min-max", {}, "normalization is 'min-max'; expected one of raw, "),
        (np.zeros((2, 2)), "unit-weight", {}, "divides by the weights"),
        (np.zeros((2, 2)), "unit-weight", {"weights": np.zeros((2, 3))}, r"weights have shape \(2, 3\)"),
        (np.zeros(3), "minmax", {}, r"image has shape \(3,\)"),
        (np.zeros((0, 3)), "minmax", {}, r"image has shape \(0, 3\)"),
        (np.zeros((2, 2), complex), "minmax", {}, "array of complex128"),
        (np.array([[np.nan, 1]]), "minmax", {}, "not finite"),
        (np.array([[np.inf, 1]]), "symmetric", {}, "not finite"),
    ],
)
def test_what_cannot_be_normalized(image, mode, options, message):
    with pytest.raises(InputError, match=message):
        normalize(image, mode, **options)
