import json
import shutil
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from dataclasses import asdict, replace

import h5py
import numpy as np
import pytest
import torch
from tiny_cache import EMOTIONS, write_tiny_cache

import mer_di.evaluation.evaluate
import mer_di.evaluation.fold
from mer_di.errors import BackendUnavailableError, CacheError, InputError, RunError
from mer_di.evaluation.evaluate import evaluate
from mer_di.evaluation.images import labelled_images
from mer_di.evaluation.protocol import Fold
from mer_di.evaluation.run import Run
from mer_di.executors import cluster, local
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.saved_model import load_model
from mer_di.learning.train import predict_probabilities
from mer_di.learning.train_config import TrainConfig
from mer_di.torch_dataset import DynamicImageDataset

CONFIG = TrainConfig(model=ModelConfig(backbone="test_resnet", weights="random", fusion="concat", size=16), epochs=2)
KEYS = "n accuracy uf1 uar classes confusion intervals per_subject per_class seeds validation audit precision caches"
KEYS += " seconds versions"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return write_tiny_cache(tmp_path_factory.mktemp("cache") / "tiny.h5")


def run(cache, out, **options):
    return evaluate([cache], out, CONFIG, **{"validation": "subjects:1", "device": "cpu"} | options)


@pytest.fixture(scope="module")
def finished(cache, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return out, run(cache, out)


def outcome(folder):
    """Everything that a run computed, without how long it took and where its caches lay."""
    results = json.loads((folder / "results.json").read_text())
    folds = {path.name: json.loads(path.read_text()) for path in (folder / "folds").iterdir()}
    timeless = [
        {k: v for k, v in record.items() if k not in ("seconds", "caches")} for record in (results, *folds.values())
    ]
    return (folder / "predictions.csv").read_bytes(), [*folds], timeless


def counted(monkeypatch):
    """Count trainings."""
    calls = []
    train = mer_di.evaluation.fold.train_model

    def spy(training, validation, *rest, **options):
        calls.append((training, validation))
        return train(training, validation, *rest, **options)

    monkeypatch.setattr(mer_di.evaluation.fold, "train_model", spy)
    return calls


def test_a_run_leaves_what_the_design_promises(finished, cache):
    out, results = finished
    written = json.loads((out / "results.json").read_text())
    assert list(written) == KEYS.split()
    assert written == asdict(results)
    header, *rows = (out / "predictions.csv").read_text().splitlines()
    assert header == "sample_id,subject,label,predicted,p_disgust,p_happiness,p_surprise"
    assert [row.split(",")[0] for row in rows] == [f"s0{s}/c{c}" for s in (1, 2, 3, 4) for c in (0, 1, 2)]
    assert sorted(path.name for path in (out / "folds").iterdir()) == [f"s0{s}.json" for s in (1, 2, 3, 4)]
    config = json.loads((out / "config.json").read_text())
    assert (config["seed"], config["rule"], config["epochs"], config["labels"]) == (0, "subjects:1", 2, "annotated")
    assert config["caches"][0]["dataset"] == "tiny"


def test_results_follow_from_the_predictions(finished):
    out, results = finished
    found = Run(out).predictions()
    assert found.probabilities.sum(axis=1) == pytest.approx(1)
    assert found.predicted.tolist() == [EMOTIONS[i] for i in found.probabilities.argmax(axis=1)]
    assert found.labels.tolist() == [*EMOTIONS] * 4
    assert results.accuracy == pytest.approx(found.correct.mean())
    for i, true in enumerate(EMOTIONS):
        for j, guessed in enumerate(EMOTIONS):
            assert results.confusion[i][j] == np.sum((found.labels == true) & (found.predicted == guessed))
    for row in results.per_subject:
        assert row["correct"] == found.correct[found.subjects == row["subject"]].sum()
    assert results.intervals["n_subjects"] == 4
    assert results.seeds["accuracy"] == {"mean": results.accuracy, "sd": None, "each": [results.accuracy]}


def test_fold_records_name_who_trained_and_who_stopped(finished):
    out, _ = finished
    for path in (out / "folds").iterdir():
        record = json.loads(path.read_text())
        people = [*record["train_subjects"], *record["validation_subjects"], record["name"]]
        assert sorted(people) == ["s01", "s02", "s03", "s04"]
        assert len(record["validation_subjects"]) == 1
        assert len(record["history"]) == 2
        assert record["untrained_classes"] == []


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(finished, cache, tmp_path):
    run(cache, tmp_path / "again")
    assert outcome(tmp_path / "again") == outcome(finished[0])
    run(cache, tmp_path / "other", seeds=[1])
    assert outcome(tmp_path / "other")[0] != outcome(finished[0])[0]


def test_folds_in_processes_and_threads_are_those_in_sequence(finished, cache, tmp_path):
    with local("processes", 2) as executor:
        run(cache, tmp_path / "processes", executor=executor)
    assert outcome(tmp_path / "processes") == outcome(finished[0])
    with ThreadPoolExecutor(3) as executor:
        run(cache, tmp_path / "threads", executor=executor)
    assert outcome(tmp_path / "threads") == outcome(finished[0])


def test_folds_on_a_cluster_are_those_in_sequence(finished, cache, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as workers,
        cluster(workers.scheduler_address) as executor,
    ):
        run(cache, tmp_path / "cluster", executor=executor)
    assert outcome(tmp_path / "cluster") == outcome(finished[0])


def test_a_dead_worker_is_said_and_finished_folds_are_kept(cache, tmp_path):
    class Dying(ThreadPoolExecutor):
        def submit(self, function, *arguments):
            if arguments[-1].name == "s02":
                raise BrokenExecutor("a process was terminated abruptly")
            return super().submit(function, *arguments)

    with Dying(1) as executor, pytest.raises(BackendUnavailableError, match="fewer jobs"):
        run(cache, tmp_path / "run", executor=executor)
    assert [path.name for path in (tmp_path / "run" / "folds").iterdir()] == ["s01.json"]


def test_threads_of_torch_are_left_as_they_were_and_change_nothing(finished, cache, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(cache, tmp_path / "run")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert outcome(tmp_path / "run") == outcome(finished[0])


def test_a_killed_run_resumes_to_the_same_result(finished, cache, tmp_path, monkeypatch):
    calls = counted(monkeypatch)
    spy = mer_di.evaluation.fold.train_model

    def killed(*arguments, **options):
        if len(calls) == 2:
            raise KeyboardInterrupt
        return spy(*arguments, **options)

    monkeypatch.setattr(mer_di.evaluation.fold, "train_model", killed)
    with pytest.raises(KeyboardInterrupt):
        run(cache, tmp_path / "run")
    monkeypatch.setattr(mer_di.evaluation.fold, "train_model", spy)
    assert len(list((tmp_path / "run" / "folds").iterdir())) == 2
    assert not (tmp_path / "run" / "results.json").exists()
    (tmp_path / "run" / "folds" / ".s03.json.tmp").write_text("half of a fo")  # what a kill leaves
    del calls[:]
    told = []
    run(cache, tmp_path / "run", progress=lambda name, total: told.append((name, total)))
    assert len(calls) == 2
    assert [name for name, _ in told] == ["s01", "s02", None, "s03", "s04"]
    (tmp_path / "run" / "folds" / ".s03.json.tmp").unlink()
    assert outcome(tmp_path / "run") == outcome(finished[0])


def test_a_complete_run_is_not_trained_again(finished, cache, monkeypatch):
    calls = counted(monkeypatch)
    before = outcome(finished[0])
    run(cache, finished[0])
    assert calls == []
    assert outcome(finished[0]) == before


def test_a_network_that_was_kept_is_the_one_that_predicted(finished, cache, tmp_path, monkeypatch):
    out = shutil.copytree(finished[0], tmp_path / "run")
    calls = counted(monkeypatch)
    results = run(cache, out, save_networks=True)  # folds without their network are trained again
    assert len(calls) == 4
    assert (out / "predictions.csv").read_bytes() == (finished[0] / "predictions.csv").read_bytes()
    rows = np.arange(3, 6)
    saved = load_model(Run(out).network("s02.json"))
    images = DynamicImageDataset(cache, size=16).load().subset(rows).images
    assert np.array_equal(predict_probabilities(saved.network, images), Run(out).predictions().probabilities[rows])
    assert saved.classes == tuple(results.classes)
    run(cache, out, save_networks=True)
    assert len(calls) == 4


def test_networks_of_unlike_caches_are_not_kept(tmp_path):
    ours = write_tiny_cache(tmp_path / "ours.h5", dataset="samm")
    other = write_tiny_cache(tmp_path / "other.h5", dataset="casme2", size=20)
    with pytest.raises(InputError, match=r"built differently \(size: 16 \| 20\)"):
        evaluate([ours, other], tmp_path / "run", CONFIG, validation="subjects:1", save_networks=True)


def test_weights_that_cannot_be_had_are_missed_before_any_fold(cache, tmp_path, monkeypatch):
    calls = counted(monkeypatch)
    config = replace(CONFIG, model=replace(CONFIG.model, weights=str(tmp_path / "absent.safetensors")))
    with pytest.raises(InputError, match="absent"):
        evaluate([cache], tmp_path / "run", config, validation="subjects:1")
    assert calls == []


def test_another_configuration_does_not_resume_and_is_named(finished, cache, tmp_path):
    out = finished[0]
    for options, said in (
        ({"validation": "none"}, 'rule: "none" | "subjects:1"'),
        ({"audit": True}, "audit_leakage: true | false"),
        ({"seeds": [3]}, "seed: 3 | 0"),
        ({"shuffled_labels": True}, 'labels: "shuffled" | "annotated"'),
    ):
        with pytest.raises(RunError, match="choose another --out") as caught:
            run(cache, out, **options)
        assert f"(ours | found): {said}." in str(caught.value)
    with pytest.raises(RunError, match=r"batch_size: 8 \| 32; epochs: 3 \| 2"):
        evaluate([cache], out, replace(CONFIG, epochs=3, batch_size=8), validation="subjects:1")
    other = write_tiny_cache(tmp_path / "other.h5", seed=1)
    with pytest.raises(RunError, match="caches: "):
        run(other, out)
    moved = shutil.copy(cache, tmp_path / "moved.h5")
    run(moved, out)  # the same file at another place is the same cache


def test_a_run_that_computed_nothing_may_be_started_otherwise(cache, tmp_path, monkeypatch):
    def failing(*_, **__):
        raise InputError("no weights")

    with monkeypatch.context() as patch:
        patch.setattr(mer_di.evaluation.fold, "train_model", failing)
        with pytest.raises(InputError, match="no weights"):
            run(cache, tmp_path / "run")
    assert run(cache, tmp_path / "run", validation="none").validation["rule"] == "none"


def test_an_audit_records_and_changes_nothing(finished, cache, tmp_path):
    results = run(cache, tmp_path / "audited", audit=True)
    assert (tmp_path / "audited" / "predictions.csv").read_bytes() == (finished[0] / "predictions.csv").read_bytes()
    records = [json.loads(path.read_text()) for path in (tmp_path / "audited" / "folds").iterdir()]
    assert all(len(record["test_correct"]) == len(record["history"]) for record in records)
    chosen = sum(record["test_correct"][record["best_epoch"] - 1] for record in records)
    assert chosen / 12 == results.accuracy == results.audit["honest"]
    assert results.audit["best_epoch_on_test"] == sum(max(record["test_correct"]) for record in records) / 12
    assert results.audit["inflation_points"] == pytest.approx(
        100 * (results.audit["best_epoch_on_test"] - results.accuracy)
    )
    assert finished[1].audit is None


def test_a_planted_leak_stops_the_run_before_it_trains(cache, tmp_path, monkeypatch):
    calls = counted(monkeypatch)
    rows = np.arange(12)
    planted = (Fold("s01", rows[3:], rows[2:3], rows[:2]),)  # a clip of s01 would choose the epoch
    monkeypatch.setattr(mer_di.evaluation.evaluate, "make_folds", lambda *_, **__: planted)
    with pytest.raises(InputError, match="'s01' leaks: subject 's01' is both on the validation and on the test side"):
        run(cache, tmp_path / "run")
    assert calls == []
    assert not (tmp_path / "run").exists()


def what_trains_without(subject, cache, tmp_path, monkeypatch):
    """Return the images that the fold of a subject trains and validates on."""
    calls = counted(monkeypatch)
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    run(cache, tmp_path / "run")
    position = sorted(path.name for path in (tmp_path / "run" / "folds").iterdir()).index(f"{subject}.json")
    return calls[position]


def depends_on(subject, tmp_path, monkeypatch):
    """Tell whether the training of a subject's fold changes when that subject's images and labels do."""
    cache = write_tiny_cache(tmp_path / "original.h5")
    altered = shutil.copy(cache, tmp_path / "altered.h5")
    with h5py.File(altered, "r+") as file:
        rows = np.flatnonzero(file["samples/subject"].asstr()[:] == subject)
        for stream in ("onset", "offset", "full"):
            file[f"di/{stream}"][rows] = 1000 * file[f"di/{stream}"][rows] + 5
        file["samples/label"][rows] = file["samples/label"][rows][::-1]
    before, after = (what_trains_without(subject, path, tmp_path, monkeypatch) for path in (cache, altered))
    return not all(
        torch.equal(ours.images, theirs.images) and torch.equal(ours.labels, theirs.labels)
        for ours, theirs in zip(before, after, strict=True)
    )


def test_nothing_of_the_tested_subject_reaches_its_training(tmp_path, monkeypatch):
    assert not depends_on("s02", tmp_path, monkeypatch)

    def standardized(corpus, config):  # the leak: statistics over everybody
        found = labelled_images(corpus, config)
        return replace(found, images=(found.images - found.images.mean()) / found.images.std())

    monkeypatch.setattr(mer_di.evaluation.fold, "labelled_images", standardized)
    assert depends_on("s02", tmp_path, monkeypatch)


def test_training_and_test_images_are_those_of_the_fold(cache, tmp_path, monkeypatch):
    training, validation = what_trains_without("s03", cache, tmp_path, monkeypatch)
    record = json.loads((tmp_path / "run" / "folds" / "s03.json").read_text())
    with h5py.File(cache) as file:
        subjects, labels = file["samples/subject"].asstr()[:], file["samples/label"][:]
    assert training.labels.tolist() == labels[np.isin(subjects, record["train_subjects"])].tolist()
    assert validation.labels.tolist() == labels[np.isin(subjects, record["validation_subjects"])].tolist()
    assert record["sample_ids"] == ["s03/c0", "s03/c1", "s03/c2"]


def test_without_validation_all_epochs_are_trained(cache, tmp_path, monkeypatch):
    calls = counted(monkeypatch)
    run(cache, tmp_path / "run", validation="none", protocol="k-fold:2")
    assert [(len(training), validation) for training, validation in calls] == [(6, None), (6, None)]
    assert sorted(path.name for path in (tmp_path / "run" / "folds").iterdir()) == ["fold-1.json", "fold-2.json"]


def test_shuffled_labels_are_the_same_labels_elsewhere(cache, tmp_path):
    results = run(cache, tmp_path / "run", shuffled_labels=True)
    assert results.validation["labels"] == "shuffled"
    found = Run(tmp_path / "run").predictions()
    assert found.labels.tolist() != [*EMOTIONS] * 4
    assert sorted(found.labels) == sorted([*EMOTIONS] * 4)
    assert [row["n"] for row in results.per_class] == [4, 4, 4]


def test_several_seeds_are_runs_of_their_own(finished, cache, tmp_path, monkeypatch):
    out = tmp_path / "run"
    shutil.copytree(finished[0], out)
    calls = counted(monkeypatch)
    results = run(cache, out, seeds=[0, 1])
    assert len(calls) == 4  # the first seed was finished
    second = json.loads((out / "seed-1" / "results.json").read_text())
    each = [finished[1].accuracy, second["accuracy"]]
    assert results.seeds["values"] == [0, 1]
    assert results.seeds["accuracy"]["each"] == each
    assert results.seeds["accuracy"]["mean"] == pytest.approx(sum(each) / 2)
    assert results.seeds["accuracy"]["sd"] == pytest.approx(abs(each[0] - each[1]) / 2**0.5)
    assert results.accuracy == each[0]
    assert outcome(out)[0] == outcome(finished[0])[0]
    assert Run(out / "seed-1").config()["seed"] == 1


@pytest.mark.parametrize("seeds", [[], [1, 1]])
def test_seeds_are_given_once(cache, tmp_path, seeds):
    with pytest.raises(InputError, match="each once"):
        run(cache, tmp_path / "run", seeds=seeds)


def test_a_class_that_only_one_subject_shows_is_counted_as_untrained(tmp_path):
    cache = write_tiny_cache(tmp_path / "rare.h5", emotions=EMOTIONS[:2])
    with h5py.File(cache, "r+") as file:
        file["samples"].attrs["classes"] = ["disgust", "happiness", "sadness"]
        file["samples/label"][0] = 2
    results = run(cache, tmp_path / "run")
    assert results.classes == ["disgust", "happiness", "sadness"]
    assert [row["untrained"] for row in results.per_class] == [0, 0, 1]
    assert results.per_class[2]["recall"] == 0
    assert json.loads((tmp_path / "run" / "folds" / "s01.json").read_text())["untrained_classes"] == ["sadness"]


def test_too_little_to_evaluate_is_said_before_training(tmp_path):
    two = write_tiny_cache(tmp_path / "two.h5", subjects=2)
    with pytest.raises(InputError, match="1 training subject"):
        run(two, tmp_path / "run")
    assert run(two, tmp_path / "run", validation="none").n == 6
    with pytest.raises(InputError, match="every sample is labelled 'disgust'"):
        run(write_tiny_cache(tmp_path / "one.h5", emotions=["disgust"]), tmp_path / "one")
    with h5py.File(two, "r+") as file:
        for name in [*file["samples"]]:
            dtype = file["samples"][name].dtype
            del file["samples"][name]
            file["samples"].create_dataset(name, shape=(0,), dtype=dtype)
    with pytest.raises(CacheError, match="holds no sample"):
        run(two, tmp_path / "none")
    with pytest.raises(InputError, match="no cache was given"):
        evaluate([], tmp_path / "nothing", CONFIG)


def test_one_database_is_left_out_at_a_time(tmp_path):
    caches = [
        write_tiny_cache(tmp_path / "a.h5", dataset="casme2"),
        write_tiny_cache(tmp_path / "b.h5", dataset="manifest", emotions=(*EMOTIONS[:2], "anger"), size=24),
    ]
    results = evaluate(caches, tmp_path / "run", CONFIG, protocol="leave-one-dataset-out", validation="none")
    assert (results.n, results.classes) == (24, ["anger", "disgust", "happiness", "surprise"])
    assert [row["untrained"] for row in results.per_class] == [4, 0, 0, 4]
    found = Run(tmp_path / "run").predictions()
    assert found.sample_ids[[0, 12]].tolist() == ["casme2/s01/c0", "b/s01/c0"]  # a manifest is known by its file
    assert len(results.per_subject) == 8
    assert sorted(path.name for path in (tmp_path / "run" / "folds").iterdir()) == ["b.json", "casme2.json"]


def test_caches_that_do_not_fit_are_refused(tmp_path):
    a = write_tiny_cache(tmp_path / "a.h5", dataset="samm")
    twin = write_tiny_cache(tmp_path / "twin.h5", dataset="samm")
    with pytest.raises(InputError, match="both hold 'samm'"):
        evaluate([a, twin], tmp_path / "run", CONFIG)
    other = write_tiny_cache(tmp_path / "other.h5", dataset="mmew", scheme="harmonic_arp")
    with pytest.raises(InputError, match=r"scheme is 'arp' in .* and 'harmonic_arp' in"):
        evaluate([a, other], tmp_path / "run", CONFIG)


def test_any_subject_can_be_tested(tmp_path):
    cache = write_tiny_cache(tmp_path / "odd.h5", subjects=["S1", "s1", "a/../b", "..", "ü \n", "x" * 300])
    assert run(cache, tmp_path / "run").n == 18
    names = [path.name for path in (tmp_path / "run" / "folds").iterdir()]
    assert len({name.casefold() for name in names}) == 6
    assert sorted(row["subject"] for row in run(cache, tmp_path / "run").per_subject) == sorted(
        ["S1", "s1", "a/../b", "..", "ü \n", "x" * 300]
    )


def test_a_damaged_or_foreign_fold_is_named(finished, cache, tmp_path):
    shutil.copytree(finished[0], tmp_path / "run")
    path = tmp_path / "run" / "folds" / "s02.json"
    whole = path.read_text()
    path.write_text(whole[:50])
    with pytest.raises(RunError, match=r"s02\.json is damaged.*delete it"):
        run(cache, tmp_path / "run")
    path.write_text((tmp_path / "run" / "folds" / "s03.json").read_text())
    with pytest.raises(RunError, match=r"s02\.json is fold 's03'.*delete it"):
        run(cache, tmp_path / "run")
    path.write_text("{}")
    with pytest.raises(RunError, match="is no fold of a run"):
        run(cache, tmp_path / "run")
    path.unlink()
    run(cache, tmp_path / "run")
    assert path.exists()


def test_a_device_that_is_not_here_is_said(cache, tmp_path):
    with pytest.raises(InputError, match="expected one of auto"):
        run(cache, tmp_path / "run", device="abacus")
    if not torch.cuda.is_available():
        with pytest.raises(BackendUnavailableError, match="--device cpu"):
            run(cache, tmp_path / "run", device="cuda")
