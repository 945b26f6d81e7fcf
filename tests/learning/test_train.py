"""The training loop: same bits, no peeking, every awkward training set with one outcome."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mer_di.errors import InputError
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import build_model
from mer_di.learning.train import _batches, predict_probabilities, train_model
from mer_di.learning.train_config import TrainConfig
from mer_di.torch_dataset import LabelledImages

SIDE = 40
MODEL = ModelConfig(backbone="test_efficientnet", weights="random", size=SIDE)
CONFIG = TrainConfig(model=MODEL, epochs=3, batch_size=4, learning_rate=1e-3)


def samples(count=9, n_classes=3, streams=2, seed=0):
    """Images whose class is the channel that is bright."""
    images = torch.randn(count, streams, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    labels = torch.arange(count) % n_classes
    for image, label in zip(images, labels, strict=True):
        image[:, label] += 3
    return LabelledImages(images, labels)


def bits(trained):
    return {name: tensor.numpy().tobytes() for name, tensor in trained.model.state_dict().items()}


def train(training=None, validation=None, config=CONFIG, *, n_classes=3, seed=0, watch=None):
    return train_model(training or samples(), validation, n_classes, config, seed=seed, watch=watch)


def test_a_seed_is_a_result_whatever_the_process_did_before():
    torch.manual_seed(1)
    first = train(validation=samples(seed=1))
    threads = torch.get_num_threads()
    torch.manual_seed(2)
    torch.set_num_threads(2 if threads == 1 else 1)
    try:
        second = train(validation=samples(seed=1))
    finally:
        torch.set_num_threads(threads)
    assert bits(first) == bits(second)
    assert first.history == second.history
    images = samples(seed=2).images
    assert np.array_equal(predict_probabilities(first.model, images), predict_probabilities(second.model, images))
    assert bits(train(seed=1)) != bits(train(seed=0))


def test_a_sample_is_trained_on_at_any_of_its_apexes_and_validated_at_its_own():
    training, config = samples(), replace(CONFIG, apex_jitter=True)
    beside = replace(training, neighbours=training.images[:, None].repeat(1, 2, 1, 1, 1, 1))
    others = replace(training, neighbours=samples(seed=5).images[:, None].repeat(1, 2, 1, 1, 1, 1))
    assert bits(train(beside, config=config)) != bits(train(others, config=config))
    assert bits(train(others, config=config)) == bits(train(others, config=config))
    assert bits(train(others)) == bits(train())
    validated = replace(samples(seed=1), neighbours=torch.full_like(others.neighbours, 1e3))
    losses = [
        train(others, kept, config=config).history[-1]["validation_loss"] for kept in (samples(seed=1), validated)
    ]
    assert losses[0] == losses[1]
    with pytest.raises(InputError, match="no neighbouring apexes"):
        train(config=config)


def test_where_flow_is_is_told_to_the_augmentation(monkeypatch):
    told = []

    def seen(images, *_, flow, **__):
        told.append(flow)
        return images

    monkeypatch.setattr("mer_di.learning.train.augment", seen)
    for streams, expected in ((("onset", "offset"), ()), (("flow_offset", "onset"), (0,))):
        train(config=replace(CONFIG, epochs=1, model=replace(MODEL, streams=streams)))
        assert set(told) == {expected}
        told.clear()


def test_the_process_is_left_as_it_was():
    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train()
    predict_probabilities(build_model(MODEL, 3), samples().images)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory
    torch.manual_seed(3)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_failed_training_leaves_the_process_as_it_was():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        train(watch=lambda model, epoch: 1 / 0)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.get_rng_state(), state)


def test_watching_changes_nothing():
    seen = []

    def watch(model, epoch):
        seen.append((epoch, model.training))
        torch.rand(epoch)
        model(samples(seed=5).images)
        return "not used"

    assert bits(train(watch=watch)) == bits(train())
    assert seen == [(1, False), (2, False), (3, False)]


def fold(images, labels, normalize):
    """Train on the first six rows of a data set that is normalized as a whole."""
    everything = LabelledImages(normalize(images), labels)
    return bits(train(everything.subset(range(6)), everything.subset([6, 7])))


def of_one_image(images):
    return images / images.flatten(1).norm(dim=1).view(-1, 1, 1, 1, 1)


def of_all_images(images):
    return images / images.std()


def test_held_out_rows_cannot_reach_a_training_and_a_planted_leak_is_seen():
    ours = samples(12)
    changed = ours.images.clone()
    changed[8:] = 7 * torch.randn(4, 2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(8))
    assert fold(ours.images, ours.labels, of_one_image) == fold(changed, ours.labels, of_one_image)
    assert fold(ours.images, ours.labels, of_all_images) != fold(changed, ours.labels, of_all_images)


def test_validation_chooses_the_epoch_and_nothing_else():
    with_validation, without = train(validation=samples(seed=1)), train()
    losses = [[record["training_loss"] for record in trained.history] for trained in (with_validation, without)]
    assert losses[0] == losses[1]
    assert [record["validation_loss"] for record in without.history] == [None] * 3


def watched(validation, config):
    states = {}

    def watch(model, epoch):
        states[epoch] = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    return train(validation=validation, config=config, watch=watch), states


@pytest.mark.parametrize("seed", range(3))
def test_the_best_epoch_is_the_one_returned(seed):
    trained, states = watched(samples(6, seed=40 + seed), replace(CONFIG, epochs=4))
    losses = [record["validation_loss"] for record in trained.history]
    assert trained.best_epoch == 1 + losses.index(min(losses))
    assert all(
        torch.equal(tensor, states[trained.best_epoch][name]) for name, tensor in trained.model.state_dict().items()
    )
    assert not trained.model.training


def test_patience_ends_a_training_that_gets_worse():
    """Validation labels that contradict the training: the loss on them only grows once the classes are learned."""
    wrong = samples(9)
    wrong = LabelledImages(wrong.images, (wrong.labels + 1) % 3)
    trained, states = watched(wrong, replace(CONFIG, epochs=30, patience=2))
    assert len(trained.history) == trained.best_epoch + 2 < 30
    assert [record["epoch"] for record in trained.history] == [*states] == [*range(1, len(states) + 1)]


def test_without_validation_the_last_epoch_is_kept():
    trained, states = watched(None, replace(CONFIG, patience=1))
    assert trained.best_epoch == len(states) == 3
    assert all(torch.equal(tensor, states[3][name]) for name, tensor in trained.model.state_dict().items())


@pytest.mark.parametrize("consistency", [0.0, 0.5])
def test_the_first_loss_is_equation_5(consistency):
    training = samples(6)
    model_config = replace(MODEL, dropout=0.0)
    config = replace(
        CONFIG, model=model_config, epochs=1, batch_size=6, consistency=consistency, flip=False, rotation=0
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        model = build_model(model_config, 3).train()
    logits, (first, second) = (part for part in model(training.images))
    logits, first, second = (tensor.detach().double().numpy() for tensor in (logits, first, second))
    labels = training.labels.numpy()
    entropy = np.log(np.exp(logits).sum(1)) - logits[np.arange(6), labels]
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    expected = entropy.mean() + consistency * (1 - cosines).mean()
    trained = train(training, config=config, seed=4)
    assert trained.history[0]["training_loss"] == pytest.approx(expected, rel=1e-4)


def test_validation_loss_is_a_mean_over_samples_and_not_over_batches():
    training, validation = samples(8), samples(7, seed=1)
    config = replace(CONFIG, epochs=1, batch_size=4)
    whole = train(training, validation, config).history[0]["validation_loss"]
    model = train(training, validation, config).model
    log = np.log(predict_probabilities(model, validation.images)[np.arange(7), validation.labels.numpy()])
    with torch.inference_mode():
        first, second = model(validation.images).features
    cosines = torch.nn.functional.cosine_similarity(first, second).numpy()
    assert whole == pytest.approx(-log.mean() + config.consistency * (1 - cosines).mean(), rel=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"flip": False},
        {"rotation": 0.0},
        {"consistency": 0.0},
        {"loss": "focal"},
        {"class_weights": "balanced"},
        {"learning_rate": 1e-4},
        {"batch_size": 3},
    ],
)
def test_every_parameter_changes_the_result(change):
    training = samples(8)
    assert bits(train(training, config=replace(CONFIG, epochs=1))) != bits(
        train(training, config=replace(CONFIG, epochs=1, **change))
    )


@pytest.mark.parametrize("streams", [("onset",), ("onset", "offset")])
def test_it_learns_what_can_be_learned(streams):
    config = replace(CONFIG, model=replace(MODEL, streams=streams), epochs=12, batch_size=8, learning_rate=3e-4)
    trained = train(samples(24, streams=len(streams)), config=config)
    unseen = samples(12, streams=len(streams), seed=9)
    right = predict_probabilities(trained.model, unseen.images).argmax(1) == unseen.labels.numpy()
    assert right.mean() >= 0.75  # chance is a third


@pytest.mark.parametrize("architecture", ["learnet", "originet"])
def test_the_baselines_train(architecture):
    model = ModelConfig(architecture=architecture, streams=("full",))
    side = model.input_size
    images = torch.randn(4, 1, 3, side, side, generator=torch.Generator().manual_seed(0))
    training = LabelledImages(images, torch.tensor([0, 1, 0, 1]))
    trained = train(training, config=replace(CONFIG, model=model, epochs=4, learning_rate=1e-4), n_classes=2)
    assert trained.history[-1]["training_loss"] < trained.history[0]["training_loss"]


@given(count=st.integers(2, 300), batch_size=st.integers(2, 40), seed=st.integers(0, 9))
def test_an_epoch_is_every_row_once_in_batches_of_two_and_more(count, batch_size, seed):
    batches = _batches(count, batch_size, torch.Generator().manual_seed(seed))
    sizes = [len(batch) for batch in batches]
    assert sorted(torch.cat(batches).tolist()) == list(range(count))
    assert min(sizes) >= 2
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= max(batch_size, 3)
    assert max(sizes) <= batch_size or (batch_size == 2 and count % 2)


@pytest.mark.parametrize("batch_size", [2, 3, 4])
def test_a_remainder_of_one_sample_is_no_batch(batch_size):
    """Five samples, maps of one position at the end: a batch of one would stop batch normalization."""
    model = replace(MODEL, fusion="concat", size=16, streams=("onset",))
    training = LabelledImages(torch.randn(5, 1, 3, 16, 16), torch.arange(5) % 2)
    trained = train(training, config=replace(CONFIG, model=model, epochs=1, batch_size=batch_size), n_classes=2)
    assert math.isfinite(trained.history[0]["training_loss"])


@pytest.mark.parametrize("class_weights", ["none", "balanced", "effective-number"])
@pytest.mark.parametrize("loss", ["cross-entropy", "focal"])
def test_a_class_may_be_absent_from_the_training_fold(class_weights, loss):
    training, validation = samples(6, n_classes=2), samples(6, n_classes=3, seed=1)
    trained = train(training, validation, replace(CONFIG, loss=loss, class_weights=class_weights))
    assert all(math.isfinite(record["validation_loss"]) for record in trained.history)
    assert predict_probabilities(trained.model, validation.images).shape == (6, 3)


def test_a_fold_of_a_single_class_predicts_that_class():
    training = LabelledImages(samples(6).images, torch.ones(6, dtype=torch.int64))
    trained = train(training, config=replace(CONFIG, epochs=10))
    assert (predict_probabilities(trained.model, samples(4, seed=3).images).argmax(1) == 1).all()


def test_a_validation_of_one_sample_is_enough():
    assert len(train(validation=samples(1)).history) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"training": samples(1)}, "expected at least 2"),
        ({"validation": samples(3).subset([])}, "validation samples are 0"),
        ({"n_classes": 1}, "expected at least 2"),
        ({"n_classes": 2}, "labels reach from 0 to 2; expected 0 to 1"),
        ({"training": samples(streams=1)}, r"\(1, 3, 40, 40\) each; the model takes \(2, 3, 40, 40\)"),
        ({"validation": LabelledImages(torch.zeros(2, 2, 3, 8, 8), torch.zeros(2, dtype=torch.int64))}, "validation"),
        ({"training": LabelledImages(torch.full((4, 2, 3, 40, 40), math.nan), torch.arange(4) % 3)}, "not finite"),
        ({"config": replace(CONFIG, learning_rate=1e30)}, "not finite"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        train(**arguments)


def test_probabilities_are_a_softmax_in_evaluation_mode():
    model = train(config=replace(CONFIG, epochs=1)).model
    images = samples(7, seed=1).images
    found = predict_probabilities(model.train(), images, batch_size=3)
    with torch.inference_mode():
        logits = model.eval()(images).logits.double().numpy()
    powers = np.exp(logits)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, powers / powers.sum(1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(found.sum(1), 1)
