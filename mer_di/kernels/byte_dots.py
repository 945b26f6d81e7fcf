"""Sums of 8-bit frames by instructions that multiply 32 bytes by 32 bytes at once.

They multiply unsigned by signed bytes and add four neighbouring products. Frames are interleaved, so that four
neighbours are one pixel in four frames, and weights are written in signed digits of a byte, one or two. A step reads
eight frames once for one or two rows of weights.

Two sets of instructions serve. AVX2 adds two products into 16 bits first, which holds digits of up to 64 in size; VNNI
adds all four into 32 bits, in one instruction.
"""

# Numba calls an intrinsic and its generator with objects of its own that have no stubs, as llvmlite has none:
# ruff: noqa: ANN001, ANN002, ANN202
# mypy: disable-error-code="no-untyped-call, no-untyped-def, call-arg"

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from mer_di.kernels.constants import DIGIT_BITS, FRAMES, STRIP

Array = NDArray[Any]

BLOCK = 1 << 14  # pixels; their int32 sums fill 64 KiB of the second-level cache
KINDS = ((1, 1), (1, 2), (2, 1), (2, 2))  # rows and digits of a step

# Processors follow eight streams too late, so every frame is fetched ahead, in two stages. From memory it goes into the
# second-level cache only: the first level would lose it on the way, as frames that are whole pages apart share its few
# places. From there it goes into the first level just before it is needed. What is fetched beyond the end of a block
# serves the next; beyond the last frame it is of no use and does no harm, even where no memory is.
AHEAD = 4096  # bytes from memory: 10 to 20 % less time than without, but 20 % more for frames that a cache still holds
NEAR = 256  # bytes from cache to cache

_BYTES = ir.VectorType(ir.IntType(8), STRIP)
_PAIRS = ir.VectorType(ir.IntType(16), STRIP // 2)
_WORDS = ir.VectorType(ir.IntType(32), STRIP // 4)


def _adding_by(dot, bits: int) -> Callable[..., None]:
    """Return the kernel for instructions and the digits that they can multiply."""

    @intrinsic
    def add_strips(context, frames, ahead, start, stop, skipped, overwrite, step, sums):
        """Add pixels ``start`` to ``stop``, whole strips, of eight frames; the first ``skipped`` of each count as 0."""
        result = types.void(frames, ahead, start, stop, skipped, overwrite, step, sums)
        return result, partial(_generate_add, dot=dot, bits=bits)

    def add_bytes(
        first: int,
        frame_stride: int,
        row_stride: int,
        in_memory: int,
        weights: Array,
        steps: Array,
        fresh: int,
        sums: Array,
        first_row: int,
        last_row: int,
        first_column: int,
        last_column: int,
    ) -> None:
        """Add the frames from the address ``first`` to at least a strip of columns; ``fresh`` sums are overwritten.

        ``steps`` is room for `write_steps`. What remains of a row after its last whole strip is covered by a strip that
        reaches back, without what is there. Frames ``in_memory`` are fetched from there long before they are needed.
        """
        count = write_steps(weights, bits, fresh, steps)
        last = first + (weights.shape[1] - 1) * frame_stride
        ahead = AHEAD if in_memory else 0
        rest = (last_column - first_column) % STRIP
        for row in range(first_row, last_row):
            of_row = sums[:, row]
            for start in range(first_column, last_column, BLOCK):
                stop = min(start + BLOCK, last_column)
                whole = stop - (stop - start) % STRIP
                if fresh:
                    of_row[:, whole:stop] = 0
                for step in steps[:count]:
                    frames = _frames_from(first + step[0] * frame_stride, frame_stride, last, row * row_stride)
                    overwrite = 1 if fresh and step[0] == 0 else 0
                    add_strips(frames, ahead, start, whole, 0, overwrite, step, of_row)
                    if whole < stop:
                        add_strips(frames, 0, stop - STRIP, stop, STRIP - rest, 0, step, of_row)

    return add_bytes


@numba.njit()
def write_steps(weights: Array, bits: int, fresh: int, steps: Array) -> int:
    """Write weights (K, n) as steps of rows that are not zero over eight frames, and return how many there are.

    Of each step: the first frame; which of `KINDS`; the rows, of which the second may be unused; for each row its low
    and high digits, a byte a frame. Frames after the last have weight zero. If sums are fresh, the first eight frames
    have steps for all rows, which can then overwrite them.
    """
    rows, n = weights.shape
    count = 0
    for t in range(0, n, FRAMES):
        place = 0
        for k in range(rows):
            low, high = _digits(weights[k, t : t + FRAMES], bits)
            if low == 0 and high == 0 and not (fresh and t == 0):
                continue
            if place == 0:
                steps[count] = 0
                count += 1
            step = steps[count - 1]
            step[0] = t
            step[1] = 2 * place + (1 if high != 0 or step[1] % 2 != 0 else 0)
            step[2 + place] = k
            step[4 + 2 * place] = low
            step[5 + 2 * place] = high
            place = 1 - place
    return count


@numba.njit()
def _digits(weights: Array, bits: int) -> tuple[int, int]:
    """Return the low and the high digits of up to eight weights, a byte each."""
    half = 1 << bits - 1
    low, high = 0, 0
    for j in range(len(weights)):
        digit = ((weights[j] + half) & (2 * half - 1)) - half
        low |= (digit & 0xFF) << 8 * j
        high |= ((weights[j] - digit >> bits) & 0xFF) << 8 * j
    return low, high


@numba.njit()
def _frames_from(t: int, stride: int, last: int, offset: int) -> tuple[int, int, int, int, int, int, int, int]:
    """Return where a row of eight frames is; the last frame stands in for those after it."""
    return (
        t + offset,
        min(t + stride, last) + offset,
        min(t + 2 * stride, last) + offset,
        min(t + 3 * stride, last) + offset,
        min(t + 4 * stride, last) + offset,
        min(t + 5 * stride, last) + offset,
        min(t + 6 * stride, last) + offset,
        min(t + 7 * stride, last) + offset,
    )


def _generate_add(context, builder, signature, arguments, *, dot, bits):
    """Write a loop for each kind of step, which keeps all factors in registers."""
    frames, ahead, start, stop, skipped, overwrite, step, sums = arguments
    step, sums = (
        context.make_array(of)(context, builder, value)
        for of, value in ((signature.args[6], step), (signature.args[7], sums))
    )
    number = start.type
    entry = partial(_entry, builder, step.data)
    addresses = cgutils.unpack_tuple(builder, frames, FRAMES)
    row_bytes, _ = cgutils.unpack_tuple(builder, sums.strides)
    counted = _counted(builder, skipped)
    for kind, overwrites in product(range(len(KINDS)), range(2)):
        rows, digits = KINDS[kind]
        is_kind = builder.icmp_signed("==", entry(1), number(kind))
        with builder.if_then(builder.and_(is_kind, builder.icmp_signed("==", overwrite, overwrite.type(overwrites)))):
            of_rows = [
                builder.add(builder.ptrtoint(sums.data, number), builder.mul(entry(2 + row), row_bytes))
                for row in range(rows)
            ]
            factors = [[_fours(builder, entry(4 + 2 * row + digit)) for digit in range(digits)] for row in range(rows)]
            with cgutils.for_range_slice(builder, start, stop, number(STRIP), number) as (column, _):
                places = [builder.add(address, column) for address in addresses]
                _fetch_ahead(builder, places, column, ahead)
                strips = [_strip(builder, place, counted) for place in places]
                quads = [_interleaved(builder, strips[:4]), _interleaved(builder, strips[4:])]
                for of_row, of_digits in zip(of_rows, factors, strict=True):
                    parts = [_weighted(builder, pixels, of_digits, dot, bits) for pixels in zip(*quads, strict=True)]
                    place = _pointer(builder, builder.add(of_row, builder.mul(column, number(4))), _WORDS)
                    _to_sums(builder, parts, place, overwrites)
    return context.get_dummy_value()


def _entry(builder, step, column):
    return builder.load(builder.gep(step, [ir.IntType(64)(column)]))


def _fours(builder, digits):
    """Eight digits as two vectors that repeat four of them."""
    words = builder.trunc(digits, _WORDS.element), builder.trunc(builder.lshr(digits, digits.type(32)), _WORDS.element)
    return [_everywhere(builder, word, _WORDS) for word in words]


def _pointer(builder, address, vector):
    return builder.inttoptr(address, vector.as_pointer())


def _counted(builder, skipped):
    """Return all ones in every byte but the first ``skipped``; nothing is left of it where that is a constant 0."""
    order = ir.Constant(_BYTES, list(range(STRIP)))
    skipped = _everywhere(builder, builder.trunc(skipped, _BYTES.element), _BYTES)
    return builder.sext(builder.icmp_unsigned(">=", order, skipped), _BYTES)


def _fetch_ahead(builder, places, column, ahead):
    """Have what follows fetched; from memory at every second strip, because two are a line of the cache."""
    _fetch(builder, places, column.type(NEAR), level=1)
    is_second = builder.icmp_signed("!=", builder.and_(column, column.type(STRIP)), column.type(0))
    with builder.if_then(is_second), builder.if_then(builder.icmp_signed("!=", ahead, ahead.type(0))):
        _fetch(builder, places, ahead, level=2)


def _fetch(builder, places, ahead, *, level):
    """Have the lines so many bytes after the places fetched, to read, into a level of the cache."""
    byte = ir.IntType(8).as_pointer()
    number = ir.IntType(32)
    fetch = builder.module.declare_intrinsic(
        "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, number, number, number])
    )
    for place in places:
        line = builder.inttoptr(builder.add(place, ahead), byte)
        builder.call(fetch, [line, number(0), number(4 - level), number(1)])  # LLVM counts levels from the memory up


def _strip(builder, place, counted):
    return builder.and_(builder.load(_pointer(builder, place, _BYTES), align=1), counted)


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


def _weighted(builder, pixels, digits, dot, bits):
    """Σ weight·pixel over eight frames, for eight pixels; the digits of weights are in order of their places."""
    total = ir.Constant(_WORDS, [0] * _WORDS.count)
    for place, of_digit in reversed(list(enumerate(digits))):
        for four, factor in zip(pixels, of_digit, strict=True):
            total = dot(builder, total, four, factor)
        if place > 0:
            total = builder.shl(total, ir.Constant(_WORDS, [bits] * _WORDS.count))
    return total


def _dot_by_avx2(builder, total, pixels, digits):
    pairs = _called(builder, "llvm.x86.avx2.pmadd.ub.sw", _PAIRS, pixels, builder.bitcast(digits, _BYTES))
    ones = ir.Constant(_PAIRS, [1] * _PAIRS.count)
    return builder.add(total, _called(builder, "llvm.x86.avx2.pmadd.wd", _WORDS, pairs, ones))


def _dot_by_vnni(builder, total, pixels, digits):
    return _called(builder, "llvm.x86.avx512.vpdpbusd.256", _WORDS, total, builder.bitcast(pixels, _WORDS), digits)


def _called(builder, name, result, *arguments):
    function = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, function, name), arguments)


def _to_sums(builder, parts, target, overwrites):
    """Add what `_weighted` found, in the order of pixels, or let it be the sums."""
    for i, (half, pair) in enumerate(((0, 0), (0, 2), (4, 0), (4, 2))):
        order = ir.Constant(_WORDS, [vector + half + j for vector in (0, _WORDS.count) for j in range(4)])
        pixels = builder.shuffle_vector(parts[pair], parts[pair + 1], order)
        place = builder.gep(target, [ir.IntType(64)(i)])
        builder.store(pixels if overwrites else builder.add(builder.load(place, align=4), pixels), place, align=4)


def _everywhere(builder, value, vector):
    """Return a vector of one value."""
    nothing = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(nothing, value, ir.IntType(32)(0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, nothing, first)


add_bytes_by_avx2 = _adding_by(_dot_by_avx2, DIGIT_BITS["avx2"])
add_bytes_by_vnni = _adding_by(_dot_by_vnni, DIGIT_BITS["vnni"])
