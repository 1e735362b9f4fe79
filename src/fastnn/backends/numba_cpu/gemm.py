"""Matrix products over packed panels, without a BLAS.

B is cut into panels of width(B) columns, each packed row by row; A is read where it lies. The inner length is cut into
chunks of CHUNK, whose sums are added in ascending order, each sum a single chain: an element's bits depend on its row
of A and its column of B alone, and threads share out rows and panels, never a sum.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from .activation import activation_span
from .compiling import allocating, call_at, inlined, kernel, parallel
from .kinds import IDENTITY
from .simd import LANES, load_some, store_some
from .threads import parts_for, run
from .tile import ROWS, panel_columns, tile, transpose, width

if TYPE_CHECKING:
    from fastnn.arrays import Array

# A panel's chunk is 16 KiB: half of an L1 cache of 32.
CHUNK = 256
# Rows of a block: 120 rows of a chunk of float32 are 120 KiB, which stays in an L2 cache beside the panels.
BLOCK = 120


@kernel
def pack_panels(w, rows, columns, is_transposed, panels, begin, end):
    """Panels begin to end, zero-padded, of a flat matrix (rows, columns), or of the transpose of (columns, rows)."""
    wide = width(w)
    half = wide // 2
    for panel in range(begin, end):
        start = panel * rows * wide
        first = panel * wide
        here = min(wide, columns - first)
        if not is_transposed:
            for k in range(rows):
                for j in range(0, wide, LANES):
                    v = load_some(w, k * columns + first + j, here - j, 0.0)
                    store_some(panels, start + k * wide + j, wide - j, v)
            continue
        whole = rows - rows % half if here == wide else 0
        for k in range(0, whole, half):
            for j in range(0, wide, half):
                transpose(w, (first + j) * rows + k, rows, panels, start + k * wide + j, wide)
        for k in range(whole, rows):
            for j in range(wide):
                panels[start + k * wide + j] = w[(first + j) * rows + k] if j < here else 0.0


@parallel
def pack_panels_driver(address, w, rows, columns, is_transposed, panels, units, parts):
    """pack_panels on Numba's threads."""
    for part in numba.prange(parts):
        call_at(address, w, rows, columns, is_transposed, panels, units * part // parts, units * (part + 1) // parts)


@inlined
def _tile_of(rows, a, a_at, a_row, a_step, b, b_at, b_step, depth, c, c_at, c_row, bias, bias_at, start):
    if rows == 6:
        tile(6, a, a_at, a_row, a_step, b, b_at, b_step, depth, c, c_at, c_row, bias, bias_at, start)
    elif rows == 5:
        tile(5, a, a_at, a_row, a_step, b, b_at, b_step, depth, c, c_at, c_row, bias, bias_at, start)
    elif rows == 4:
        tile(4, a, a_at, a_row, a_step, b, b_at, b_step, depth, c, c_at, c_row, bias, bias_at, start)
    elif rows == 3:
        tile(3, a, a_at, a_row, a_step, b, b_at, b_step, depth, c, c_at, c_row, bias, bias_at, start)
    elif rows == 2:
        tile(2, a, a_at, a_row, a_step, b, b_at, b_step, depth, c, c_at, c_row, bias, bias_at, start)
    else:
        tile(1, a, a_at, a_row, a_step, b, b_at, b_step, depth, c, c_at, c_row, bias, bias_at, start)


@kernel
def tile_rows(
    a, a_at, a_tile, a_row, a_step, b, b_at, b_step, depth, c, c_at, c_row, columns, rows, bias, bias_at, start, edge
):
    """Rows of one panel: c (rows, columns up to a panel's) from a chunk of A and of the panel; see tile.

    The tile of rows i to i + 5 finds its A at a_at + i a_tile. A panel that is not whole is computed in `edge`, a tile
    with the bias behind it.
    """
    wide = width(c)
    is_whole = columns == wide
    if not is_whole and start == 1:
        for j in range(wide):
            edge[ROWS * wide + j] = bias[bias_at + j] if j < columns else 0.0
    target = c if is_whole else edge
    target_row = c_row if is_whole else wide
    head = bias if is_whole else edge
    head_at = bias_at if is_whole else ROWS * wide
    for i in range(0, rows, ROWS):
        count = min(ROWS, rows - i)
        at = c_at + i * c_row
        target_at = at if is_whole else 0
        if not is_whole and start == 2:
            for r in range(count):
                for j in range(wide):
                    edge[r * wide + j] = c[at + r * c_row + j] if j < columns else 0.0
        _tile_of(
            *(count, a, a_at + i * a_tile, a_row, a_step, b, b_at, b_step, depth),
            *(target, target_at, target_row, head, head_at, start),
        )
        if not is_whole:
            for r in range(count):
                for j in range(columns):
                    c[at + r * c_row + j] = edge[r * wide + j]


@kernel
def pack_columns(a, a_at, a_step, depth, rows, block):
    """A chunk of a transposed A, six rows at a time beside each other: tiles of (depth, 6)."""
    for i in range(0, rows, ROWS):
        to = i * depth
        count = min(ROWS, rows - i)
        if count == ROWS:
            for k in range(depth):
                at = a_at + i + k * a_step
                for r in range(ROWS):
                    block[to + k * ROWS + r] = a[at + r]
        else:
            for k in range(depth):
                for r in range(count):
                    block[to + k * ROWS + r] = a[a_at + i + k * a_step + r]


@kernel
def finish(kind, parameter, y, z, at, count):
    """z = y, then y = f(y), for elements beside each other; z may be empty."""
    if z.size > 0:
        for j in range(0, count, LANES):
            store_some(z, at + j, count - j, load_some(y, at + j, count - j, 0.0))
    if kind != IDENTITY:
        activation_span(kind, parameter, y, y, at, count)


@allocating
def product(
    a, is_transposed, b, b_panel, b_step, b_last, m, n, depth, bias, kind, parameter, y, z, block, group, begin, end
):
    """y (m, n) = f(A B + bias), and z the same without f, for the units from begin to end. All arrays are flat.

    a is A (m, depth), or its transpose (depth, m). Panel p of B starts at b[p b_panel] and its rows are b_step apart:
    depth * width and width for packed panels, width and n for B as it lies; then b_last is the last panel, packed, if
    it is not whole. bias (n,) and z (m, n) may be empty. A unit is `block` rows, a multiple of 6 up to BLOCK, and
    `group` panels; units go through the groups of a block first.
    """
    wide = width(y)
    panels = (n + wide - 1) // wide
    groups = (panels + group - 1) // group
    packed = np.empty(block * min(depth, CHUNK) if is_transposed else 0, y.dtype)
    a_here = packed if is_transposed else a
    edge = np.empty((ROWS + 1) * wide, y.dtype)
    for unit in range(begin, end):
        row = unit // groups * block
        rows = min(block, m - row)
        first = unit % groups * group
        last = min(first + group, panels)
        k = 0
        while k == 0 or k < depth:
            deep = min(CHUNK, depth - k)
            start = 2 if k > 0 else 1 if bias.size > 0 else 0
            if is_transposed:
                pack_columns(a, k * m + row, m, deep, rows, packed)
                a_at, a_tile, a_row, a_step = 0, deep, 1, ROWS
            else:
                a_at, a_tile, a_row, a_step = row * depth + k, depth, depth, 1
            for panel in range(first, last):
                columns = min(wide, n - panel * wide)
                is_last = panel == panels - 1 and b_last.size > 0
                b_here = b_last if is_last else b
                step = wide if is_last else b_step
                b_at = k * wide if is_last else panel * b_panel + k * b_step
                tile_rows(
                    *(a_here, a_at, a_tile, a_row, a_step, b_here, b_at, step, deep),
                    *(y, row * n + panel * wide, n, columns, rows, bias, panel * wide, start, edge),
                )
            k += CHUNK
        if kind == IDENTITY and z.size == 0:
            continue
        if groups == 1:
            finish(kind, parameter, y, z, row * n, rows * n)
        else:
            for i in range(row, row + rows):
                finish(kind, parameter, y, z, i * n + first * wide, min(last * wide, n) - first * wide)


@parallel
def product_driver(
    address,
    a,
    is_transposed,
    b,
    b_panel,
    b_step,
    b_last,
    m,
    n,
    depth,
    bias,
    kind,
    parameter,
    y,
    z,
    block,
    group,
    units,
    parts,
):
    """product on Numba's threads."""
    for part in numba.prange(parts):
        call_at(
            *(
                address,
                a,
                is_transposed,
                b,
                b_panel,
                b_step,
                b_last,
                m,
                n,
                depth,
                bias,
                kind,
                parameter,
                y,
                z,
                block,
                group,
            ),
            *(units * part // parts, units * (part + 1) // parts),
        )


class _Scratch(threading.local):
    """Memory of a thread that is used again: fresh pages cost more than the work on them."""

    def __init__(self) -> None:
        self.bytes: dict[str, Array] = {}

    def array(self, name: str, size: int, dtype: Any) -> Array:
        """An array for one purpose, until the next call for it."""
        need = size * dtype.itemsize
        found = self.bytes.get(name)
        if found is None or found.size < need:
            found = self.bytes[name] = np.empty(need, np.uint8)
        return found[:need].view(dtype)


scratch = _Scratch()


def packed_size(rows: int, columns: int, dtype: Any) -> int:
    """The elements of all panels of a matrix (rows, columns)."""
    wide = panel_columns(dtype.itemsize)
    return -(-columns // wide) * wide * rows


def pack(w: Array, rows: int, columns: int, is_transposed: bool, panels: Array) -> None:
    """Fills panels, of packed_size elements, from a flat matrix; see pack_panels."""
    units = -(-columns // panel_columns(w.dtype.itemsize))
    run(pack_panels, pack_panels_driver, units, rows * columns, w, rows, columns, is_transposed, panels)


class Panels:
    """B of a product, as the kernel takes it: packed, or as it lies with its last panel packed."""

    def __init__(self, b: Array, panel: int, step: int, last: Array) -> None:
        self.b, self.panel, self.step, self.last = b, panel, step, last


def packed_panels(w: Array, rows: int, columns: int, is_transposed: bool, memory: Array | None = None) -> Panels:
    """All of a flat matrix, packed; into memory of packed_size elements, or the thread's own."""
    size = packed_size(rows, columns, w.dtype)
    panels = scratch.array("panels", size, w.dtype) if memory is None else memory
    pack(w, rows, columns, is_transposed, panels)
    wide = panel_columns(w.dtype.itemsize)
    return Panels(panels, rows * wide, wide, np.empty(0, w.dtype))


def lying_panels(w: Array, rows: int, columns: int) -> Panels:
    """A flat matrix in C order as it lies, for products of few rows, which would not earn the packing back."""
    wide = panel_columns(w.dtype.itemsize)
    rest = columns % wide
    last = np.zeros((rows, wide) if rest else (0, wide), w.dtype)
    if rest:
        last[:, :rest] = w.reshape(rows, columns)[:, columns - rest :]
    return Panels(w, wide, columns, last.reshape(-1))


def multiply(
    a: Array,
    is_transposed: bool,
    panels: Panels,
    shape: tuple[int, int, int],
    bias: Array | None,
    kind: tuple[int, float],
    y: Array,
    z: Array | None,
) -> None:
    """y = f(A B + bias) of flat arrays for shape (m, n, depth); see product."""
    m, n, depth = shape
    if m == 0 or n == 0:
        return
    nothing = np.empty(0, y.dtype)
    count = -(-n // panel_columns(y.dtype.itemsize))
    work = m * n * max(depth, 1) // 16
    threads = parts_for(m * count, work)
    block = _rows_of_block(m, threads)
    blocks = -(-m // block)
    # Enough units for an even share; the groups of a block read its rows again.
    groups = min(count, -(-threads * 4 // blocks)) if threads > 1 and blocks < 4 * threads else 1
    group = -(-count // groups)
    units = blocks * -(-count // group)
    run(
        *(product, product_driver, units, work, a, is_transposed, panels.b, panels.panel, panels.step, panels.last),
        *(m, n, depth, nothing if bias is None else bias, *kind, y, nothing if z is None else z, block, group),
    )


def _rows_of_block(m: int, threads: int) -> int:
    """The rows of a block: a multiple of 6 up to BLOCK, of blocks as even as that allows."""
    blocks = -(-m // BLOCK)
    if threads > 1 and m >= 2 * threads * ROWS:
        blocks = -(-blocks // threads) * threads
    rows = -(-m // blocks)
    return min(BLOCK, -(-rows // ROWS) * ROWS)
