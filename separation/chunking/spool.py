"""Arrays in temporary files (`DiskArray`) and sums of them (`WeightedSum`): memory does not grow with the recording.

Multi-diffusion keeps the latents, noise and velocities of a whole recording in them. They are read and written plainly
and never mapped: pages of a mapped file count as memory of the process, which would then grow with the recording.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from separation.errors import SeparationError

Rows = NDArray[np.float32]
BLOCK_BYTES = 1 << 22  # memory for each array while a sum is computed


class DiskArray:
    """A float32 array of shape (n_rows, width), initially zero, in a temporary file that is deleted with it.

    Raises:
        SeparationError: the file cannot be made, read or written; most often the disk is full.
    """

    def __init__(self, n_rows: int, width: int) -> None:
        self.n_rows, self.width = n_rows, width
        try:
            self._file = tempfile.TemporaryFile(prefix="audio-playground-", buffering=0)  # noqa: SIM115 - lives on
            self._close = weakref.finalize(self, self._file.close)
            self._file.truncate(n_rows * width * 4)
        except OSError as error:
            raise _no_disk(error) from error

    def read(self, start: int, stop: int) -> Rows:
        """Return a copy of rows [start, stop), shape (stop - start, width)."""
        assert 0 <= start <= stop <= self.n_rows
        rows = np.empty((stop - start, self.width), np.float32)
        left = _bytes(rows)
        try:
            self._file.seek(start * self.width * 4)
            while left:  # one call may stop short, at 2 GiB or at a signal
                n_read = self._file.readinto(left)
                assert n_read
                left = left[n_read:]
        except OSError as error:
            raise _no_disk(error) from error
        return rows

    def write(self, start: int, rows: Rows) -> None:
        """Replace the rows from `start` on by `rows`, shape (any, width)."""
        assert rows.ndim == 2
        assert rows.shape[1] == self.width
        assert 0 <= start <= start + len(rows) <= self.n_rows
        left = _bytes(np.ascontiguousarray(rows, np.float32))
        try:
            self._file.seek(start * self.width * 4)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise _no_disk(error) from error

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield (start, stop) of successive blocks of rows, each of at most `BLOCK_BYTES`, that cover the array."""
        n_rows = max(1, BLOCK_BYTES // (4 * self.width))
        for start in range(0, self.n_rows, n_rows):
            yield start, min(start + n_rows, self.n_rows)

    def close(self) -> None:
        """Delete the file."""
        self._close()


@dataclass(eq=False, slots=True)
class WeightedSum:
    """A sum of arrays on disk, each times a number; it adds and scales like an array, and is computed by `stored`.

    Explicit solvers need no more of states and velocities, and an array need not hold its values before `stored`.
    """

    terms: dict[DiskArray, float] = field(default_factory=dict)

    def __add__(self, other: WeightedSum) -> WeightedSum:
        terms = dict(self.terms)
        for array, weight in other.terms.items():
            terms[array] = terms.get(array, 0.0) + weight
        return WeightedSum(terms)

    def __sub__(self, other: WeightedSum) -> WeightedSum:
        return self + -1.0 * other

    def __mul__(self, factor: float) -> WeightedSum:
        return WeightedSum({array: factor * weight for array, weight in self.terms.items()})

    __rmul__ = __mul__

    def stored(self) -> DiskArray:
        """Compute the values block by block into one array, which the sum stands for from then on, and return it."""
        (first, weight), *_ = self.terms.items()
        if len(self.terms) > 1 or weight != 1:
            total = DiskArray(first.n_rows, first.width)
            for start, stop in total.spans():
                block = np.zeros((stop - start, total.width), np.float32)
                for array, weight in self.terms.items():
                    block += np.float32(weight) * array.read(start, stop)
                total.write(start, block)
            self.terms = {total: 1.0}
        return next(iter(self.terms))


def _bytes(rows: Rows) -> memoryview:
    return rows.data.cast("B") if rows.size else memoryview(b"")  # a view with a 0 in its shape cannot be cast


def _no_disk(error: OSError) -> SeparationError:
    return SeparationError(
        "A temporary file of this run cannot be used.",
        f"The system says: {error.strerror or error}.",
        f"Make room in {tempfile.gettempdir()!r}, or name a roomier folder in the variable TMPDIR.",
    )
