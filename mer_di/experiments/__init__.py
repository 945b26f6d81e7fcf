"""The paper's tables: as data (`tables`), and run again (`reproduction`, which loads torch)."""

from mer_di.experiments.tables import TABLES as TABLES
from mer_di.experiments.tables import Row as Row
from mer_di.experiments.tables import RunSettings as RunSettings
from mer_di.experiments.tables import Table as Table
from mer_di.experiments.tables import load_table as load_table
