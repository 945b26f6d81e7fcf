"""The paper's tables: as data, and run again."""

from mer_di.experiments.reproduction import Overrides as Overrides
from mer_di.experiments.reproduction import ReproducedRow as ReproducedRow
from mer_di.experiments.reproduction import Reproduction as Reproduction
from mer_di.experiments.reproduction import reproduce as reproduce
from mer_di.experiments.tables import TABLES as TABLES
from mer_di.experiments.tables import Row as Row
from mer_di.experiments.tables import RunSettings as RunSettings
from mer_di.experiments.tables import Table as Table
from mer_di.experiments.tables import load_table as load_table
