"""The paper's number for what a run did, where it has one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mer_di.experiments import load_table
from mer_di.experiments.tables import PAPER_TABLES

_SETTING = {"architecture": "dianet", "streams": ["onset", "offset"], "backbone": "efficientnetv2", "fusion": "cross"}
_OF_DIANET = ("backbone", "fusion")


@dataclass(frozen=True, slots=True)
class PaperNumber:
    """A number that the paper prints.

    Attributes
    ----------
    table, input, method : str
    accuracy : float
        Fraction.
    n : int
        Samples that the paper's percentages imply.
    copied : bool
        Whether the paper took it from elsewhere: another protocol, other samples.
    """

    table: str
    input: str
    method: str
    accuracy: float
    n: int
    copied: bool


def paper_number(config: Mapping[str, Any], dataset: str) -> PaperNumber | None:
    """Return the paper's number for the network of a run on a database.

    Parameters
    ----------
    config : mapping
        The run's configuration. Architecture, streams, backbone and fusion decide; how it was trained does not.
    dataset : str

    Returns
    -------
    PaperNumber or None
        None if no table has a row for this network and this database.
    """
    for name in PAPER_TABLES:
        table = load_table(name)
        for row in table.rows:
            if row.run and dataset in row.paper and _same_network(config, {**_SETTING, **row.run.model}):
                title, accuracy = table.title, row.paper[dataset] / 100
                return PaperNumber(title, row.input, row.method, accuracy, table.samples[dataset], row.copied)
    return None


def _same_network(config: Mapping[str, Any], setting: Mapping[str, Any]) -> bool:
    setting = {**setting, "streams": list(setting["streams"])}
    names = [name for name in _SETTING if setting["architecture"] == "dianet" or name not in _OF_DIANET]
    return not config.get("temporal_augmentation") and all(config.get(name) == setting[name] for name in names)
