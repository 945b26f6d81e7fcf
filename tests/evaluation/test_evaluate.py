"""Folds to results: the same bits, however they were scheduled or interrupted."""

import json
import pickle
import shutil
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from dataclasses import asdict, replace

import h5py
import numpy as np
import pytest
import torch
from tiny_cache import EMOTIONS, write_tiny_cache
from tiny_run import CONFIG, counted, outcome, run

import mer_di.evaluation.evaluate
import mer_di.evaluation.fold
from mer_di.errors import BackendUnavailableError, CacheError, InputError, RunError
from mer_di.evaluation.corpus import read_corpus
from mer_di.evaluation.evaluate import evaluate
from mer_di.evaluation.protocol import Fold
from mer_di.evaluation.run import Run
from mer_di.executors import cluster, local
from mer_di.labels import DatabaseLabels, LabelScheme
from mer_di.torch_dataset import DynamicImageDataset

KEYS = "n accuracy uf1 uar classes confusion intervals per_subject per_class per_dataset only_in label_scheme"
KEYS += " seeds validation test_images untrained_terms audit precision caches seconds versions apex_sensitivity"


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
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as workers,
        cluster(workers.scheduler_address) as executor,
    ):
        run(cache, tmp_path / "cluster", executor=executor)
    assert outcome(tmp_path / "cluster") == outcome(finished[0])


def test_a_worker_is_sent_its_own_fold_and_no_image(cache, tmp_path):
    sent = []

    class Sending(ThreadPoolExecutor):
        def submit(self, function, *arguments):
            sent.append((arguments[0].folds, len(pickle.dumps(arguments))))
            return super().submit(function, *arguments)

    with Sending(1) as executor:
        run(cache, tmp_path / "run", executor=executor)
    assert [folds for folds, _ in sent] == [()] * 4
    assert max(size for _, size in sent) < DynamicImageDataset(cache).load().images.nbytes / 10


def test_a_dead_worker_is_said_and_finished_folds_are_kept(cache, tmp_path):
    class Dying(ThreadPoolExecutor):
        def submit(self, function, *arguments):
            if arguments[-1].name == "s02":
                raise BrokenExecutor("a process was terminated abruptly")
            return super().submit(function, *arguments)

    with Dying(1) as executor, pytest.raises(BackendUnavailableError, match="a process was terminated abruptly"):
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


def test_a_planted_leak_stops_the_run_before_it_trains(cache, tmp_path, monkeypatch):
    calls = counted(monkeypatch)
    rows = np.arange(12)
    planted = (Fold("s01", rows[3:], rows[2:3], rows[:2]),)  # a clip of s01 would choose the epoch
    monkeypatch.setattr(mer_di.evaluation.evaluate, "make_folds", lambda *_, **__: planted)
    with pytest.raises(InputError, match="'s01' leaks: subject 's01' is both on the validation and on the test side"):
        run(cache, tmp_path / "run")
    assert calls == []
    assert not (tmp_path / "run").exists()


def test_how_much_hangs_on_the_apex_is_asked_of_the_same_networks(cache, tmp_path, monkeypatch):
    jittered = write_tiny_cache(tmp_path / "jitter.h5", apex_jitter=3)
    without = run(jittered, tmp_path / "run")
    assert without.apex_sensitivity is None
    results = run(jittered, tmp_path / "run", apex_sensitivity=True)  # of the folds that were finished
    assert (results.accuracy, results.confusion) == (without.accuracy, without.confusion)
    found = results.apex_sensitivity
    kept = Run(tmp_path / "run")
    beside = {}
    for path in (kept.folder / "folds").glob("*.json"):
        record = kept.fold(path.name)
        beside |= zip(record.sample_ids, record.beside, strict=True)
    predictions = kept.predictions()
    guesses = np.array([beside[name] for name in predictions.sample_ids])
    own = predictions.probabilities.argmax(axis=1)
    labels = np.array([results.classes.index(name) for name in predictions.labels])
    right = np.column_stack([own, guesses]) == labels[:, None]
    assert found == {
        "neighbours": 3,
        "accuracy_beside": pytest.approx((guesses == labels[:, None]).mean()),
        "certain": pytest.approx(right.all(axis=1).mean()),
        "possible": pytest.approx(right.any(axis=1).mean()),
        "points": pytest.approx(100 * (right.any(axis=1).mean() - right.all(axis=1).mean())),
        "changed_predictions": pytest.approx((guesses != own[:, None]).mean()),
        "changed_samples": pytest.approx((guesses != own[:, None]).any(axis=1).mean()),
    }
    trained = counted(monkeypatch)
    run(jittered, tmp_path / "run", apex_sensitivity=True)
    assert trained == []
    for options in ({"apex_sensitivity": True}, {}):
        config = replace(CONFIG, apex_jitter=not options)
        with pytest.raises(InputError, match=r"tiny.h5 0; expected some, and as many in each"):
            evaluate([cache], tmp_path / "none", config, device="cpu", **options)


def test_neighbours_that_are_the_sample_itself_change_nothing(tmp_path):
    path = write_tiny_cache(tmp_path / "c.h5", apex_jitter=2)
    with h5py.File(path, "r+") as file:
        for phase in ("onset", "offset"):
            file[f"jitter/{phase}"][:] = 0
            file[f"di/{phase}"][:] = 0
    found = run(path, tmp_path / "run", apex_sensitivity=True).apex_sensitivity
    assert (found["points"], found["changed_predictions"], found["changed_samples"]) == (0, 0, 0)


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


def test_too_little_to_evaluate_is_said_before_training(tmp_path):
    two = write_tiny_cache(tmp_path / "two.h5", subjects=2)
    with pytest.raises(InputError, match="1 training subject"):
        run(two, tmp_path / "run")
    assert run(two, tmp_path / "run", validation="none").n == 6
    with pytest.raises(InputError, match="every sample is labelled 'disgust'"):
        run(write_tiny_cache(tmp_path / "one.h5", emotions=["disgust"]), tmp_path / "one")
    with pytest.raises(CacheError, match="holds no sample"):
        run(write_tiny_cache(tmp_path / "empty.h5", subjects=0), tmp_path / "none")
    with pytest.raises(InputError, match="no cache was given"):
        evaluate([], tmp_path / "nothing", CONFIG)


def test_any_subject_can_be_tested(tmp_path):
    cache = write_tiny_cache(tmp_path / "odd.h5", subjects=["S1", "s2", "a/../b", "..", "ü \n", "x" * 300])
    assert run(cache, tmp_path / "run").n == 18
    names = [path.name for path in (tmp_path / "run" / "folds").iterdir()]
    assert len({name.casefold() for name in names}) == 6
    assert sorted(row["subject"] for row in run(cache, tmp_path / "run").per_subject) == sorted(
        ["S1", "s2", "a/../b", "..", "ü \n", "x" * 300]
    )


def test_a_damaged_or_foreign_fold_is_named(finished, cache, tmp_path):
    shutil.copytree(finished[0], tmp_path / "run")
    path = tmp_path / "run" / "folds" / "s02.json"
    whole = path.read_text()
    path.write_text(whole[:50])
    with pytest.raises(RunError, match=r"s02\.json is damaged.*delete it"):
        run(cache, tmp_path / "run")
    path.write_text((tmp_path / "run" / "folds" / "s03.json").read_text())
    with pytest.raises(RunError, match=r"s02\.json is fold .s03. of another run.*delete it"):
        run(cache, tmp_path / "run")
    path.write_text("{}")
    with pytest.raises(RunError, match="differ in "):
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


def test_two_trainings_at_once_do_not_share_a_run(cache, tmp_path):
    refused = []

    def second(name, _total):
        if name == "s01":
            for out, options in ((tmp_path / "run", {"seeds": [7]}), (tmp_path / "run" / "seed-1", {"seeds": [1]})):
                with pytest.raises(RunError, match="another training is writing"):
                    run(cache, out, **options)
                refused.append(out)

    run(cache, tmp_path / "run", seeds=[0, 1], progress=second)
    assert len(refused) == 4  # once a seed
    run(cache, tmp_path / "run", seeds=[0, 1])
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize("what", ["replaced", "overwritten", "taken away"])
def test_a_cache_that_changes_stops_the_run_by_name_and_finished_folds_stay(finished, cache, tmp_path, what):
    ours, other = shutil.copy(cache, tmp_path / "ours.h5"), write_tiny_cache(tmp_path / "other.h5", seed=1)

    def change(name, _total):
        if name == "s02":
            if what == "replaced":
                other.replace(ours)
            elif what == "overwritten":
                ours.write_bytes(other.read_bytes())
            else:
                ours.unlink()

    with pytest.raises(CacheError, match=r"ours\.h5 has changed since it was read"):
        run(ours, tmp_path / "run", progress=change)
    assert sorted(path.name for path in (tmp_path / "run" / "folds").iterdir()) == ["s01.json", "s02.json"]
    shutil.copy(cache, ours)
    run(ours, tmp_path / "run")
    assert outcome(tmp_path / "run")[0] == outcome(finished[0])[0]


def test_workers_that_open_the_cache_later_want_the_same_file(cache, tmp_path):
    ours = shutil.copy(cache, tmp_path / "ours.h5")
    corpus = read_corpus([ours])
    write_tiny_cache(ours, seed=1)
    with local("processes", 1) as executor, pytest.raises(CacheError, match="has changed since it was read"):
        evaluate(corpus, tmp_path / "run", CONFIG, validation="none", device="cpu", executor=executor)


def test_a_worker_that_outlives_its_run_writes_nothing_into_the_next(cache, tmp_path, monkeypatch):
    train = mer_di.evaluation.fold.train_model

    def slow(*given, **options):
        config = tmp_path / "run" / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"seed": 7}))
        return train(*given, **options)

    monkeypatch.setattr(mer_di.evaluation.fold, "train_model", slow)
    with pytest.raises(RunError, match=r"seed: 0 \| 7"):
        run(cache, tmp_path / "run")
    assert list((tmp_path / "run" / "folds").iterdir()) == []


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("validation", ["none", "subjects:1"])
def test_a_network_that_diverged_is_named_by_fold_and_epoch_and_not_kept(cache, tmp_path, validation, precision):
    config = replace(CONFIG, learning_rate=1e30, precision=precision)
    with pytest.raises(InputError, match=r"fold 's01': the network diverged in epoch 1.*lower learning rate"):
        evaluate([cache], tmp_path / "run", config, validation=validation, device="cpu", save_networks=True)
    assert list((tmp_path / "run" / "folds").iterdir()) == []


def test_a_fold_of_another_run_is_not_taken_for_ours(finished, cache, tmp_path):
    shutil.copytree(finished[0], tmp_path / "run")
    path = tmp_path / "run" / "folds" / "s02.json"
    record = json.loads(path.read_text())
    for change in ({"seed": 3}, {"test_correct": [0, 1]}, {"probabilities": [[0.5, 0.5]] * 3}):
        path.write_text(json.dumps(record | change))
        with pytest.raises(RunError, match=r"fold 's02' of another run.*delete it"):
            run(cache, tmp_path / "run")


def test_neighbouring_apexes_are_tested_as_the_annotated_one_is(tmp_path):
    cache = write_tiny_cache(tmp_path / "tiny.h5", subjects=3, apex_jitter=2)
    found = {}
    for test_images in ("mean-of-phases", "per-image"):
        model = replace(CONFIG.model, temporal_augmentation=True, test_images=test_images)
        config = replace(CONFIG, model=model, epochs=1, apex_jitter=True)
        options = {"validation": "none", "device": "cpu", "apex_sensitivity": True}
        results = evaluate([cache], tmp_path / test_images, config, **options)
        records = [json.loads(path.read_text()) for path in (tmp_path / test_images / "folds").iterdir()]
        found[test_images] = {len(record["beside"]) for record in records}, {len(r["beside"][0]) for r in records}
        assert results.apex_sensitivity["neighbours"] == 2
    assert found == {"mean-of-phases": ({3}, {2}), "per-image": ({6}, {2})}


@pytest.mark.parametrize("test_images", ["mean-of-phases", "whole", "per-image"])
def test_what_is_tested_after_temporal_augmentation_is_stated(cache, tmp_path, test_images, monkeypatch):
    calls = counted(monkeypatch)
    model = replace(CONFIG.model, temporal_augmentation=True, test_images=test_images)
    config = replace(CONFIG, model=model, epochs=1)
    options = {"validation": "subjects:1", "device": "cpu", "audit": True, "save_networks": True}
    results = evaluate([cache], tmp_path, config, **options)
    assert results.test_images == json.loads((tmp_path / "config.json").read_text())["test_images"] == test_images
    for training, validation in calls:  # both images of two subjects' clips, and of another one's
        assert (len(training), len(validation)) == (12, 6)
        assert torch.equal(training.labels[::2], training.labels[1::2])
    predictions = Run(tmp_path).predictions()
    assert results.n == len(predictions.sample_ids) == (24 if test_images == "per-image" else 12)
    assert sum(person["n"] for person in results.per_subject) == results.n
    if test_images == "per-image":
        assert predictions.sample_ids[:3].tolist() == ["s01/c0/onset", "s01/c0/offset", "s01/c1/onset"]
        assert (predictions.labels[::2] == predictions.labels[1::2]).all()
    assert evaluate([cache], tmp_path, config, **options) == results
    assert len(calls) == 4


def test_a_label_scheme_is_part_of_the_run_and_said_in_its_results(cache, tmp_path):
    named = {"s1/c0": "a slip of the pen"}
    labels = DatabaseLabels({"bad": ["disgust"], "good": ["happiness"]}, ["surprise"], named, {"bad": 5, "good": 4})
    scheme = LabelScheme("own", "two", "nobody", "emotion", {"tiny": labels})
    corpus, options = read_corpus([cache], scheme), {"validation": "none", "device": "cpu"}
    results = evaluate(corpus, tmp_path, CONFIG, **options)
    assert (results.n, results.classes) == (8, ["bad", "good"])
    assert results.label_scheme == {
        "name": "own",
        "title": "two",
        "sha256": scheme.sha256,
        "left_out": [{"dataset": "tiny", "reason": "emotion 'surprise'", "n": 4}],
        "absent": [{"dataset": "tiny", "sample_id": "s1/c0"}],
        "published": [
            {"dataset": "tiny", "label": "bad", "n": 4, "published": 5},
            {"dataset": "tiny", "label": "good", "n": 4, "published": 4},
        ],
    }
    said = Run(tmp_path).config()["label_scheme"]
    assert said == {"name": "own", "sha256": scheme.sha256, "left_out": 4}
    with pytest.raises(RunError, match=r'label_scheme: "\(absent\)" \| \{"name": "own"'):
        evaluate([cache], tmp_path, CONFIG, **options)
    assert evaluate(corpus, tmp_path, CONFIG, **options).n == 8


def test_published_counts_are_of_clips_where_each_image_is_a_sample(cache, tmp_path):
    labels = DatabaseLabels({"bad": ["disgust"], "good": ["happiness"]}, ["surprise"], published={"bad": 5, "good": 4})
    corpus = read_corpus([cache], LabelScheme("own", "two", "nobody", "emotion", {"tiny": labels}))
    model = replace(CONFIG.model, temporal_augmentation=True, test_images="per-image")
    results = evaluate(corpus, tmp_path, replace(CONFIG, model=model, epochs=1), validation="none", device="cpu")
    assert results.n == 16
    assert [(row["n"], row["published"]) for row in results.label_scheme["published"]] == [(4, 5), (4, 4)]
