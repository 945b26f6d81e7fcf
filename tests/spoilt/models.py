"""Model files with other texts, tensors and bytes."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from spoilt.damage import damage, folder_until_exit, own_words
from spoilt.runs import FROZEN, JSON, with_other_values


@st.composite
def spoilt_models(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, str], list[tuple[int, int]]]:
    """Draw other texts for a model's header, other tensors, and other bytes."""
    texts = dict(_model()[0])
    for name in draw(st.lists(st.sampled_from(sorted(texts)), max_size=2, unique=True)):
        how = draw(st.sampled_from(("leave out", "other", "value")))
        if how == "leave out":
            del texts[name]
        elif how == "other" or name not in ("config", "recipe", "classes"):
            texts[name] = draw(st.sampled_from(("", "null", "x", "[" * 2000)) | JSON.map(json.dumps))
        else:
            other = with_other_values(draw, json.loads(texts[name]))
            texts[name] = json.dumps(other, sort_keys=True, separators=(",", ":"))
    tensors = draw(
        st.dictionaries(
            st.sampled_from(("first", "last", "new")), st.sampled_from(("gone", "nan", "f2", "flat")), max_size=1
        )
    )
    return (
        texts,
        tensors,
        draw(st.just([]) | st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=3)),
    )


@cache
def _model() -> tuple[dict[str, str], dict[str, Any]]:
    from safetensors import safe_open

    path = folder_until_exit() / "m.safetensors"
    path.write_bytes(gzip.decompress((FROZEN / "model.safetensors.gz").read_bytes()))
    with safe_open(path, "pt") as file:
        return file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping


def read_model(folder: Path, drawn: tuple[dict[str, str], dict[str, str], list[tuple[int, int]]]) -> None:
    """Write a model with other texts, tensors and bytes, and load it."""
    import torch
    from safetensors.torch import save

    from mer_di.learning.saved_model import load_model

    texts, changes, places = drawn
    tensors = dict(_model()[1])
    names = {"first": next(iter(tensors)), "last": list(tensors)[-1], "new": "new"}
    for which, how in changes.items():
        value = tensors.pop(names[which], torch.ones(2))
        if how != "gone":
            tensors[names[which]] = {"nan": value * float("nan"), "f2": value.half(), "flat": value.flatten()[:1]}[
                how
            ].clone()
    path = folder / "m.safetensors"
    path.write_bytes(save(tensors, texts))
    damage(path, places)
    with own_words():
        load_model(path)
