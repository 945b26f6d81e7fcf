"""A run on disk: its configuration, one file a finished fold, predictions, results.

    RUN_DIR/config.json  precision.json  folds/<fold>.json [folds/<fold>.safetensors]  predictions.csv  results.json

A file appears under its name only when it is complete, so whatever a kill leaves behind is whole or ignored.
"""

import contextlib
import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from mer_di.errors import MerDiError, RunError
from mer_di.evaluation.records import FoldRecord, Predictions
from mer_di.fields import misfit
from mer_di.files import remove_asides, write_text
from mer_di.learning.train_config import OF_OLD
from mer_di.lock import held
from mer_di.recipe import differences

_FIXED_COLUMNS = ("sample_id", "subject", "label", "predicted")
_PROBABILITY = "p_"
_OF_OLD_FOLDS: Mapping[str, Any] = MappingProxyType({"beside": None, "untrained_terms": []})
"""What records of before lack, and what was true then."""
_AGAIN = "run the same mer-di train again"


@dataclass(frozen=True, slots=True)
class Run:
    """The folder of a run.

    Attributes
    ----------
    folder : pathlib.Path
        RUN_DIR.
    """

    folder: Path

    @contextlib.contextmanager
    def sole_writer(self) -> Iterator[None]:
        """Make the folder, keep other trainings out of it, and delete what a killed one was writing aside.

        Raises
        ------
        RunError
            If another training is writing it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        busy = RunError(f"another training is writing {self.folder}; wait for it, or choose another --out")
        with held(self.folder / ".lock", busy):
            remove_asides(self.folder)
            remove_asides(self.folder / "folds")
            yield

    @contextlib.contextmanager
    def as_written(self) -> Iterator[None]:
        """Take values of the run's files that lead nowhere for what they are: damage.

        Raises
        ------
        RunError
            Instead of any error that is not the library's own.
        """
        try:
            yield
        except (MerDiError, OSError):
            raise
        except Exception as error:  # what reads them may be a template
            raise RunError(
                f"the files in {self.folder} do not fit each other, or another version of mer_di wrote them "
                f"({type(error).__name__}: {error}); {_AGAIN}, or with another --out"
            ) from error

    def claim(self, config: Mapping[str, Any]) -> None:
        """Begin the run, or make sure that what is there was computed under the same configuration.

        A run that was started before there was a ``precision`` was of float32 on the CPU, and is resumed as such.

        Parameters
        ----------
        config : mapping
            Everything that the results depend on, as plain values.

        Raises
        ------
        RunError
            If the folder holds folds or results of another configuration, naming each field that differs, or of an
            unknown one, or files of something else.
        """
        (self.folder / "folds").mkdir(parents=True, exist_ok=True)
        if self._begun():
            self.require(config)
            return
        if (self.folder / "config.json").exists() and "seed" not in self.config():
            raise RunError(f"{self.folder / 'config.json'} is none of a run, and not touched; choose another --out")
        self._precision.unlink(missing_ok=True)  # nothing was computed yet, so there is nothing to mix up
        write_text(self.folder / "config.json", _json(config))

    def require(self, config: Mapping[str, Any]) -> None:
        """Make sure that the run is one of this configuration.

        Raises
        ------
        RunError
            If it is not, naming each field that differs.
        """
        changed = differences(*(json.dumps({**OF_OLD, **each}) for each in (config, self.config())))
        if changed:
            raise RunError(
                f"{self.folder} holds a run that was started differently (ours | found): {'; '.join(changed)}. "
                "Repeat its settings to resume it, or choose another --out."
            )

    def config(self) -> dict[str, Any]:
        """Return the run's configuration.

        Raises
        ------
        RunError
            If there is none, or it is damaged.
        """
        return _read_json(self.folder / "config.json", dict[str, Any])

    def precision(self) -> dict[str, Any] | None:
        """Return in which precision the run's steps are taken, or None if that was not decided yet.

        Raises
        ------
        RunError
            If the file is damaged, or absent though folds are finished whose precision it has to tell.
        """
        if not self._precision.exists() and not (self._begun() and self.config().get("precision") == "auto"):
            return None
        from mer_di.learning.precision_trial import PrecisionChoice  # loads torch, as those who ask have done

        return _read_json(self._precision, PrecisionChoice)

    def results(self) -> dict[str, Any]:
        """Return the run's results.

        Raises
        ------
        RunError
            If the run is not finished, or the file is damaged.
        """
        return _read_json(self.folder / "results.json", dict[str, Any])

    def fold(self, file_name: str) -> FoldRecord | None:
        """Return a finished fold, or None.

        Raises
        ------
        RunError
            If its file is damaged.
        """
        path = self.folder / "folds" / file_name
        if not path.exists():
            return None
        record = FoldRecord(**_read_json(path, FoldRecord, _OF_OLD_FOLDS))
        if not record.consistent:
            raise RunError(f"{path} is no fold of a run: its parts do not fit each other; delete it and {_AGAIN}")
        return record

    def network(self, file_name: str) -> Path:
        """Return where a fold's network is kept, if it is."""
        return (self.folder / "folds" / file_name).with_suffix(".safetensors")

    def write_precision(self, choice: Mapping[str, Any]) -> None:
        """Save in which precision the steps are taken, and why."""
        write_text(self._precision, _json(choice))

    def write_fold(self, file_name: str, record: FoldRecord) -> None:
        """Save a finished fold."""
        write_text(self.folder / "folds" / file_name, _json(asdict(record)))

    def write_results(self, results: Mapping[str, Any]) -> None:
        """Save the results, in the order of their keys."""
        write_text(self.folder / "results.json", _json(results))

    def write_predictions(self, predictions: Predictions) -> None:
        """Save the predictions: sample_id, subject, label, predicted, and ``p_<class>`` for each class."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*_FIXED_COLUMNS, *(_PROBABILITY + name for name in predictions.classes)])
        columns = (predictions.sample_ids, predictions.subjects, predictions.labels, predictions.predicted)
        for *fixed, row in zip(*columns, predictions.probabilities.tolist(), strict=True):
            writer.writerow([*fixed, *map(repr, row)])
        write_text(self.folder / "predictions.csv", text.getvalue())

    @property
    def _precision(self) -> Path:
        return self.folder / "precision.json"

    def _begun(self) -> bool:
        computed = (
            *(self.folder / "folds").glob("*.json"),
            self.folder / "results.json",
            self.folder / "predictions.csv",
        )
        return any(path.exists() for path in computed)

    def predictions(self) -> Predictions:
        """Read the predictions back, to the bit.

        Raises
        ------
        RunError
            If there are none, or the file is damaged.
        """
        path = self.folder / "predictions.csv"
        try:
            with path.open(encoding="utf-8", newline="") as file:
                header, *rows = csv.reader(file)
            fixed = np.array([row[: len(_FIXED_COLUMNS)] for row in rows], dtype=str).T
            probabilities = np.array([row[len(_FIXED_COLUMNS) :] for row in rows], dtype=np.float64)
        except FileNotFoundError as error:
            raise RunError(f"{path} is absent; the run is not finished. Run its mer-di train again") from error
        except (ValueError, csv.Error) as error:
            raise RunError(f"{path} is no table of predictions ({error}); run its mer-di train again") from error
        classes = tuple(name.removeprefix(_PROBABILITY) for name in header[len(_FIXED_COLUMNS) :])
        if len(fixed) == len(_FIXED_COLUMNS):
            sample_ids, subjects, labels, predicted = fixed
            found = Predictions(sample_ids, subjects, labels, predicted, probabilities, classes)
            if found.consistent:
                return found
        raise RunError(f"{path} is no table of predictions; run its mer-di train again")


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _read_json(path: Path, kind: Any, of_old: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:  # noqa: ANN401 - see `misfit`
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = {**of_old, **found} if isinstance(found, dict) else found
    except FileNotFoundError as error:
        raise RunError(f"{path} is absent; {path.parent} is no finished run of mer-di train") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged ({error}); delete it and {_AGAIN}") from error
    problem = misfit(found, kind, "it")
    if problem:
        raise RunError(f"{path} is damaged, or of another version of mer_di: {problem}; delete it and {_AGAIN}")
    return found
