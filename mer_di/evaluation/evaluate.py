"""Folds to predictions to results: every sample is tested once, by a network that never met its subject.

Each finished fold is saved at once, so a killed run resumes. What a fold computes depends on the samples, the
configuration, the seed and the fold's name, and on nothing else.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from mer_di.errors import InputError, RunError
from mer_di.evaluation.corpus import Corpus, read_corpus
from mer_di.evaluation.fold import SeedRun, run_fold
from mer_di.evaluation.genders import require_genders
from mer_di.evaluation.images import require_neighbours
from mer_di.evaluation.protocol import DEFAULT_VALIDATION, Fold, fold_seed, make_folds, require_honest
from mer_di.evaluation.records import FoldRecord
from mer_di.evaluation.results import Results, over_seeds, pool, summarize
from mer_di.evaluation.run import Run
from mer_di.executors import finished
from mer_di.files import file_names
from mer_di.learning.devices import choose_device, own_randomness
from mer_di.learning.models import build_model
from mer_di.learning.precision_trial import choose_precision
from mer_di.learning.train_config import TrainConfig

Progress = Callable[[str | None, int], None]
"""Called with the name of each fold as it is finished and the number of folds.

Once, with None, when training begins: what was told before comes from an interrupted run and took no time.
"""


def evaluate(
    caches: Sequence[str | os.PathLike[str]] | Corpus,
    out: str | os.PathLike[str],
    config: TrainConfig | None = None,
    *,
    protocol: str = "loso",
    validation: str = DEFAULT_VALIDATION,
    seeds: Sequence[int] = (0,),
    shuffled_labels: bool = False,
    audit: bool = False,
    save_networks: bool = False,
    genders: Mapping[str, str] | None = None,
    apex_sensitivity: bool = False,
    executor: Executor | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Results:
    """Train and test every fold of a protocol.

    Parameters
    ----------
    caches : sequence of path-like, or Corpus
        Files that ``mer-di build`` wrote, or what `mer_di.evaluation.corpus.read_corpus` made of them and a label
        scheme. The run is of these files to the bit, as they were when they were read.
    out : path-like
        RUN_DIR. An interrupted run of the same configuration is resumed. The first seed's run lies in the folder
        itself, each further one is a complete run in ``seed-N`` within it.
    config : TrainConfig, optional
        The paper's if not given. What its precision ``auto`` is, is decided once, before the first fold, where folds
        run: all folds and seeds, and a run that is resumed, keep to it.
    protocol : str
        ``loso``, ``k-fold:K`` or ``leave-one-dataset-out``.
    validation : str
        ``subjects:K`` draws K of the training subjects, by (seed, fold) alone, to stop the training and to choose
        the epoch; ``none`` trains for a fixed number of epochs. The tested subject never takes part.
    seeds : sequence of int
    shuffled_labels : bool
        A control: permute the labels over all samples, by the seed, before anything else. There is nothing to learn,
        and accuracy should be at chance.
    audit : bool
        Record what the best epoch on the tested subjects would have given. It is not used.
    save_networks : bool
        Keep each fold's network beside its record, as `mer_di.learning.saved_model.load_model` reads it: to look at
        what it saw in people whom it never met. A finished fold without its network is trained again, to the same
        result.
    genders : mapping of str to str, optional
        Subject to gender, as the caches write subjects, for a network that learns it. Any two words. A fold looks up
        its training subjects alone; one whose training subjects are of one gender trains without, and says so.
    apex_sensitivity : bool
        Let each fold's network see the tested samples at the neighbouring apexes that the caches hold as well: how much
        hangs on the annotator's frame? A finished fold that was not asked is trained again, to the same result.
    executor : concurrent.futures.Executor, optional
        Where folds run: processes, or a cluster that shares the file system. One after another by default, with the
        same results. It is not shut down.
    device : {"auto", "cpu", "cuda", "mps"}
    progress : callable, optional
        See `Progress`.

    Returns
    -------
    Results
        Also written, with the predictions, below ``out``.

    Raises
    ------
    CacheError
        If a cache cannot be read, or is another file than it was when the run began.
    InputError
        If an argument is unknown, the samples are too few for the protocol, a fold leaks, a network diverges, genders
        are missing or nobody's, or networks of caches with different recipes are to be saved.
    RunError
        If ``out`` holds a run under another configuration, a damaged one, or files of something else, or if another
        training is writing there.
    MissingDependencyError
        If ImageNet weights cannot be had.
    BackendUnavailableError
        If the device is not here, or a worker died.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds are {list(seeds)}; expected at least one, and each once")
    config, device = config or TrainConfig(), choose_device(device)
    corpus = caches if isinstance(caches, Corpus) else read_corpus(caches)
    rules = {"protocol": protocol, "rule": validation, "labels": "shuffled" if shuffled_labels else "annotated"}
    identity = {**json.loads(config.text), **rules, "audit_leakage": audit, "caches": corpus.identities}
    if genders is not None:
        identity["genders"] = _digest(genders)
    identity |= _scheme_identity(corpus)
    if corpus.alike:
        identity["subjects_as_written"] = [list(group) for group in corpus.alike]
    if save_networks:
        _ = corpus.recipe
    if apex_sensitivity or config.apex_jitter:
        require_neighbours(corpus.sources)
    runs = []
    for seed in seeds:
        samples = corpus.shuffled(seed) if shuffled_labels else corpus
        folds = _honest_folds(samples, protocol, validation, seed)
        run = Run(Path(out) if seed == seeds[0] else Path(out) / f"seed-{seed}")
        require_genders(genders, config, samples.subjects, folds)
        files = file_names(fold.name for fold in folds)
        asked = (audit, save_networks, apex_sensitivity, genders)
        runs.append(SeedRun(run, identity | {"seed": seed}, samples, folds, files, config, seed, device, *asked))
    with contextlib.ExitStack() as kept_out:
        for job in runs:
            kept_out.enter_context(job.run.sole_writer())
            job.run.claim(job.identity)
        return _computed(runs, rules, executor, progress or (lambda _name, _total: None))


def _scheme_identity(corpus: Corpus) -> dict[str, Any]:
    """Return what the label scheme adds to a run's configuration: nothing where emotions are the classes."""
    if corpus.scheme is None:
        return {}
    left_out = sum(each.n for each in corpus.left_out)
    return {"label_scheme": {"name": corpus.scheme.name, "sha256": corpus.scheme.sha256, "left_out": left_out}}


def _computed(runs: list[SeedRun], rules: dict[str, str], executor: Executor | None, tell: Progress) -> Results:
    """Bring claimed runs to their results."""
    if _unfinished(runs):
        _require_weights(runs[0])
    choices = _precisions(runs, executor)
    runs = [
        replace(job, config=replace(job.config, precision=choice["used"]))
        for job, choice in zip(runs, choices, strict=True)
    ]
    _run_unfinished(runs, executor, tell)
    results = over_seeds([_conclude(job, rules, choice) for job, choice in zip(runs, choices, strict=True)])
    runs[0].run.write_results(asdict(results))
    return results


def _digest(genders: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(genders, sort_keys=True).encode()).hexdigest()


def _honest_folds(corpus: Corpus, protocol: str, validation: str, seed: int) -> tuple[Fold, ...]:
    columns = {"subjects": corpus.subjects, "labels": corpus.labels, "datasets": corpus.datasets}
    folds = make_folds(protocol, validation, **columns, seed=seed)
    for fold in folds:
        require_honest(fold, corpus.subjects)
    return folds


def _unfinished(runs: Sequence[SeedRun]) -> list[tuple[SeedRun, Fold]]:
    return [(job, fold) for job in runs for fold in job.folds if _finished(job, fold) is None]


def _precisions(runs: Sequence[SeedRun], executor: Executor | None) -> list[dict[str, Any]]:
    """Return in which precision each run takes its steps: as it was decided before, if it was, else alike for all."""
    kept = [job.run.precision() for job in runs]
    choice = next(filter(None, kept), None) or _choice(runs, executor)
    for job, found in zip(runs, kept, strict=True):
        if found is None:
            job.run.write_precision(choice)
    return [found or choice for found in kept]


def _choice(runs: Sequence[SeedRun], executor: Executor | None) -> dict[str, Any]:
    job, trainings = runs[0], _unfinished(runs)
    choice = choose_precision(
        job.config,
        len(job.corpus.classes),
        samples=job.config.model.samples_per_clip * max((len(fold.train) for _, fold in trainings), default=0),
        trainings=len(trainings),
        device=job.device,
        executor=executor,
    )
    return asdict(choice)


def _run_unfinished(runs: Sequence[SeedRun], executor: Executor | None, tell: Progress) -> None:
    tasks = [(job, fold) for job in runs for fold in job.folds]
    waiting = _unfinished(runs)
    for job, fold in tasks:
        if (job, fold) not in waiting:
            tell(fold.name, len(tasks))
    tell(None, len(tasks))
    if executor is None:
        for job, fold in waiting:
            run_fold(job, fold)
            tell(fold.name, len(tasks))
        return
    calls = {number: (replace(job, folds=()), fold) for number, (job, fold) in enumerate(waiting)}
    with contextlib.closing(finished(executor, run_fold, calls, lambda _job, fold: f"fold {fold.name}")) as done:
        for number, _ in done:
            tell(waiting[number][1].name, len(tasks))


def _require_weights(job: SeedRun) -> None:
    """Build the network once before any worker does: weights are downloaded, or found to be missing, here."""
    with own_randomness(torch.device(job.device)):
        build_model(job.config.model, len(job.corpus.classes))


def _finished(job: SeedRun, fold: Fold) -> FoldRecord | None:
    record = job.run.fold(job.files[fold.name])
    if job.save_networks and not job.run.network(job.files[fold.name]).exists():
        return None
    if record is None or (job.apex_sensitivity and record.beside is None):
        return None
    ours = fold.name, fold_seed(job.seed, fold.name), job.tested(fold).sample_ids.tolist()
    fits = len(record.probabilities[0]) == len(job.corpus.classes) and (record.test_correct is not None) == job.audit
    if (record.name, record.seed, record.sample_ids) != ours or not fits:
        raise RunError(
            f"{job.run.folder / 'folds' / job.files[fold.name]} is fold {record.name!r} of another run, expected "
            f"{fold.name!r} of this one; delete it and train again"
        )
    return record


def _conclude(job: SeedRun, rules: dict[str, str], precision: dict[str, Any]) -> Results:
    records = [record for fold in job.folds if (record := _finished(job, fold))]
    tested, model = job.tested(), job.config.model
    predictions = pool(tested, records)
    results = summarize(
        tested,
        predictions,
        records,
        seed=job.seed,
        validation=rules,
        test_images=model.test_images if model.temporal_augmentation else None,
        precision=precision,
    )
    job.run.write_predictions(predictions)
    job.run.write_results(asdict(results))
    return results
