"""The cache as training sees it, against the formulas of its normalizations."""

import pickle

import h5py
import numpy as np
import pytest
import torch
from tiny_cache import write_tiny_cache
from torch.utils.data import DataLoader

from mer_di.cache import Entry, Provenance, RenderedClip, open_cache, write_cache
from mer_di.errors import CacheError, InputError
from mer_di.flow_maps import flow_map
from mer_di.rank_pooling import arp, phase_weights
from mer_di.recipe import Recipe
from mer_di.torch_dataset import GREY_LEVELS, STRAIN, DynamicImageDataset, LabelledImages
from mer_di.weighing import recipe_weights

STREAMS = ("onset", "offset", "full")
NORMALIZATIONS = ("unit-weight", "symmetric", "minmax", "l2")
LENGTHS = ((3, 5), (2, 2), (9, 4))  # frames of onset→apex and apex→offset


def write(path, di, moved=None, **recipe):
    """Write a cache of dynamic images (N, 3, S, S, 3) whose clips have the lengths above in turn."""
    size = di.shape[2]
    clips = [clip(index, image, None if moved is None else moved[index]) for index, image in enumerate(di)]
    recipe = Recipe(**{"align": "none", "aspect": "stretch", "size": size} | recipe)
    write_cache(path, Provenance("tiny", "0" * 64, "1", recipe), clips, {})
    return path


def clip(index, di, flow=None):
    onset_length, offset_length = LENGTHS[index % len(LENGTHS)]
    emotion = ("happiness", "surprise")[index % 2]
    text = {
        "clip": f"c{index}",
        "emotion": emotion,
        "emotion_written": emotion,
        "action_units": "",
        "objective_class": "",
    }
    numbers = {"onset": 1, "apex": 2, "offset": 3}
    lengths = {"onset_length": onset_length, "offset_length": offset_length}
    name = {"sample_id": f"s{index}/c{index}", "subject": f"s{index}", "apex_source": "table"}
    frames = np.zeros((3, *di.shape[1:]), np.uint8)
    entry = Entry(name | text | numbers | lengths, 100.0)
    return entry, RenderedClip(di.astype(np.float32), frames, np.eye(2, 3), (8, 8), flow=flow)


@pytest.fixture
def di():
    return np.random.default_rng(0).normal(0, 100, (4, 3, 6, 6, 3)).astype(np.float32)


def channels_first(image):
    return np.moveaxis(image.astype(np.float64), -1, -3)


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"apex_in": "onset"},
        {"scheme": "harmonic_arp"},
        {"scheme": "harmonic_arp", "reversal": "sign", "temporal_length": 7},
        {"scheme": "active_image", "apex_in": "offset", "temporal_length": 4},
    ],
)
def test_unit_weight_divides_by_half_the_weights_of_each_clip_and_stream(tmp_path, di, recipe):
    dataset = DynamicImageDataset(write(tmp_path / "c.h5", di, **recipe), STREAMS)
    shared = recipe.get("apex_in", "both") == "both"
    weighing = {key: value for key, value in recipe.items() if key != "apex_in"}
    for index in range(len(di)):
        rising, fading = LENGTHS[index % len(LENGTHS)]
        frames = rising + fading - shared
        rows = phase_weights(frames, range(rising), range(frames - fading, frames), **weighing)
        expected = channels_first(di[index]) / (np.abs(rows).sum(axis=1) / 2)[:, None, None, None] / GREY_LEVELS
        np.testing.assert_allclose(dataset[index][0].numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "recipe",
    [
        {"scheme": "apex_centred"},
        {"scheme": "motion_ranked"},
        {"scheme": "magnified", "magnify_band": (3.0, 12.0), "magnify_alpha": 8.0, "apex_in": "offset"},
        {"apex_sigma": 1.5},
        {"apex_sigma": 2.0, "scheme": "harmonic_arp", "apex_in": "onset", "temporal_length": 6},
    ],
)
def test_unit_weight_divides_by_half_of_the_weights_that_depend_on_more_than_the_length(tmp_path, di, recipe):
    """Of frames that were ranked by motion the order is not known to the cache, and does not matter."""
    dataset = DynamicImageDataset(write(tmp_path / "c.h5", di, **recipe), STREAMS)
    made = Recipe(align="none", aspect="stretch", **recipe)
    for index in range(len(di)):
        rising, fading = LENGTHS[index % len(LENGTHS)]
        frames = rising + fading - (made.apex_in == "both")
        motion = np.random.default_rng(index).permutation(frames) if made.scheme == "motion_ranked" else None
        rows = recipe_weights(made, frames, rising - (made.apex_in != "offset"), fps=100.0, motion=motion)
        expected = channels_first(di[index]) / (np.abs(rows).sum(axis=1) / 2)[:, None, None, None] / GREY_LEVELS
        np.testing.assert_allclose(dataset[index][0].numpy(), expected, rtol=1e-6)


def test_unit_weight_is_a_difference_of_mean_grey_levels(tmp_path):
    """A step of 16 grey levels in the middle of a clip of T = 2 frames: the raw sum is 16, and 16 grey levels are 2."""
    di = np.full((2, 3, 4, 4, 3), 16)
    dataset = DynamicImageDataset(write(tmp_path / "c.h5", di), ("offset",))
    assert torch.equal(dataset[1][0], torch.full((1, 3, 4, 4), 2.0))


@pytest.mark.parametrize("normalization", NORMALIZATIONS[1:])
def test_the_other_normalizations(tmp_path, di, normalization):
    def formula(x):
        if normalization == "symmetric":
            return x / np.abs(x).max()
        if normalization == "minmax":
            return 2 * (x - x.min()) / (x.max() - x.min()) - 1
        return x / np.sqrt(np.mean(x**2))

    dataset = DynamicImageDataset(write(tmp_path / "c.h5", di), STREAMS, normalization=normalization)
    for index, images in enumerate(di):
        expected = np.stack([formula(channels_first(image)) for image in images])
        np.testing.assert_allclose(dataset[index][0].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("scheme", ["arp", "active_image"])
def test_no_motion_is_zero_in_every_normalization(tmp_path, normalization, scheme):
    path = write(tmp_path / "c.h5", np.zeros((2, 3, 4, 4, 3)), scheme=scheme)
    images = DynamicImageDataset(path, normalization=normalization).load().images
    assert torch.equal(images, torch.zeros(2, 2, 3, 4, 4))


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_a_sample_does_not_depend_on_any_other(tmp_path, di, normalization):
    """The guard against statistics that leak from a held-out subject."""
    changed = di.copy()
    changed[2:] = 1e4 * np.random.default_rng(1).normal(size=di[2:].shape)
    ours, theirs = (
        DynamicImageDataset(write(tmp_path / name, images), normalization=normalization, size=5).load().images
        for name, images in (("a.h5", di), ("b.h5", changed))
    )
    assert torch.equal(ours[:2], theirs[:2])
    assert not torch.equal(ours[2:], theirs[2:])


@pytest.fixture
def flow():
    """Of four clips, (4, 2, 16, 16, 3)."""
    displacement = np.random.default_rng(3).normal(0, 2, (4, 2, 16, 16, 2))
    strain = np.random.default_rng(4).exponential(0.05, (4, 2, 16, 16, 1))
    return np.concatenate([displacement, strain], axis=-1).astype(np.float32)


def write_flow(path, flow):
    di = np.random.default_rng(0).normal(0, 100, (len(flow), 3, *flow.shape[2:])).astype(np.float32)
    return write(path, di, flow, flow="ilk")


@pytest.mark.parametrize(
    ("normalization", "formula"),
    [
        ("symmetric", lambda x: x / np.abs(x).max()),
        ("minmax", lambda x: 2 * (x - x.min()) / (x.max() - x.min()) - 1),
        ("l2", lambda x: x / np.sqrt(np.mean(x**2))),
    ],
)
def test_displacements_share_a_scale_and_strain_has_its_own(tmp_path, flow, normalization, formula):
    path = write_flow(tmp_path / "c.h5", flow)
    dataset = DynamicImageDataset(path, ("flow_onset", "flow_offset"), normalization=normalization)
    for index in range(len(flow)):
        for number in range(2):
            image = channels_first(flow[index, number])
            expected = np.concatenate([formula(image[:2]), formula(image[2:])])
            np.testing.assert_allclose(dataset[index][0][number].numpy(), expected, atol=1e-5)


def test_unit_weight_of_flow_is_pixels_and_a_fixed_strain(tmp_path, flow):
    images = DynamicImageDataset(write_flow(tmp_path / "c.h5", flow), ("onset", "flow_offset")).load().images
    expected = np.stack([channels_first(pair[1]) for pair in flow]) / np.array([1, 1, STRAIN])[:, None, None]
    np.testing.assert_allclose(images[:, 1].numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("size", [8, 32])
def test_displacements_are_in_pixels_of_the_item_and_strain_stays(tmp_path, size):
    flow = np.broadcast_to(np.array([3, -2, 0.05], np.float32), (2, 2, 16, 16, 3))
    dataset = DynamicImageDataset(write_flow(tmp_path / "c.h5", flow), ("flow_onset",), size=size)
    expected = torch.tensor([3 * size / 16, -2 * size / 16, 0.05 / STRAIN]).view(3, 1, 1).expand(1, 3, size, size)
    torch.testing.assert_close(dataset[0][0], expected)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_no_flow_is_zero_in_every_normalization(tmp_path, normalization):
    path = write_flow(tmp_path / "c.h5", np.zeros((2, 2, 16, 16, 3), np.float32))
    images = DynamicImageDataset(path, ("flow_onset",), normalization=normalization, size=12).load().images
    assert not images.any()


@pytest.mark.parametrize(
    ("stream", "numbers"),
    [("flow_combined", (1.0, 0.5, 2.0)), ("flow_normalized_offset", ()), ("flow_direction_onset", ())],
)
def test_a_map_of_flow_is_an_image_made_of_both(tmp_path, flow, stream, numbers):
    path = write_flow(tmp_path / "c.h5", flow)
    images = DynamicImageDataset(path, ("onset", stream), flow_combination=numbers).load().images
    expected = np.stack([channels_first(flow_map(stream, *pair, numbers)) for pair in flow])
    np.testing.assert_array_equal(images[:, 1].numpy(), expected)
    scaled = DynamicImageDataset(path, (stream,), normalization="minmax", size=8, flow_combination=numbers)
    assert (scaled[0][0].min(), scaled[0][0].max()) == (-1, 1)
    assert scaled[0][0].shape == (1, 3, 8, 8)


def test_a_combination_of_flow_is_asked_for_before_anything_is_read(tmp_path, flow):
    with pytest.raises(InputError, match=r"flow_combination is \(\); expected three numbers"):
        DynamicImageDataset(write_flow(tmp_path / "c.h5", flow), ("flow_combined",))


@pytest.mark.parametrize("stream", ["flow_onset", "flow_direction_onset"])
def test_a_cache_without_flow_has_no_such_stream(tmp_path, di, stream):
    with pytest.raises(CacheError, match=r"without optical flow; build it again with --flow"):
        DynamicImageDataset(write(tmp_path / "c.h5", di), ("onset", stream))


def test_streams_come_in_the_order_asked_for(tmp_path, di):
    path = write(tmp_path / "c.h5", di)
    every = DynamicImageDataset(path, STREAMS).load().images
    assert torch.equal(DynamicImageDataset(path).load().images, every[:, :2])
    assert torch.equal(DynamicImageDataset(path, ("full", "onset")).load().images, every[:, [2, 0]])
    assert torch.equal(DynamicImageDataset(path, ("full", "full")).load().images, every[:, [2, 2]])


def test_halving_weighs_four_pixels_as_a_triangle(tmp_path):
    """Anti-aliased bilinear resizing to one half has the weights 1, 3, 3, 1 over eight in each direction."""
    di = np.random.default_rng(2).normal(size=(1, 3, 8, 8, 3)).astype(np.float32)
    path = write(tmp_path / "c.h5", di)
    whole = DynamicImageDataset(path).load().images[0, 0, 0].double().numpy()
    half = DynamicImageDataset(path, size=4).load().images[0, 0, 0]
    assert half.shape == (4, 4)
    triangle = np.array([1, 3, 3, 1]) / 8
    for row in (1, 2):
        for column in (1, 2):
            block = whole[2 * row - 1 : 2 * row + 3, 2 * column - 1 : 2 * column + 3]
            assert half[row, column] == pytest.approx(triangle @ block @ triangle, rel=1e-5)


def test_labels_subjects_and_items_belong_together(tmp_path, di):
    dataset = DynamicImageDataset(write(tmp_path / "c.h5", di))
    everything = dataset.load()
    assert dataset.sample_ids == ["s0/c0", "s1/c1", "s2/c2", "s3/c3"]
    assert dataset.subjects == ["s0", "s1", "s2", "s3"]
    assert dataset.classes == ["happiness", "surprise"]
    assert dataset.labels.tolist() == everything.labels.tolist() == [0, 1, 0, 1]
    for index in range(len(dataset)):
        images, label = dataset[index]
        assert torch.equal(images, everything.images[index])
        assert label.dtype == torch.int64
        assert int(label) == dataset.labels[index]


def test_workers_read_the_same_through_handles_of_their_own(tmp_path, di):
    dataset = DynamicImageDataset(write(tmp_path / "c.h5", di))
    everything = dataset.load()  # opens the file here before the worker is forked
    loader = DataLoader(dataset, batch_size=3, num_workers=1, multiprocessing_context="fork")
    batches = list(loader)
    assert torch.equal(torch.cat([images for images, _ in batches]), everything.images)
    assert torch.equal(torch.cat([labels for _, labels in batches]), everything.labels)


def test_an_open_dataset_can_be_sent_to_another_process(tmp_path, di):
    dataset = DynamicImageDataset(write(tmp_path / "c.h5", di))
    first = dataset[0][0]
    assert torch.equal(pickle.loads(pickle.dumps(dataset))[0][0], first)


def test_a_subset_is_a_copy_of_rows(tmp_path, di):
    everything = DynamicImageDataset(write(tmp_path / "c.h5", di)).load()
    part = everything.subset(np.array([3, 0]))
    assert torch.equal(part.images, everything.images[[3, 0]])
    assert part.labels.tolist() == [1, 0]
    part.images.zero_()
    assert everything.images.abs().sum() > 0
    assert len(everything.to("cpu")) == 4


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"streams": ("onset", "middle")}, CacheError, "middle"),
        ({"normalization": "raw"}, InputError, "unit-weight"),
        ({"size": 0}, InputError, "at least 1"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path, di, arguments, error, words):
    with pytest.raises(error, match=words):
        DynamicImageDataset(write(tmp_path / "c.h5", di), **arguments)


def test_a_cache_without_samples_is_refused(tmp_path, di):
    path = write(tmp_path / "c.h5", di)
    with h5py.File(path, "r+") as file:
        for group in (file["samples"], file["di"], file["frames"]):
            for name, column in [*group.items()]:
                empty = {"shape": (0, *column.shape[1:]), "dtype": column.dtype}
                del group[name]
                group.create_dataset(name, **empty)
    with pytest.raises(CacheError, match="no sample"):
        DynamicImageDataset(path)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (torch.zeros(2, 3, 4, 4), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(2, 1, 3, 4, 5), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(2, 1, 3, 4, 4, dtype=torch.float64), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(2, 1, 3, 4, 4), torch.zeros(3, dtype=torch.int64)),
        (torch.zeros(2, 1, 3, 4, 4), torch.zeros(2)),
    ],
)
def test_samples_of_another_shape_or_type_are_refused(images, labels):
    with pytest.raises(InputError, match="expected"):
        LabelledImages(images, labels)


def test_neighbouring_apexes_are_normalized_as_the_images_are(tmp_path):
    path = write_tiny_cache(tmp_path / "c.h5", subjects=1, apex_jitter=3)
    dataset = DynamicImageDataset(path, ("full", "offset"))
    loaded = dataset.load(neighbours=True)
    assert loaded.neighbours.shape == (3, 3, *loaded.images.shape[1:])
    with open_cache(path) as cache:
        raw, apexes = cache.neighbour_images("offset")[:], cache.column("jitter_apex")
    for index, k in np.ndindex(3, 3):
        assert torch.equal(loaded.neighbours[index, k, 0], loaded.images[index, 0])  # of the whole clip there are none
        half = np.abs(arp(9 - apexes[index, k] + 1)).sum() / 2
        expected = channels_first(raw[index, k]) / half / GREY_LEVELS
        np.testing.assert_allclose(loaded.neighbours[index, k, 1].numpy(), expected, rtol=1e-6)
    with pytest.raises(InputError, match="only the images of phases have neighbours"):
        DynamicImageDataset(path, ("full",)).load(neighbours=True)


def test_apexes_are_drawn_evenly_a_sample_for_itself():
    count, k = 4000, 3
    images = torch.zeros(count, 1, 3, 1, 1)
    neighbours = torch.arange(1.0, k + 1).view(1, k, 1, 1, 1, 1).expand(count, k, 1, 3, 1, 1)
    samples = LabelledImages(images, torch.arange(count), neighbours=neighbours)
    drawn = samples.at_drawn_apexes(torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn.images[:, 0, 0, 0, 0].long(), minlength=k + 1) / count
    assert shares.tolist() == pytest.approx([1 / (k + 1)] * (k + 1), abs=0.03)
    assert torch.equal(drawn.labels, samples.labels)
    with pytest.raises(InputError, match="no neighbouring apexes to draw from"):
        LabelledImages(images, samples.labels).at_drawn_apexes(torch.Generator())
