"""What is more than its numbers, or less, is refused by everything that takes arrays."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

import mer_di
from mer_di.accumulate import Accumulator, weighted_sums
from mer_di.arguments import is_on_gpu, items, one_of, plain_array, texts, whole_number
from mer_di.errors import InputError
from mer_di.evaluation.metrics import bootstrap_intervals, per_subject
from mer_di.evaluation.significance import paired_tests, wilcoxon
from mer_di.imaging.flow import flow
from mer_di.imaging.warp import warp
from mer_di.rank_pooling import arp

FRAMES = np.random.default_rng(0).integers(0, 256, (9, 8, 10, 3), dtype=np.uint8)


class Labelled(np.ndarray):
    """An array with something about it."""


def gradients():
    return torch.from_numpy(FRAMES.astype(np.float32)).requires_grad_()


REFUSED = {
    "a mask": lambda: np.ma.masked_array(FRAMES, mask=FRAMES > 100),
    "masks in a list": lambda: [np.ma.masked_array(frame) for frame in FRAMES],
    "masks deep in lists": lambda: [[np.ma.masked_array(row) for row in frame] for frame in FRAMES],
    "a masked number": lambda: [[[1, np.ma.masked], [2, 3]]] * 9,
    "records": lambda: [frame[..., 0].view(np.recarray) for frame in FRAMES],
    "a subclass": lambda: FRAMES.view(Labelled),
    "gradients": gradients,
    "gradients in a list": lambda: [list(frame) for frame in gradients()],
    "a sparse tensor": lambda: torch.from_numpy(FRAMES).to_sparse(),
    "a sparse matrix": lambda: csr_matrix(FRAMES[0, ..., 0]),
    "sparse matrices": lambda: [csr_matrix(FRAMES[0, ..., 0])] * 9,
    "no memory": lambda: torch.zeros(9, 8, 8, device="meta"),
    "bfloat16": lambda: torch.from_numpy(FRAMES).to(torch.bfloat16),
    "complex": lambda: FRAMES.astype(complex),
    "bool": lambda: FRAMES > 100,
    "texts": lambda: FRAMES.astype(str),
    "objects": lambda: FRAMES.astype(object),
    "times": lambda: FRAMES.astype("datetime64[s]"),
    "ragged rows": lambda: [[[1], [2, 3]]] * 9,
    "ragged frames": lambda: [FRAMES[0], FRAMES[1][:3]] * 4 + [FRAMES[0]],
    "no axes": lambda: np.array(3),
    "no axes in torch": lambda: torch.tensor(3),
    "nothing": lambda: None,
    "a number": lambda: 3,
    "a text": lambda: "abc",
    "a mapping": lambda: {0: FRAMES[0]},
    "a class": lambda: int,
}
TAKERS = {
    "dynamic_image": mer_di.dynamic_image,
    "phase_dynamic_images": lambda value: mer_di.phase_dynamic_images(value, 4),
    "weighted_sums": lambda value: weighted_sums(value, arp(9)),
    "weights": lambda value: weighted_sums(FRAMES, value),
    "frame": lambda value: Accumulator([1, 2]).add(value),
    "normalize": lambda value: mer_di.normalize(value, "minmax"),
    "raw": lambda value: mer_di.normalize(value, "raw"),
    "unit-weight": lambda value: mer_di.normalize(FRAMES[0], "unit-weight", weights=value),
    "scheme": lambda value: mer_di.dynamic_image(FRAMES, scheme=value),
    "normalization": lambda value: mer_di.dynamic_image(FRAMES, normalization=value),
    "labels": lambda value: per_subject(value, [0] * 9, ["s"] * 9),
    "subjects": lambda value: bootstrap_intervals([0] * 9, [0] * 9, value, 2),
    "hits": lambda value: paired_tests(value, [True] * 9, ["s"] * 9),
    "differences": wilcoxon,
    "key frame": lambda value: flow(value, FRAMES[0], engine="farneback"),
    "image": lambda value: warp(value, np.eye(2, 3), 8),
    "matrix": lambda value: warp(FRAMES[0], value, 8),
    "backend": lambda value: mer_di.dynamic_image(FRAMES, backend=value),
}


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("value", REFUSED)
def test_values_that_are_no_plain_numbers_are_refused_everywhere(value, taker):
    with pytest.raises(InputError):  # and no warning, which pytest makes an error
        TAKERS[taker](REFUSED[value]())


MASKS = {
    "labels": ([0, 1, 0], lambda value: per_subject(value, [0] * 3, ["s"] * 3)),
    "subjects": (["a", "b", "b"], lambda value: per_subject([0] * 3, [0] * 3, value)),
    "subjects drawn": (["a", "b", "b"], lambda value: bootstrap_intervals([0] * 3, [0] * 3, value, 2)),
    "hits": ([True, True, False], lambda value: paired_tests(value, [True] * 3, ["s"] * 3)),
    "people": (["a", "b", "b"], lambda value: paired_tests([True] * 3, [False] * 3, value)),
    "differences": ([0.5, 1.0, -0.25], wilcoxon),
    "key frame": (FRAMES[0], lambda value: flow(FRAMES[0], value, engine="farneback")),
    "image": (FRAMES[0], lambda value: warp(value, np.eye(2, 3), 8)),
    "matrix": (np.eye(2, 3), lambda value: warp(FRAMES[0], value, 8)),
}


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_is_refused_where_its_shape_would_do(name):
    values, taker = MASKS[name]
    with pytest.raises(InputError, match="means more than its numbers"):
        taker(np.ma.masked_array(values))


@pytest.mark.parametrize("names", [[["a", "b"]], "ab", [["a"], ["b", "c"]]])
def test_names_are_a_list_of_them(names):
    with pytest.raises(InputError, match="subjects: found a "):
        texts("subjects", names)


@pytest.mark.parametrize("apex", [None, True, 4.0, "4", [4], np.array([4, 5])])
def test_an_apex_is_one_whole_number(apex):
    with pytest.raises(InputError, match=r"apex is .*expected an integer"):
        mer_di.phase_dynamic_images(FRAMES, apex)


def test_weights_that_are_not_finite_are_no_unit():
    for row in ([np.nan], [1.0, np.inf], []):
        with pytest.raises(InputError, match="finite"):
            mer_di.normalize(FRAMES[0], "unit-weight", weights=row)


def test_plain_arrays_of_others_are_taken(tmp_path):
    stored = np.memmap(tmp_path / "frames", FRAMES.dtype, "w+", shape=FRAMES.shape)
    stored[:] = FRAMES
    expected = mer_di.dynamic_image(FRAMES)
    for frames in (stored, torch.from_numpy(FRAMES), list(FRAMES), iter(FRAMES), FRAMES.astype(float).tolist()):
        assert np.array_equal(mer_di.dynamic_image(frames), expected)
    assert plain_array("it", FRAMES) is FRAMES


def test_what_is_refused_is_named():
    with pytest.raises(InputError, match=r"weights: found a numpy\.ma\.MaskedArray, which means more"):
        weighted_sums(FRAMES, np.ma.masked_array(arp(9)))
    with pytest.raises(InputError, match=r"frames: found a Tensor .*detach\(\)"):
        weighted_sums(gradients(), arp(9))
    with pytest.raises(InputError, match="frames: found a NoneType"):
        items("frames", None)
    with pytest.raises(InputError, match=r"size is 2\.5; expected an integer of at least 1"):
        whole_number("size", 2.5, at_least=1)
    with pytest.raises(InputError, match=r"kind is \['a'\]; expected one of a, b"):
        one_of("kind", ["a"], ("a", "b"))


def test_a_tensor_on_a_gpu_that_carries_gradients_is_refused():
    class OnGpu:
        @property
        def __cuda_array_interface__(self):
            raise RuntimeError("Can't get __cuda_array_interface__ on Variable that requires grad")

    with pytest.raises(InputError, match="requires grad"):
        is_on_gpu("frames", OnGpu())
