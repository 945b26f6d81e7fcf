"""Sums of 8-bit frames by an instruction that multiplies four bytes by four bytes, where the processor has it.

``vpdpbusd`` adds to each int32 of a vector four products of an unsigned and a signed byte. Four frames are
interleaved, so that the unsigned bytes are one pixel in four frames; the signed bytes are their weights. A pass
reads eight frames once for all rows of weights. A weight too large for a byte is written in digits of base 256, and
the digits of one place make a row: the sums stay exact for integers of any size.
"""

# Numba calls an intrinsic and its generator with objects of its own that have no stubs, as llvmlite has none:
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-call, no-untyped-def, attr-defined, call-arg, import-untyped"

import functools
from collections.abc import Iterator
from typing import Any

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
PIXELS = 32  # in a strip: one byte each of a 256-bit vector
BLOCK = 1 << 13  # pixels; the sums of one row fill 32 KiB of the second-level cache
LONGEST = 1 << 16  # frames; more could exceed int32: 255·128·2**16 is just below 2**31

_BYTES = ir.VectorType(ir.IntType(8), PIXELS)
_PAIRS = ir.VectorType(ir.IntType(16), PIXELS // 2)
_WORDS = ir.VectorType(ir.IntType(32), PIXELS // 4)


@functools.cache
def available() -> bool:
    """Whether numba compiles for a processor that has the instruction."""
    if config.DISABLE_JIT or config.CPU_NAME or config.CPU_FEATURES:  # for another processor than this one
        return False
    features = set(get_host_cpu_features().split(","))
    return {"+avx512vnni", "+avx512vl"} <= features or "+avxvnni" in features


def columns(of_frame: int, pixel: np.dtype[Any], total: np.dtype[Any]) -> int:
    """How many columns, from the first on, `kernel` can add: whole strips."""
    serves = pixel == np.uint8 and total.kind == "i" and available()
    return of_frame - of_frame % PIXELS if serves else 0


def digits(weights: Array) -> Array:
    """Write integer weights (K, n) in digits of -128..127, the lowest first: four to an int32, (D·K, n'/4).

    n' is n rounded up to whole passes; the digits of frames that do not exist are 0.
    """
    k, n = weights.shape
    places = list(_places(weights.astype(np.int64)))
    rows = np.zeros((len(places) * k, n + -n % FRAMES), np.int8)
    rows[:, :n] = np.concatenate(places)
    return rows.view(np.int32)


def _places(rest: Array) -> Iterator[Array]:
    while True:
        low = rest.astype(np.int8)
        yield low
        rest = (rest - low) >> 8
        if not rest.any():
            return


@functools.cache
def kernel(total: str) -> Any:  # noqa: ANN401 - numba's own type has no stubs
    """Compile `_add_bytes` for a dtype of the sums."""
    return compiled(
        _add_bytes,
        f"add_bytes_{total}",
        array("uint8", 1, readonly=True),
        types.intp,
        types.intp,
        types.intp,
        array("int32", 2),
        array(total, 3),
        *[types.intp] * 4,
    )


def _add_bytes(
    pixels: Array,
    frame_stride: int,
    row_stride: int,
    n: int,
    digits: Array,
    sums: Array,
    first_row: int,
    last_row: int,
    first_column: int,
    last_column: int,
) -> None:
    """Add n frames to whole strips of columns. Four digits are one int32 of ``digits``."""
    partial = np.empty((len(digits), BLOCK), np.int32)
    for row in range(first_row, last_row):
        for start in range(first_column, last_column, BLOCK):
            size = min(BLOCK, last_column - start)
            partial[:, :size] = 0
            for t in range(0, n, FRAMES):
                for i in range(0, size, PIXELS):
                    _add_strip(pixels, row * row_stride + start + i, frame_stride, n - 1, digits, t, partial, i)
            for r in range(len(digits)):
                place, k = divmod(r, len(sums))
                of_image = sums[k, row, start : start + size]
                for i in range(0, size, PIXELS):
                    _settle_strip(partial[r], i, 8 * place, of_image)


@intrinsic
def _add_strip(context, pixels, start, stride, last, weights, t, sums, at):
    """Add the 32 pixels from ``start`` on, in frames t to t + 7, to ``sums[:, at:at + 32]``.

    Frames after the ``last`` are replaced by it; their weights have to be 0. The sums are left in the order in
    which the processor interleaves: pixels 0-3, 16-19, 4-7, 20-23 and so on.
    """
    return types.void(pixels, start, stride, last, weights, t, sums, at), _generate_add


def _generate_add(context, builder, signature, arguments):
    pixels, weights, sums = (context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 4, 6))
    start, stride, last, t, at = (arguments[i] for i in (1, 2, 3, 5, 7))
    frames = []
    for j in range(FRAMES):
        frame = builder.add(t, t.type(j))
        frame = builder.select(builder.icmp_signed("<", frame, last), frame, last)
        address = builder.gep(pixels.data, [builder.add(start, builder.mul(frame, stride))])
        frames.append(builder.load(builder.bitcast(address, _BYTES.as_pointer()), align=1))
    pixels_of_four = [_interleaved(builder, frames[j : j + 4]) for j in range(0, FRAMES, 4)]

    rows, words = cgutils.unpack_tuple(builder, weights.shape)
    _, width = cgutils.unpack_tuple(builder, sums.shape)
    word = builder.udiv(t, t.type(4))
    with cgutils.for_range(builder, rows) as loop:
        of_row = builder.gep(weights.data, [builder.add(builder.mul(loop.index, words), word)])
        factors = [builder.load(builder.gep(of_row, [t.type(j)])) for j in range(FRAMES // 4)]
        any_weight = factors[0]
        for factor in factors[1:]:
            any_weight = builder.or_(any_weight, factor)
        with builder.if_then(builder.icmp_unsigned("!=", any_weight, any_weight.type(0))):
            address = builder.gep(sums.data, [builder.add(builder.mul(loop.index, width), at)])
            target = builder.bitcast(address, _WORDS.as_pointer())
            for part in range(4):
                place = builder.gep(target, [t.type(part)])
                total = builder.load(place, align=4)
                for quads, factor in zip(pixels_of_four, factors, strict=True):
                    total = _dot(builder, total, quads[part], factor)
                builder.store(total, place, align=4)
    return context.get_dummy_value()


@intrinsic
def _settle_strip(context, partial, at, shift, sums):
    """Add ``partial[at:at + 32] << shift``, as `_add_strip` leaves it, to ``sums[at:at + 32]`` in order of pixels."""
    return types.void(partial, at, shift, sums), _generate_settle


def _generate_settle(context, builder, signature, arguments):
    partial, sums = (context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 3))
    _, at, shift, _ = arguments
    total = ir.IntType(signature.args[3].dtype.bitwidth)
    totals = ir.VectorType(total, _WORDS.count)
    shifts = _everywhere(builder, builder.trunc(shift, total) if total.width < 64 else shift, totals)
    source = builder.bitcast(builder.gep(partial.data, [at]), _WORDS.as_pointer())
    target = builder.bitcast(builder.gep(sums.data, [at]), totals.as_pointer())
    parts = [builder.load(builder.gep(source, [at.type(i)]), align=4) for i in range(4)]
    for i, (half, pair) in enumerate(((0, 0), (0, 2), (4, 0), (4, 2))):
        order = ir.Constant(_WORDS, [vector + half + j for vector in (0, _WORDS.count) for j in range(4)])
        pixels = builder.shuffle_vector(parts[pair], parts[pair + 1], order)
        if total.width > 32:
            pixels = builder.sext(pixels, totals)
        place = builder.gep(target, [at.type(i)])
        before = builder.load(place, align=total.width // 8)
        builder.store(builder.add(before, builder.shl(pixels, shifts)), place, align=total.width // 8)
    return context.get_dummy_value()


def _interleaved(builder, frames):
    """Four vectors of int32, each a pixel in four frames; within 128 bits, as the processor interleaves."""
    first, second = (
        [builder.bitcast(builder.shuffle_vector(a, b, _zip(half, 16)), _PAIRS) for half in range(2)]
        for a, b in (frames[:2], frames[2:])
    )
    return [
        builder.bitcast(builder.shuffle_vector(first[outer], second[outer], _zip(half, 8)), _WORDS)
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


def _dot(builder, total, quads, factor):
    name = "llvm.x86.avx512.vpdpbusd.256"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_WORDS, [_WORDS] * 3), name)
    return builder.call(function, [total, quads, _everywhere(builder, factor, _WORDS)])


def _everywhere(builder, value, vector):
    """Return a vector of one value."""
    nothing = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(nothing, value, ir.IntType(32)(0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, nothing, first)
