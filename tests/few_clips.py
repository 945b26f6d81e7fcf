"""Two clips of a look-alike of CASME II: all of its frames take their time."""

from collections import Counter

from lookalikes import ClipRow, write_casme2, write_casme2_tree

FEW = [ClipRow(1, "EP02_01f", 46, 59, 66, "happiness"), ClipRow(2, "EP02_01f", 3, 9, 15, "disgust")]


def sample_of(database, sample_id):
    return next(sample for sample in database.samples if sample.sample_id == sample_id)


def kinds(database):
    return Counter(finding.kind for finding in database.findings)


def write_few(root, tree="cropped", **options):
    write_casme2(root, tree=None, rows=FEW, **options)
    write_casme2_tree(root / "Cropped", FEW, tree=tree)
    return root
