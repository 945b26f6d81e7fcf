"""Sums of 8-bit frames by instructions that multiply 32 bytes by 32 bytes at once, on processors with AVX2.

``vpmaddubsw`` multiplies unsigned by signed bytes and adds neighbouring products into 16 bits; ``vpmaddwd`` multiplies
those and adds neighbours into 32. Frames are interleaved, so that four neighbours are one pixel in four frames and the
signed bytes are their weights. A pass reads eight frames once for all rows of weights, which
`mer_di.accumulate._byte_dots` writes as the terms of each pass.
"""

# Numba calls an intrinsic and its generator with objects of its own that have no stubs, as llvmlite has none:
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-call, no-untyped-def, call-arg"

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from mer_di.kernels.constants import FRAMES, STRIP

Array = NDArray[Any]

BLOCK = 1 << 14  # pixels; their int32 sums fill 64 KiB of the second-level cache

_BYTES = ir.VectorType(ir.IntType(8), STRIP)
_PAIRS = ir.VectorType(ir.IntType(16), STRIP // 2)
_WORDS = ir.VectorType(ir.IntType(32), STRIP // 4)


def add_bytes(
    addresses: Array,
    row_stride: int,
    terms: Array,
    counts: Array,
    fresh: int,
    sums: Array,
    first_row: int,
    last_row: int,
    first_column: int,
    last_column: int,
) -> None:
    """Add the frames at ``addresses`` to at least a strip of columns; ``fresh`` sums are overwritten.

    What remains of a row after its last whole strip is covered by a strip that reaches back, without what is there.
    """
    rest = (last_column - first_column) % STRIP
    for row in range(first_row, last_row):
        of_row = sums[:, row]
        for start in range(first_column, last_column, BLOCK):
            stop = min(start + BLOCK, last_column)
            if fresh:
                of_row[:, start:stop] = 0
            first = 0
            for i in range(len(counts)):
                frames = _frames_of_pass(addresses, i * FRAMES, row * row_stride)
                of_pass = terms[first:]
                _add_strips(frames, start, stop - (stop - start) % STRIP, 0, of_pass, counts[i], of_row)
                if rest > 0 and stop == last_column:
                    _add_strips(frames, stop - STRIP, stop, STRIP - rest, of_pass, counts[i], of_row)
                first += counts[i]


@numba.njit()
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
    with cgutils.for_range_slice(builder, start, stop, number(STRIP), number) as (column, _):
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
    order = ir.Constant(_BYTES, list(range(STRIP)))
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
    total = STRIP * elements // 16
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
