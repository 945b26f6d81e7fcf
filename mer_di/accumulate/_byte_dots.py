"""Sums of 8-bit frames by instructions that multiply 32 bytes by 32 bytes at once, on processors with AVX2.

``vpmaddubsw`` multiplies unsigned by signed bytes and adds neighbouring products into 16 bits; ``vpmaddwd`` multiplies
those and adds neighbours into 32. Frames are interleaved, so that four neighbours are one pixel in four frames and the
signed bytes are their weights. A pass reads eight frames once for all rows of weights.

Weights are written in two digits of base 128. A digit is at most 64 in size, so that two products stay within 16
bits, and the second instruction multiplies by the digit's place: every sum is exact.
"""

# Numba calls an intrinsic and its generator with objects of its own that have no stubs, as llvmlite has none:
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-call, no-untyped-def, attr-defined, call-arg, import-untyped"

import functools
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic
from numpy.typing import NDArray

from mer_di.compiled import array, compiled

Array = NDArray[Any]

FRAMES = 8  # in a pass
PIXELS = 32  # in a strip: one byte each of a vector
BLOCK = 1 << 14  # pixels; their int32 sums fill 64 KiB of the second-level cache
BASE = 128
LARGEST = (BASE // 2 - 1) * (BASE + 1)  # a weight, in size: two digits of -64..63

_BYTES = ir.VectorType(ir.IntType(8), PIXELS)
_PAIRS = ir.VectorType(ir.IntType(16), PIXELS // 2)
_WORDS = ir.VectorType(ir.IntType(32), PIXELS // 4)


@functools.cache
def available() -> bool:
    """Whether numba compiles for a processor that has the instructions."""
    if config.DISABLE_JIT or config.CPU_NAME or config.CPU_FEATURES:  # for another processor than this one
        return False
    return "+avx2" in get_host_cpu_features().split(",")


def serves(pixel: np.dtype[Any], weights: Array, columns: int) -> bool:
    """Whether `kernel` can add frames under weights in the dtype of the sums, in rows of so many pixels."""
    return (
        pixel == np.uint8
        and weights.dtype == np.int32
        and columns >= PIXELS
        and int(np.abs(weights).max()) <= LARGEST
        and available()
    )


def terms(weights: Array) -> tuple[Array, Array]:
    """Write weights (K, n) as the terms that each pass adds up.

    Returns
    -------
    ndarray of int32, shape (passes, 2·K, 4)
        Of a term the digits of four frames and of the next four, a byte each; its place, 1 or 128, as two 16-bit
        numbers; the row that it belongs to. The terms of a pass that are not zero come first. The last pass is filled
        up with frames of weight zero.
    ndarray of intp, shape (passes,)
        How many of them are not zero.
    """
    rows, n = weights.shape
    whole = np.zeros((rows, n + -n % FRAMES), np.int64)
    whole[:, :n] = weights
    low = (whole + BASE // 2) % BASE - BASE // 2
    digits = np.stack([low, (whole - low) // BASE]).astype(np.int8)
    by_pass = digits.reshape(2, rows, -1, FRAMES).transpose(2, 0, 1, 3)
    table = np.empty((*by_pass.shape[:3], 4), np.int32)
    table[..., :2] = np.ascontiguousarray(by_pass).view(np.int32)
    table[..., 2] = np.array([[1], [BASE]]) * 0x10001
    table[..., 3] = np.arange(rows)
    used = by_pass.any(axis=3).reshape(len(table), -1)
    first = np.argsort(~used, axis=1, kind="stable")
    return np.take_along_axis(table.reshape(len(table), -1, 4), first[..., np.newaxis], 1), used.sum(axis=1)


@functools.cache
def kernel() -> Any:  # noqa: ANN401 - numba's own type has no stubs
    """Compile `_add_bytes`."""
    return compiled(
        _add_bytes,
        "add_bytes",
        array("intp", 1),
        types.intp,
        array("int32", 3),
        array("intp", 1),
        types.boolean,
        array("int32", 3),
        *[types.intp] * 4,
    )


def _add_bytes(
    addresses: Array,
    row_stride: int,
    terms: Array,
    counts: Array,
    fresh: bool,
    sums: Array,
    first_row: int,
    last_row: int,
    first_column: int,
    last_column: int,
) -> None:
    """Add the frames at ``addresses`` to at least a strip of columns; ``fresh`` sums are overwritten.

    What remains of a row after its last whole strip is covered by a strip that reaches back, without what is there.
    """
    rest = (last_column - first_column) % PIXELS
    for row in range(first_row, last_row):
        of_row = sums[:, row]
        for start in range(first_column, last_column, BLOCK):
            stop = min(start + BLOCK, last_column)
            if fresh:
                of_row[:, start:stop] = 0
            for i in range(len(counts)):
                frames = _frames_of_pass(addresses, i * FRAMES, row * row_stride)
                _add_strips(frames, start, stop - (stop - start) % PIXELS, 0, terms[i], counts[i], of_row)
                if rest > 0 and stop == last_column:
                    _add_strips(frames, stop - PIXELS, stop, PIXELS - rest, terms[i], counts[i], of_row)


@numba.njit(nogil=True)
def _frames_of_pass(addresses: Array, t: int, offset: int) -> tuple[int, int, int, int, int, int, int, int]:
    """Return where a row of eight frames is; the last frame stands in for those after it."""
    end = len(addresses) - 1
    return (
        addresses[t] + offset,
        addresses[min(t + 1, end)] + offset,
        addresses[min(t + 2, end)] + offset,
        addresses[min(t + 3, end)] + offset,
        addresses[min(t + 4, end)] + offset,
        addresses[min(t + 5, end)] + offset,
        addresses[min(t + 6, end)] + offset,
        addresses[min(t + 7, end)] + offset,
    )


@intrinsic
def _add_strips(context, frames, start, stop, skipped, terms, count, sums):
    """Add pixels ``start`` to ``stop``, whole strips, of eight frames; the first ``skipped`` of each count as 0."""
    return types.void(frames, start, stop, skipped, terms, count, sums), _generate_add


def _generate_add(context, builder, signature, arguments):
    frames, start, stop, skipped, terms, count, sums = arguments
    terms, sums = (
        context.make_array(of)(context, builder, value)
        for of, value in ((signature.args[4], terms), (signature.args[6], sums))
    )
    number = start.type
    addresses = cgutils.unpack_tuple(builder, frames, FRAMES)
    row_bytes, _ = cgutils.unpack_tuple(builder, sums.strides)
    first_sum = builder.ptrtoint(sums.data, number)
    counted = _counted(builder, skipped)
    with cgutils.for_range_slice(builder, start, stop, number(PIXELS), number) as (column, _):
        strips = [
            builder.and_(builder.load(_pointer(builder, builder.add(address, column), _BYTES), align=1), counted)
            for address in addresses
        ]
        quads = [_interleaved(builder, strips[:4]), _interleaved(builder, strips[4:])]
        place_in_row = builder.add(first_sum, builder.mul(column, number(4)))
        with cgutils.for_range(builder, count) as loop:
            term = builder.gep(terms.data, [builder.mul(loop.index, number(4))])
            *factors, place, row = (builder.load(builder.gep(term, [number(i)])) for i in range(4))
            parts = [_dot(builder, of_part, factors, place) for of_part in zip(*quads, strict=True)]
            of_row = builder.add(place_in_row, builder.mul(builder.sext(row, number), row_bytes))
            _add_to_sums(builder, parts, _pointer(builder, of_row, _WORDS))
    return context.get_dummy_value()


def _pointer(builder, address, vector):
    return builder.inttoptr(address, vector.as_pointer())


def _counted(builder, skipped):
    """Return all ones in every byte but the first ``skipped``; nothing is left of it where that is a constant 0."""
    order = ir.Constant(_BYTES, list(range(PIXELS)))
    skipped = _everywhere(builder, builder.trunc(skipped, _BYTES.element), _BYTES)
    return builder.sext(builder.icmp_unsigned(">=", order, skipped), _BYTES)


def _interleaved(builder, frames):
    """Four vectors of bytes, four neighbours a pixel in four frames.

    Instructions work within halves of a vector: the first vector has pixels 0-3 and 16-19, the next 4-7 and 20-23.
    """
    first, second = (
        [builder.bitcast(builder.shuffle_vector(a, b, _zip(half, 16)), _PAIRS) for half in range(2)]
        for a, b in (frames[:2], frames[2:])
    )
    return [
        builder.bitcast(builder.shuffle_vector(first[outer], second[outer], _zip(half, 8)), _BYTES)
        for outer in range(2)
        for half in range(2)
    ]


def _zip(half, elements):
    """Which elements of two vectors alternate: the first or second half of every 128 bits, which hold ``elements``."""
    total = PIXELS * elements // 16
    order = [
        source * total + lane + half * elements // 2 + j
        for lane in range(0, total, elements)
        for j in range(elements // 2)
        for source in range(2)
    ]
    return ir.Constant(ir.VectorType(ir.IntType(32), total), order)


def _dot(builder, quads, factors, place):
    """Σ digit·pixel·place over eight frames, for eight pixels."""
    places = builder.bitcast(_everywhere(builder, place, _WORDS), _PAIRS)
    sums = []
    for pixels, factor in zip(quads, factors, strict=True):
        digits = builder.bitcast(_everywhere(builder, factor, _WORDS), _BYTES)
        pairs = _multiplied(builder, "llvm.x86.avx2.pmadd.ub.sw", _PAIRS, pixels, digits)
        sums.append(_multiplied(builder, "llvm.x86.avx2.pmadd.wd", _WORDS, pairs, places))
    return builder.add(*sums)


def _multiplied(builder, name, result, ones, others):
    function = ir.FunctionType(result, [ones.type, others.type])
    return builder.call(cgutils.get_or_insert_function(builder.module, function, name), [ones, others])


def _add_to_sums(builder, parts, target):
    """Add what `_dot` found, in the order of pixels."""
    for i, (half, pair) in enumerate(((0, 0), (0, 2), (4, 0), (4, 2))):
        order = ir.Constant(_WORDS, [vector + half + j for vector in (0, _WORDS.count) for j in range(4)])
        pixels = builder.shuffle_vector(parts[pair], parts[pair + 1], order)
        place = builder.gep(target, [ir.IntType(64)(i)])
        builder.store(builder.add(builder.load(place, align=4), pixels), place, align=4)


def _everywhere(builder, value, vector):
    """Return a vector of one value."""
    nothing = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(nothing, value, ir.IntType(32)(0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, nothing, first)
