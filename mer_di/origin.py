"""How drawn data is told from people's, from the table to the result."""

SYNTHETIC_TITLE = "Synthetic micro-expressions"
"""The title property of a workbook that `mer_di.synthetic` wrote, whatever database it imitates."""

SYNTHETIC = "synthetic"
"""The version of such a table, in a `Database` and in the attribute ``annotation_version`` of a cache."""

SYNTHETIC_NOTE = "SYNTHETIC.txt"
"""Name of the file that says it of a drawn database that has no table."""
