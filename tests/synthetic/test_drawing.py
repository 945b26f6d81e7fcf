"""The pictures: who is seen, what moves, where, how far and when."""

from dataclasses import replace

import cv2
import dlib
import numpy as np
import pytest

from mer_di.synthetic.drawing import CASME2_CROPPED, CASME2_RAW, MMEW, SAMM, film, stage

# Bands of MMEW's registered frames, as fractions of the height: the eyes are at 0.39 in every face.
BROWS, MOUTH, TOP = slice(0.18, 0.38), slice(0.60, 0.85), slice(0.0, 0.08)


def still(emotion, subject, take=1, camera=MMEW):
    """A take whose only change is the expression: no noise, no drift, no flicker."""
    staged = stage(emotion, subject=subject, take=take, seed=0, camera=replace(camera, noise=0.0))
    return replace(staged, drift=np.zeros_like(staged.drift), light=np.ones_like(staged.light))


def grey(staged, positions):
    return [frame.mean(axis=-1) for frame in film(staged, positions)]


def apex_change(staged):
    onset, apex = (grey(staged, range(at, at + 1))[0] for at in (staged.onset, staged.apex))
    return np.abs(apex - onset)


def band(image, where):
    height = len(image)
    return image[round(where.start * height) : round(where.stop * height)].mean()


@pytest.mark.parametrize("other", [{"subject": 3}, {"take": 2}, {"seed": 5}, {"emotion": "happiness"}])
def test_each_number_draws_another_clip(other):
    numbers = {"emotion": "surprise", "subject": 2, "take": 1, "seed": 4, "camera": MMEW}
    a, b = stage(**numbers), stage(**{**numbers, **other})
    assert a.noise_seed != b.noise_seed
    assert (a.person == b.person) == (other.keys() <= {"take", "emotion"})


def test_any_frame_can_be_drawn_alone():
    staged = stage("fear", subject=1, take=1, seed=0, camera=MMEW)
    whole = list(film(staged, range(10)))
    np.testing.assert_array_equal(next(film(staged, range(7, 8))), whole[7])


@pytest.mark.parametrize(("emotion", "subject"), [("happiness", 1), ("surprise", 2), ("disgust", 3), ("sadness", 4)])
def test_the_apex_is_where_the_change_peaks(emotion, subject):
    staged = still(emotion, subject)
    frames = grey(staged, range(staged.length))
    change = np.array([np.abs(frame - frames[staged.onset]).mean() for frame in frames])
    assert change.argmax() == staged.apex
    assert (np.diff(change[staged.onset : staged.apex + 1]) >= -1e-3).all(), "rises"
    assert (np.diff(change[staged.apex : staged.offset + 1]) <= 1e-3).all(), "fades"
    assert change[staged.offset] < 0.35 * change[staged.apex]


@pytest.mark.parametrize(
    ("emotion", "subject"), [("happiness", 1), ("surprise", 2), ("disgust", 3), ("sadness", 1), ("contempt", 5)]
)
def test_the_amplitude_is_what_optical_flow_measures(emotion, subject):
    staged = still(emotion, subject)
    onset, apex = (next(film(staged, range(at, at + 1))).mean(axis=-1) for at in (staged.onset, staged.apex))
    flow = cv2.calcOpticalFlowFarneback(onset.astype(np.uint8), apex.astype(np.uint8), None, 0.5, 3, 11, 5, 5, 1.1, 0)
    assert np.hypot(flow[..., 0], flow[..., 1]).max() == pytest.approx(staged.amplitude, rel=0.15)
    assert 1.0 <= staged.amplitude <= 2.0


def test_movements_grow_with_the_face():
    amplitudes = [
        stage("fear", subject=1, take=1, seed=0, camera=camera).amplitude for camera in (MMEW, CASME2_RAW, SAMM)
    ]
    distances = [camera.eye_distance for camera in (MMEW, CASME2_RAW, SAMM)]
    np.testing.assert_allclose(np.divide(amplitudes, distances), amplitudes[0] / distances[0])


@pytest.mark.parametrize("subject", [1, 2])
def test_motion_is_where_the_action_units_are(subject):
    smile, surprise = apex_change(still("happiness", subject)), apex_change(still("surprise", subject))
    assert band(smile, MOUTH) > 4 * band(smile, BROWS)
    assert band(surprise, BROWS) > 4 * band(surprise, MOUTH)
    assert band(smile, TOP) < 0.01
    assert band(surprise, TOP) < 0.5


def test_one_sided_action_units_move_the_persons_own_side():
    takes = [still("contempt", 1, take) for take in range(1, 6)]
    for side in "LR":
        staged = next(take for take in takes if all(code.startswith(side) for code in take.expression.action_units))
        change = apex_change(staged)
        halves = {"R": change[:, :105].mean(), "L": change[:, 126:].mean()}  # the person's right is the picture's left
        assert halves[side] > 5 * halves["L" if side == "R" else "R"]


def test_noise_light_and_drift_are_there_but_smaller_than_a_pixel():
    staged = stage("others", subject=1, take=1, seed=0, camera=CASME2_CROPPED)
    frames = [frame[:40].astype(float) for frame in film(staged, range(2))]  # before the onset
    assert 0.8 < (frames[1] - frames[0]).std() / np.sqrt(2) < 2.5
    assert 0 < np.abs(np.diff(staged.drift[:, :2], axis=0)).max() < 0.2
    assert np.ptp(staged.drift[:, :2], axis=0).max() < 2.5
    assert 0 < np.abs(staged.light - 1).max() < 0.05


def test_people_differ_more_than_their_clips():
    def face(subject, emotion):
        frame = grey(still(emotion, subject), range(1))[0]
        return cv2.GaussianBlur(frame, (0, 0), 3)[60:200, 50:180]

    within = np.abs(face(1, "anger") - face(1, "fear")).mean()
    among = [np.abs(face(1, "anger") - face(other, "anger")).mean() for other in (2, 3, 4)]
    assert min(among) > 2 * within


@pytest.mark.parametrize(("camera", "subject"), [(CASME2_RAW, 1), (CASME2_RAW, 4), (SAMM, 2), (SAMM, 3)])
def test_dlib_finds_one_face(camera, subject):
    frame = next(film(stage("others", subject=subject, take=1, seed=0, camera=camera), range(1)))
    assert frame.shape[:2] == (camera.height, camera.width)
    scale = min(1.0, 640 / camera.width)
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    (box,) = dlib.get_frontal_face_detector()(small, 0)
    assert 1.5 < box.width() / (camera.eye_distance * scale) < 3.5


@pytest.mark.parametrize("camera", [CASME2_CROPPED, SAMM, MMEW])
def test_lengths_are_real_and_say_nothing_of_the_emotion(camera):
    takes = 40
    staged = {
        emotion: [stage(emotion, subject=1, take=take, seed=0, camera=camera) for take in range(takes)]
        for emotion in ("happiness", "surprise", "disgust", "sadness", "others")
    }
    shortest, median, longest = camera.lengths
    spans = np.array([[take.offset - take.onset + 1 for take in some] for some in staged.values()])
    shares = np.array(
        [[(take.apex - take.onset) / (take.offset - take.onset) for take in some] for some in staged.values()]
    )
    assert shortest <= spans.min() < median < spans.max() <= longest
    assert np.median(spans) == pytest.approx(median, rel=0.1)
    assert 0.15 < shares.min() < shares.max() < 0.85
    for values in (np.log(spans), shares):
        standard_error = values.std() / np.sqrt(takes)
        assert np.abs(values.mean(axis=1) - values.mean()).max() < 3.5 * standard_error
    for take in (take for some in staged.values() for take in some):
        assert take.apex - take.onset >= 2
        assert take.offset - take.apex >= 2
        assert take.offset < take.length


def test_hand_made_crops_vary_in_size():
    sizes = {
        (staged.width, staged.height)
        for staged in (stage("fear", subject=1, take=take, seed=0, camera=CASME2_CROPPED) for take in range(8))
    }
    assert len(sizes) > 4
    assert all(abs(width - 280) <= 16 and abs(height - 340) <= 16 for width, height in sizes)
