"""``mer-di train``."""

import json
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from mer_di.cli.library import LibraryChoice, LibraryOption
from mer_di.cli.options import chosen_scheme, json_option, labels_option
from mer_di.cli.training_options import FoldBar, SeedsCommand, fold_executor, fold_options, spread

if TYPE_CHECKING:
    from mer_di.evaluation.corpus import Corpus
    from mer_di.evaluation.results import Results
    from mer_di.learning.train_config import TrainConfig

_RATES = {"accuracy": "accuracy", "uf1": "UF1", "uar": "UAR"}

_TESTED = {
    "mean-of-phases": "by the mean of the probabilities of a clip's images",
    "whole": "on the whole clip's image",
    "per-image": "on each image by itself, so a sample above is an image",
}

_model_option = partial(click.option, cls=LibraryOption, of="mer_di.learning.model_config:ModelConfig")
_training_option = partial(click.option, cls=LibraryOption, of="mer_di.learning.train_config:TrainConfig")


@click.command("train", cls=SeedsCommand)
@click.argument("caches", metavar="CACHE...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="The folder of the run.")
@labels_option
@_model_option(
    "--architecture",
    type=LibraryChoice("mer_di.learning.architectures:ARCHITECTURES"),
    help="The network; a reconstruction is called one.",
)
@_model_option("--backbone", type=str, help="A name of the paper's, or any of timm.")
@click.option("--pretrained/--no-pretrained", default=True, show_default=True, help="Start from ImageNet weights.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Start from this file instead: safetensors, or torch with tensors only.",
)
@_model_option("--fusion", help="How two streams become one.")
@_model_option(
    "--streams",
    type=str,
    help="One or two by commas, of onset, offset, full, flow_onset, flow_offset, or maps of flow.",
)
@_model_option(
    "--flow-combination",
    type=float,
    nargs=3,
    metavar="THETA1 THETA2 N",
    help="Stream flow_combined: θ₁·M₁ⁿ + θ₂·M₂ⁿ of both magnitudes.",
)
@_model_option(
    "--temporal-augmentation", is_flag=True, help="Each stream is a sample of its own, for a network of one stream."
)
@_model_option("--test-images", help="What is tested after temporal augmentation.")
@_model_option("--dedicated-backbones", is_flag=True, help="A backbone for each stream instead of a shared one.")
@_model_option("--dropout", type=float, help="Of the classifier.")
@_model_option(
    "--size", type=click.IntRange(1), help="Side of the input in pixels. Default: 224, or the baseline's own."
)
@_training_option("--normalization", help="Of each image by itself.")
@_training_option("--epochs", type=click.IntRange(1), help="At most.")
@_training_option("--patience", type=click.IntRange(1), help="Epochs without improvement.")
@_training_option("--batch-size", type=click.IntRange(2), help="Samples a step.")
@_training_option("--lr", "learning_rate", type=float, help="Of Adam.")
@_training_option("--consistency", type=float, help="λ of the consistency loss.")
@_training_option("--loss", help="Of the classes.")
@_training_option("--focal-gamma", type=float, help="γ of the focal loss.")
@_training_option("--class-weights", help="From the training samples of each fold.")
@_training_option("--effective-beta", type=float, help="β of the effective number.")
@click.option(
    "--subjects",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A table (subject, gender) for a network that learns the gender of its training subjects.",
)
@_training_option("--gender-weight", type=float, help="λ of the gender.")
@_training_option("--flip/--no-flip", help="Random flips, left and right.")
@_training_option("--rotation", type=float, help="Largest random rotation in degrees.")
@_training_option(
    "--apex-jitter", is_flag=True, help="See each training sample at one of its cached apexes, drawn each time anew."
)
@_training_option("--precision", help="Of training steps; auto: the faster one, by a short trial once a run.")
@click.option(
    "--protocol",
    default="loso",
    show_default=True,
    metavar="loso|k-fold:K|leave-one-dataset-out",
    help="Who is held out.",
)
@fold_options
@click.option("--shuffled-labels", is_flag=True, help="A control: permute the labels first; nothing can be learnt.")
@click.option("--save-networks", is_flag=True, help="Keep each fold's network: mer-di report then shows Grad-CAM.")
@click.option(
    "--apex-sensitivity",
    is_flag=True,
    help="Also test at the neighbouring apexes of build --apex-jitter: what hangs on the annotator's frame?",
)
@click.option(
    "--save-model",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Then train one network on all subjects and save it here, for: mer-di predict.",
)
@click.option(
    "--subjects-as-written",
    is_flag=True,
    help="Subjects of like names (1, 01, S01, or one name in two manifests) are different people.",
)
@click.option("--list-folds", is_flag=True, help="Print who trains, validates and is tested, and train nothing.")
@json_option
def command(
    caches: tuple[Path, ...],
    out: Path | None,
    labels: str | None,
    protocol: str,
    validation: str,
    seeds: tuple[int, ...],
    jobs: int | None,
    dask: str | None,
    device: str,
    audit_leakage: bool,
    shuffled_labels: bool,
    save_networks: bool,
    apex_sensitivity: bool,
    save_model: Path | None,
    subjects: Path | None,
    subjects_as_written: bool,
    list_folds: bool,
    as_json: bool,
    **parameters: Any,  # noqa: ANN401 - the fields of TrainConfig and ModelConfig, which check them
) -> None:
    """Train and test a network by leaving subjects out.

    An interrupted run is resumed by the same command. With several caches (of different databases) their samples are
    pooled; --labels gives them classes in common.
    """
    if out is None and not list_folds:
        raise click.UsageError("--out is missing: the folder of the run")
    from mer_di.datasets.subjects import read_genders
    from mer_di.evaluation.corpus import read_corpus

    if not list_folds:
        from mer_di.evaluation.evaluate import evaluate  # what lacks for a training is told before anything is read
    corpus = read_corpus(caches, chosen_scheme(labels), subjects_as_written=subjects_as_written)
    _tell(corpus)
    if out is None or list_folds:
        click.echo(_folds(corpus, protocol, validation, seeds[0], as_json))
        return
    config = _config(**parameters)
    genders = read_genders(subjects) if subjects else None
    if save_model:
        _require_savable(save_model, out, corpus)
    with fold_executor(jobs, dask, device) as executor:
        results = evaluate(
            corpus,
            out,
            config,
            protocol=protocol,
            validation=validation,
            seeds=seeds,
            shuffled_labels=shuffled_labels,
            audit=audit_leakage,
            save_networks=save_networks,
            genders=genders,
            apex_sensitivity=apex_sensitivity,
            executor=executor,
            device=device,
            progress=FoldBar(str(out)),
        )
    click.echo(json.dumps(asdict(results), indent=1) if as_json else f"{_page(results)}\n-> {out}")
    if save_model:
        config = replace(config, precision=results.precision["used"])
        _save(save_model, corpus, config, rule=validation, seed=seeds[0], genders=genders, device=device)


def _config(
    pretrained: bool,
    weights: Path | None,
    streams: str,
    flow_combination: tuple[float, ...] | None,
    **parameters: Any,  # noqa: ANN401 - as above
) -> "TrainConfig":
    from mer_di.learning.model_config import ModelConfig
    from mer_di.learning.train_config import TrainConfig

    parameters["flow_combination"] = flow_combination or ()
    parameters["streams"] = tuple(name.strip() for name in streams.split(","))
    model = {field.name: parameters.pop(field.name) for field in fields(ModelConfig) if field.name in parameters}
    start = str(weights.absolute()) if weights else "imagenet" if pretrained else "random"
    return TrainConfig(model=ModelConfig(**model, weights=start), **parameters)


def _require_savable(path: Path, out: Path, corpus: "Corpus") -> None:
    """Say what is wrong with a model's place, or with its having one recipe, before hours of training."""
    from mer_di.errors import InputError
    from mer_di.files import destination

    _ = corpus.recipe
    out.mkdir(parents=True, exist_ok=True)  # a usual place for the model
    place, run = destination(path, [source.path for source in corpus.sources]), out.resolve()
    if place.is_relative_to(run) and (place.parent != run or place.suffix != ".safetensors"):
        raise InputError(
            f"{path} lies in the run {out}, where a model stands beside results.json and is named *.safetensors; name "
            "another"
        )


def _save(path: Path, corpus: "Corpus", config: "TrainConfig", *, rule: str, **options: Any) -> None:  # noqa: ANN401
    from mer_di.evaluation.final_model import train_on_everyone
    from mer_di.learning.saved_model import save_model

    click.echo("training one network on all subjects", err=True)
    save_model(train_on_everyone(corpus, config, validation=rule, **options), path)
    click.echo(f"model of all subjects -> {path}", err=True)


def _tell(corpus: "Corpus") -> None:
    """Say on stderr what the label scheme made of the caches, and which classes give their database away."""
    if corpus.scheme:
        for source in corpus.sources:
            click.echo(f"{corpus.scheme.name}: {_labelled(corpus, source.dataset)}", err=True)
    for group in corpus.alike:
        click.echo(
            f"warning: {' and '.join(map(repr, group))} are different people, as the table writes them", err=True
        )
    if corpus.only_in:
        classes = ", ".join(f"{name!r} ({dataset})" for name, dataset in corpus.only_in.items())
        click.echo(
            f"warning: only in one database: {classes}. A network that tells the databases apart, by their cameras, "
            "needs no expression to name these. Classes in common: --labels (see: mer-di labels)",
            err=True,
        )


def _labelled(corpus: "Corpus", dataset: str) -> str:
    counts = {name: n for (of, name), n in corpus.counts.items() if of == dataset}
    published = {name: n for (of, name), n in corpus.published.items() if of == dataset}
    classes = ", ".join(
        f"{name} {counts.get(name, 0)}" + (f" of {published[name]}" if published else "")
        for name in sorted(counts | published)
    )
    total = f" of {sum(published.values())} published" if published else ""
    left_out = ", ".join(f"{each.n} {each.reason}" for each in corpus.left_out if each.dataset == dataset)
    absent = ", ".join(sample_id for of, sample_id in corpus.absent if of == dataset)
    missing = f"; left out by name, and not in the table: {absent}" if absent else ""
    return f"{dataset}: {sum(counts.values())} samples{total} ({classes}); left out: {left_out or 'none'}{missing}"


def _folds(corpus: "Corpus", protocol: str, validation: str, seed: int, as_json: bool) -> str:
    from mer_di.evaluation.protocol import make_folds

    columns = {"subjects": corpus.subjects, "labels": corpus.labels, "datasets": corpus.datasets}
    folds = make_folds(protocol, validation, **columns, seed=seed)
    people = [
        {side: sorted(set(corpus.subjects[getattr(fold, side)].tolist())) for side in ("train", "validation", "test")}
        for fold in folds
    ]
    if as_json:
        return json.dumps([{"fold": f.name, **sides} for f, sides in zip(folds, people, strict=True)], indent=1)
    rows = [
        (f.name, len(f.test), len(f.train), len(sides["train"]), len(f.validation), ", ".join(sides["validation"]))
        for f, sides in zip(folds, people, strict=True)
    ]
    headers = ("fold", "tested", "training", "of subjects", "validating", "subjects that validate")
    return tabulate(rows, headers=headers, disable_numparse=True)


def _page(results: "Results") -> str:
    seeds, validation = results.seeds["values"], results.validation
    largest = max(results.per_class, key=lambda row: row["n"])
    rates = ", ".join(f"{title} {spread(results, rate)}" for rate, title in _RATES.items())
    databases = " + ".join(cache["dataset"] for cache in results.caches)
    lines = [
        f"{rates} (percent; {_interval(results) if len(seeds) == 1 else f'mean ± sd of {len(seeds)} seeds'})",
        f"{databases}: {results.n} samples, {len(results.per_subject)} subjects, {validation['folds']} folds "
        f"({validation['protocol']}, validation {validation['rule']}); "
        f"always guessing {largest['name']!r} would give {100 * largest['n'] / results.n:.1f}",
    ]
    if validation["labels"] == "shuffled":
        lines.append("labels were shuffled: a control, in which there was nothing to learn")
    if results.test_images:
        lines.append(f"temporal augmentation: tested {_TESTED[results.test_images]}")
    for fold, terms in results.untrained_terms.items():
        lines.append(f"fold {fold} trained without {'; '.join(terms)}")
    if results.label_scheme:
        scheme, left_out = results.label_scheme, sum(row["n"] for row in results.label_scheme["left_out"])
        lines.append(
            f"classes of {scheme['name']} (sha256 {scheme['sha256'][:16]}…), which left out {left_out} samples"
        )
    if results.audit:
        lines.append(_leakage(results.audit))
    if results.apex_sensitivity:
        lines.append(_sensitivity(results.apex_sensitivity))
    if len(seeds) > 1:
        lines.append(f"what follows, and the audit, is of seed {seeds[0]}; each seed is a run of its own")
    tables = [_confusion(results)] + ([_databases(results)] if len(results.per_dataset) > 1 else [])
    return "\n\n".join(["\n".join(lines), *tables])


def _leakage(audit: dict[str, float]) -> str:
    honest, best = 100 * audit["honest"], 100 * audit["best_epoch_on_test"]
    inflation = audit["inflation_points"]
    return f"honest {honest:.1f}, best-epoch-on-test {best:.1f}: inflation {inflation:.1f} points"


def _sensitivity(found: dict[str, float]) -> str:
    certain, possible, changed = (100 * found[name] for name in ("certain", "possible", "changed_predictions"))
    return (
        f"at {found['neighbours']} neighbouring apexes: {certain:.1f} recognised at every apex, {possible:.1f} at any: "
        f"{found['points']:.1f} points hang on the annotator's frame; {changed:.1f} % of predictions change"
    )


def _interval(results: "Results") -> str:
    if results.intervals is None:
        return "one subject: no interval"
    found = results.intervals
    return f"{100 * found['level']:.0f} % intervals: bootstrap over {found['n_subjects']} subjects"


def _confusion(results: "Results") -> str:
    rows = [
        (row["name"], row["n"], _rate(row["recall"]), _rate(row["precision"]), _rate(row["f1"]), *counts)
        for row, counts in zip(results.per_class, results.confusion, strict=True)
    ]
    headers = ("true class", "n", "recall", "precision", "F1", *(f"as {name}" for name in results.classes))
    return tabulate(rows, headers=headers, floatfmt=".1f", missingval="-")


def _databases(results: "Results") -> str:
    rows = [
        (row["dataset"], row["n"], row["subjects"], *(100 * row[rate] for rate in _RATES))
        for row in results.per_dataset
    ]
    headers = ("database", "n", "subjects", *_RATES.values())
    return tabulate(rows, headers=headers, floatfmt=".1f", disable_numparse=False)


def _rate(value: float | None) -> float | None:
    return None if value is None else 100 * value
