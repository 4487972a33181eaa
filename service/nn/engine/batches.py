"""Rows in the order of an epoch, gathered a block of batches at a time so that memory does not grow with the rows."""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from service.nn import randomness

Array = np.ndarray[Any, Any]

# Enough rows to spread the cost of gathering and of metrics over many small batches.
BLOCK_ROWS = 1024
BLOCK_BYTES = 1 << 20


class Block(NamedTuple):
    """Some consecutive batches of an epoch: inputs, targets, weights, and where each batch begins and ends."""

    x: Array
    y: Array | None
    weights: Array | None
    bounds: list[tuple[int, int]]


class Batches:
    """Inputs, targets and row weights of a fit, cut into blocks of whole batches.

    With `ones`, inputs of shape (rows, features) come as (rows, features + 1), the last column of which is 1.
    """

    def __init__(
        self,
        x: Array,
        y: Array | None,
        weights: Array | None,
        *,
        batch_size: int,
        dtype: Any,
        target_dtype: Any = None,
        ones: bool = False,
    ) -> None:
        self.rows = len(x)
        self.batch_size = batch_size = min(batch_size, max(1, self.rows))
        self.steps = -(-self.rows // batch_size)
        row_bytes = max(1, int(np.prod(x.shape[1:]))) * np.dtype(dtype).itemsize
        most_rows = max(batch_size, min(BLOCK_ROWS, BLOCK_BYTES // row_bytes))
        self.block_rows = min(most_rows // batch_size * batch_size, self.steps * batch_size)
        self._columns: list[_Column | _Joined] = [_Column(x, dtype, self.block_rows)]
        if ones:
            self._columns = [_Joined(x, dtype, self.block_rows)]
        self._columns += [_Column(y, target_dtype or dtype, self.block_rows)] if y is not None else []
        self._columns += [_Column(weights, dtype, self.block_rows)] if weights is not None else []
        self._has_y, self._has_weights = y is not None, weights is not None

    def blocks(self, order: Array | None = None, skip: int = 0) -> Iterator[Block]:
        """The blocks of one epoch without its first `skip` batches; the arrays are overwritten by the next block."""
        whole, skip = divmod(skip, self.block_rows // self.batch_size)
        for start in range(whole * self.block_rows, self.rows, self.block_rows):
            stop = min(start + self.block_rows, self.rows)
            index = slice(start, stop) if order is None else order[start:stop]
            parts = iter([column.take(index, stop - start) for column in self._columns])
            rows = stop - start
            bounds = [(at, min(at + self.batch_size, rows)) for at in range(0, rows, self.batch_size)]
            yield Block(
                next(parts),
                next(parts) if self._has_y else None,
                next(parts) if self._has_weights else None,
                bounds[skip:],
            )
            skip = 0

    def stream(self, shuffle: bool | str, seed: int, first: int, skip: int = 0) -> Iterator[Block]:
        """The blocks of pass after pass from `first`, without end; the order of pass p is that of epoch p.

        `skip` batches from the beginning, which may be many passes, are left out.
        """
        passes, skip = divmod(skip, self.steps)
        for number in itertools.count(first + passes):
            yield from self.blocks(self.order(shuffle, seed, number), skip)
            skip = 0

    def order(self, shuffle: bool | str, seed: int, epoch: int) -> Array | None:
        """The order of the rows in an epoch, a function of seed and epoch alone; None is as given."""
        if not shuffle:
            return None
        generator = randomness.generator(seed, randomness.ORDER, epoch)
        if shuffle == "batch":
            order = np.arange(self.rows)
            for start in range(0, self.rows, self.batch_size):
                generator.shuffle(order[start : start + self.batch_size])
            return order
        return generator.permutation(self.rows)


class Feed:
    """Hands out a stream of blocks by numbers of batches; a block may serve the end of one epoch and the next."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self._block: Block | None = None
        self._bounds: list[tuple[int, int]] = []

    def runs(self, steps: int, *, by_batch: bool) -> Iterator[tuple[Block, list[tuple[int, int]]]]:
        """The next `steps` batches: blocks, and the bounds of the batches to take of them, all or one at a time."""
        while steps > 0:
            if self._block is None or not self._bounds:
                self._block = next(self._blocks)
                self._bounds = self._block.bounds
            count = 1 if by_batch else min(steps, len(self._bounds))
            run, self._bounds = self._bounds[:count], self._bounds[count:]
            steps -= count
            yield self._block, run


class _Column:
    """One array of a fit, read as a view where its type is right and its order is kept, else through a buffer."""

    def __init__(self, values: Array, dtype: Any, block_rows: int) -> None:
        self._values = values
        self._same_type = values.dtype == dtype
        self._shape = (block_rows, *values.shape[1:])
        self._dtype = dtype
        self._made: Array | None = None

    @property
    def _buffer(self) -> Array:
        if self._made is None:
            self._made = np.empty(self._shape, self._dtype)
        return self._made

    def take(self, index: Any, rows: int) -> Array:
        """The rows of `index`, contiguous and of the right type."""
        if isinstance(index, slice):
            part = self._values[index]
            if self._same_type and part.flags.c_contiguous:
                return part
            out = self._buffer[:rows]
            out[...] = part
            return out
        out = self._buffer[:rows]
        if self._same_type:
            np.take(self._values, index, axis=0, out=out, mode="clip")
        else:
            out[...] = self._values[index]
        return out


class _Joined:
    """Inputs with a column of ones after their own."""

    def __init__(self, values: Array, dtype: Any, block_rows: int) -> None:
        self._inputs = _Column(values, dtype, block_rows)
        self._with_ones = np.ones((block_rows, values.shape[1] + 1), dtype)

    def take(self, index: Any, rows: int) -> Array:
        """The rows of `index`, contiguous and of the right type."""
        out = self._with_ones[:rows]
        out[:, :-1] = self._inputs.take(index, rows)
        return out
