#!/usr/bin/env bash
# In bfloat16, the gradient of a strided convolution of maps smaller than its stride holds what the memory held before.
#
# With torch 2.14.1 (CPU), numpy 2.4.6; Python 3.11, x86-64 with avx512_bf16; seen 2026-11-28.
# Expected: taps of the kernel that only ever meet the padding have the gradient 0, as in float32.
# Seen:     with a 3x3 kernel, stride 2 and maps of 1x1, two of the nine taps hold numbers that were in freed memory, also
#           infinite ones, and others each time. In float32 all are 0. Maps of 2x2 are right at stride 2, wrong at 3.
# Matters:  small crops (16 px in a ResNet) end in such maps; weights become NaN now and then, or the same seed gives
#           other networks, and nothing says why. Without bfloat16 arithmetic in the processor there is nothing to see.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6
"$work/venv/bin/python" <<'PYTHON'
import sys

import torch
from torch import nn

if not torch.cpu.get_capabilities().get("avx512_bf16"):
    sys.exit("this processor has no bfloat16 arithmetic (avx512_bf16), so there is nothing to see here")
torch.set_num_threads(1)


def gradient(side, stride, rounded):
    torch.manual_seed(0)
    layer = nn.Conv2d(64, 64, 3, stride, padding=1, bias=False)
    maps = torch.randn(8, 64, side, side)
    count = layer.weight.numel()
    [torch.full((n,), 1e30, dtype=kind) for n in (count, 2 * count) for kind in (torch.float32, torch.bfloat16)]
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=rounded):
        layer(maps).float().square().sum().backward()
    return layer.weight.grad.abs().amax((0, 1))


for side, stride, wrong in ((1, 2, True), (2, 2, False), (2, 3, True)):
    exact, found = (max(gradient(side, stride, rounded).max().item() for _ in range(10)) for rounded in (False, True))
    print(f"maps of {side}x{side}, stride {stride}: largest gradient {exact:.4g} in float32, {found:.4g} in bfloat16")
    assert (not found < 100 * exact) == wrong, "this has changed"
PYTHON
