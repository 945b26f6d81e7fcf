"""Builds of the tiny database, and caches held against each other."""

import h5py
import numpy as np

import mer_di
from mer_di.recipe import Recipe

SIZE = 20


def plain(**fields):
    return Recipe(**{"align": "none", "aspect": "stretch", "size": SIZE, **fields})


def load(tiny):
    return mer_di.load_dataset("manifest", tiny.table)


def assert_same_content(a, b):
    with h5py.File(a) as x, h5py.File(b) as y:
        assert dict(x.attrs) == dict(y.attrs)
        names = []
        x.visit(names.append)
        others = []
        y.visit(others.append)
        assert names == others
        for name in names:
            if isinstance(x[name], h5py.Dataset):
                np.testing.assert_array_equal(x[name][()], y[name][()], err_msg=name)
