"""Run a table of the paper again: build the caches that are missing, run every row that can run, compare."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mer_di.building.build import build_cache
from mer_di.building.defaults import default_recipe
from mer_di.building.tasks import Progress as BuildProgress
from mer_di.datasets import Database
from mer_di.errors import InputError, MissingDependencyError
from mer_di.evaluation.corpus import Corpus, read_corpus
from mer_di.evaluation.evaluate import Progress, evaluate
from mer_di.evaluation.genders import require_genders
from mer_di.evaluation.protocol import DEFAULT_VALIDATION, everyone
from mer_di.evaluation.results import Results
from mer_di.experiments.tables import Row, RunSettings, Table
from mer_di.learning.architectures import ARCHITECTURES
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.train_config import TrainConfig
from mer_di.origin import SYNTHETIC
from mer_di.recipe import Align, Recipe


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a reproduction changes of the paper's setting, to be quicker or to do without downloads.

    A row's own settings win: the backbones of Table 2 stay what they are. The rivals take what concerns the training,
    and the size if theirs is DIANet's.

    Attributes
    ----------
    model, training : dict
        Fields of `ModelConfig` and `TrainConfig`.
    """

    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)

    def config(self, run: RunSettings) -> TrainConfig:
        """Return the configuration of a run under these overrides."""
        architecture = run.model.get("architecture", "dianet")
        if architecture == "dianet":
            ours = self.model
        elif ARCHITECTURES[architecture].size == ARCHITECTURES["dianet"].size:
            ours = {name: value for name, value in self.model.items() if name == "size"}
        else:
            ours = {}
        return TrainConfig(model=ModelConfig(**ours | run.model), **self.training | run.training)

    def departures(self) -> list[str]:
        """Name what is not the paper's setting, or not the default where the paper states none."""
        defaults = ((self.model, ModelConfig()), (self.training, TrainConfig()))
        return [
            f"{name} {value} instead of {_stated(theirs, name)}"
            for ours, theirs in defaults
            for name, value in ours.items()
            if value != _stated(theirs, name)
        ]


@dataclass(frozen=True, slots=True)
class ReproducedRow:
    """A row of the paper beside ours.

    Attributes
    ----------
    row : Row
    results : Results or None
        Ours; None if the row did not run.
    control : Results or None
        The same with shuffled labels, if that was asked for: what chance gives.
    problem : str or None
        Why it did not run.
    departures : list of str
        In what it departs from the table's other rows.
    """

    row: Row
    results: Results | None = None
    control: Results | None = None
    problem: str | None = None
    departures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A table of the paper beside ours.

    Attributes
    ----------
    table : Table
    dataset : str
        The database's name; ``synthetic-mmew`` for a drawn look-alike of MMEW, for which the paper has no numbers.
    rows : tuple of ReproducedRow
    departures : list of str
        What is not the paper's setting.
    """

    table: Table
    dataset: str
    rows: tuple[ReproducedRow, ...]
    departures: list[str]


def reproduce(
    table: Table,
    database: Database,
    out: str | os.PathLike[str],
    *,
    overrides: Overrides | None = None,
    validation: str = DEFAULT_VALIDATION,
    seeds: Sequence[int] = (0,),
    min_class_size: int | None = None,
    align: Align | None = None,
    genders: Mapping[str, str] | None = None,
    control: bool = False,
    audit: bool = False,
    device: str = "auto",
    builders: Executor | None = None,
    trainers: Executor | None = None,
    on_build: BuildProgress | None = None,
    on_run: Callable[[Row], Progress | None] | None = None,
) -> Reproduction:
    """Run a table of the paper on a database.

    Parameters
    ----------
    table : Table
        From `load_table`.
    database : Database
        From `mer_di.load_dataset`; any, though the paper has numbers for three only.
    out : path-like
        Folder for caches (``<dataset>-<scheme>.h5``) and runs (``runs/<dataset>/<run>``). What is finished there is
        not done again, and tables share their rows' runs.
    overrides : Overrides, optional
        None for the paper's setting.
    validation : str
        See `mer_di.evaluation.evaluate.evaluate`.
    seeds : sequence of int
    min_class_size : int, optional
        Smallest class that is kept; by default the paper's 10.
    align : {"none", "similarity", "per-frame"}, optional
        See `mer_di.building.defaults.default_recipe`, which decides by default.
    genders : mapping of str to str, optional
        Subject to gender, for the row that learns it; without, it learns the classes alone.
    control : bool
        Run every row again with shuffled labels.
    audit : bool
        See `mer_di.evaluation.evaluate.evaluate`.
    device : {"auto", "cpu", "cuda", "mps"}
    builders, trainers : concurrent.futures.Executor, optional
        Where clips are rendered and folds run; one after another by default.
    on_build : callable, optional
        Progress of a build.
    on_run : callable, optional
        Called with each row before it runs; returns the progress of its folds.

    Returns
    -------
    Reproduction
        Rows that cannot run say why; the others run.

    Raises
    ------
    CacheError, InputError, BackendUnavailableError
        See `mer_di.building.build.build_cache` and `mer_di.evaluation.evaluate.evaluate`.
    """
    overrides, folder = overrides or Overrides(), Path(out)
    smallest = table.min_class_size if min_class_size is None else min_class_size
    folder.mkdir(parents=True, exist_ok=True)
    runs = [row.run for row in table.rows if row.run]
    configs = {run.name: overrides.config(run) for run in runs}  # before the work: they may be refused
    learners = [name for name, config in configs.items() if config.learns_gender]
    if genders is not None and not learners:
        raise InputError(f"genders were given, and no row of {table.name} learns them: leave --subjects out")
    paths = _paths(runs, database, folder, align)
    for path, recipe in paths.values():  # a cache that is there, made the same way, is left as it is
        build_cache(database, path, recipe, min_class_size=smallest, executor=builders, progress=on_build)
    read = {path: read_corpus([path]) for path, _ in paths.values()}
    corpora = {name: read[path] for name, (path, _) in paths.items()}
    if genders is not None:
        genders = _of_whom_a_sample_is_left(genders, database, smallest)
        for name in learners:  # before the work, again
            everybody = [everyone(corpora[name].subjects, validation_subjects=0, seed=0)]
            require_genders(genders, configs[name], corpora[name].subjects, everybody)
    bench = _Bench(
        folder=folder / "runs" / database.spec.name,
        corpora=corpora,
        configs=configs,
        genders=genders,
        control=control,
        audit=audit,
        protocol={"validation": validation, "seeds": seeds, "device": device, "executor": trainers},
        on_run=on_run or _untold,
    )
    departures = overrides.departures()
    if smallest != table.min_class_size:
        departures.append(f"min_class_size {smallest} instead of {table.min_class_size}")
    return Reproduction(table, _called(database), tuple(map(bench.reproduced, table.rows)), departures)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """What all rows of a table have in common: where they run, on what, and how."""

    folder: Path
    corpora: Mapping[str, Corpus]
    configs: Mapping[str, TrainConfig]
    genders: Mapping[str, str] | None
    control: bool
    audit: bool
    protocol: Mapping[str, Any]
    on_run: Callable[[Row], Progress | None]

    def reproduced(self, row: Row) -> ReproducedRow:
        """Run a row, and again with shuffled labels where a control is wanted."""
        if row.run is None:
            return ReproducedRow(row, problem=f"not implemented: {row.missing}")
        name, departures = row.run.name, []
        corpus, config = self.corpora.get(name), self.configs[name]
        if corpus is None:
            return ReproducedRow(row, problem="could not run: the table has no frame rates, in which a band is given")
        if config.learns_gender and self.genders is None:
            config, departures = replace(config, gender_weight=0.0), ["without gender, of which no table was given"]
            name += "-without-gender"  # another run than that with a table
        try:
            results = self._results(row, corpus, name, config)
            chance = self._results(row, corpus, f"{name}-shuffled", config, shuffled=True) if self.control else None
        except MissingDependencyError as error:  # of this row's backbone; the others may have theirs
            return ReproducedRow(row, problem=f"could not run: {error}")
        return ReproducedRow(row, results, chance, departures=departures + _untrained(results))

    def _results(self, row: Row, corpus: Corpus, name: str, config: TrainConfig, *, shuffled: bool = False) -> Results:
        return evaluate(
            corpus,
            self.folder / name,
            config,
            shuffled_labels=shuffled,
            genders=self.genders if config.learns_gender else None,
            audit=self.audit and not shuffled,
            progress=self.on_run(row),
            **self.protocol,
        )


def _untold(_row: Row) -> None:
    pass


def _of_whom_a_sample_is_left(genders: Mapping[str, str], database: Database, smallest: int) -> dict[str, str]:
    """Leave out those of the database's subjects who show nothing but emotions that are too rare to be kept."""
    counts = Counter(sample.emotion for sample in database.samples)
    everybody = {sample.subject for sample in database.samples}
    left = {sample.subject for sample in database.samples if counts[sample.emotion] >= smallest}
    return {name: gender for name, gender in genders.items() if name in left or name not in everybody}


def _untrained(results: Results) -> list[str]:
    """Return the terms of the loss that folds trained without, and in how many."""
    counts = Counter(term for terms in results.untrained_terms.values() for term in terms)
    return [f"without {term}, in {n} of {results.validation['folds']} folds" for term, n in counts.items()]


def _paths(
    runs: Sequence[RunSettings], database: Database, folder: Path, align: Align | None
) -> dict[str, tuple[Path, Recipe]]:
    """Return the cache of each run by its name, and its recipe; none where the database cannot give it."""
    rates = any(sample.fps for sample in database.samples)
    found = {}
    for run in runs:
        if "magnify_band" in run.recipe and not rates:
            continue
        recipe = default_recipe(database, align=align, **run.recipe)
        varied = [recipe.flow] if recipe.flow else []
        found[run.name] = folder / f"{'-'.join([database.spec.name, recipe.scheme, *varied])}.h5", recipe
    return found


def _called(database: Database) -> str:
    name = database.spec.name
    return f"{SYNTHETIC}-{name}" if database.synthetic and name != SYNTHETIC else name


def _stated(defaults: ModelConfig | TrainConfig, name: str) -> object:
    return defaults.input_size if isinstance(defaults, ModelConfig) and name == "size" else getattr(defaults, name)
