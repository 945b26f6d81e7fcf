"""A cache read by h5py alone, as anybody can who has never installed mer_di.

python read_with_h5py.py CACHE.h5        make one with: mer-di build --out synthetic.h5
"""

import json
import sys
from collections import Counter

import h5py

with h5py.File(sys.argv[1]) as cache:
    recipe = json.loads(cache.attrs["recipe"])  # everything that changed a pixel
    classes = list(cache["samples"].attrs["classes"])  # in label order
    labels = cache["samples/label"][:]  # (N,) int64, indices into the classes
    subjects = cache["samples/subject"].asstr()[:]  # (N,)
    onset = cache["di/onset"]  # (N, S, S, 3) float32, RGB, raw sums; read from disk when indexed
    apex_frames = cache["frames/apex"]  # (N, S, S, 3) uint8, RGB
    dropped = dict(zip(cache["dropped/sample_id"].asstr()[:], cache["dropped/reason"].asstr()[:], strict=True))

    print(f"{cache.attrs['dataset']}: {len(labels)} samples of {len(set(subjects))} subjects, {len(dropped)} dropped")
    print(f"scheme {recipe['scheme']}, {recipe['size']} px, alignment {recipe['align']}")
    print({name: Counter(labels.tolist())[number] for number, name in enumerate(classes)})
    print(f"first sample: image {onset[0].min():.0f} .. {onset[0].max():.0f}, apex {apex_frames[0].shape}")
