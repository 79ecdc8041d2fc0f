"""Evaluates the transformer by replaying a CUDA graph: all its kernels are launched at once, not one after another.

An evaluation is some hundreds of short kernels, and a fast graphics card may wait for the processor to launch each. A
graph has fixed shapes and addresses: inputs are copied into the buffers that it was captured with, and what it makes is
copied out. Inputs are never padded to a known shape, as the transformer normalises over whole clips and would answer
differently; the windows of a recording have one length, so that a run meets two or three shapes.

A graph launches the kernels that would be launched without it. It is used only if its first answer is the same to the
bit, so that keys of kept results need not name it. Capturing needs no compiler.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

SWITCH = "AUDIO_PLAYGROUND_GRAPHS"  # the environment variable by which a person does without: "off"
KEPT = 4  # graphs, those used last: each holds the memory of an evaluation, a small part of what the codec takes
REPLAYED = "all at once, as CUDA graphs"

# Evaluates a network at inputs of any shape; an input that is absent is None.
Evaluation: TypeAlias = Callable[..., Tensor]
# Runs a function while its kernels are recorded; returns what launches them again, and the tensor they write.
Capture: TypeAlias = Callable[[Callable[[], Tensor]], tuple[Callable[[], None], Tensor]]

log = logging.getLogger(__name__)


def graphs_for(device: str) -> Graphs | None:
    """Return the graphs for a network on a device of PyTorch's; None where there are none, or a person wants none."""
    return Graphs() if device == "cuda" and os.environ.get(SWITCH, "").casefold() != "off" else None


def captured_by_cuda(compute: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    """Capture a CUDA graph of what `compute` launches, which has to have run before; see `Capture`.

    Raises:
        RuntimeError: it cannot be captured, or memory ran out.
    """
    graph = torch.cuda.CUDAGraph()
    # The outer context puts the stream back, which PyTorch does not where a capture fails. Other threads may meanwhile
    # ask for memory.
    with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph, capture_error_mode="thread_local"):
        made = compute()
    return graph.replay, made


class Graphs:
    """The graphs of one network's evaluation, one for each set of shapes.

    Args:
        capture: how they are made.
    """

    def __init__(self, capture: Capture = captured_by_cuda) -> None:
        self._capture = capture
        self._captured: dict[tuple[object, ...], _Graph] = {}  # the one used last at the end
        self._is_refused = False
        self.launches = REPLAYED  # how kernels are launched, for reports

    def evaluate(self, compute: Evaluation, *inputs: Tensor | None) -> Tensor:
        """Return `compute(*inputs)`, from a graph if there is one for these shapes; else capture one for the next time.

        Where that fails, or the graph's answer differs, no more graphs are used, and `launches` says why.

        Args:
            compute: the same at every call, and without control flow that depends on values; it makes no use of tensors
                that change but `inputs`.
            inputs: tensors on the graphics card, or None.
        """
        if self._is_refused:
            return compute(*inputs)
        shapes = tuple(None if one is None else (one.shape, one.dtype) for one in inputs)
        if shapes not in self._captured:
            return self._first(shapes, compute, inputs)
        graph = self._captured[shapes] = self._captured.pop(shapes)
        return graph.evaluate(inputs)

    def _first(self, shapes: tuple[object, ...], compute: Evaluation, inputs: Sequence[Tensor | None]) -> Tensor:
        """Return `compute(*inputs)` and capture a graph of it."""
        exact = compute(*inputs)  # libraries start themselves at their first use, which cannot be captured
        try:
            graph = _Graph(self._capture, compute, inputs)
            is_same = torch.equal(graph.evaluate(inputs), exact)
        except RuntimeError as failure:
            log.warning("a CUDA graph could not be captured", exc_info=True)
            why = next(iter(str(failure).splitlines()), type(failure).__name__)
            self._refuse(f"a CUDA graph could not be captured: {why}")
            return exact
        if not is_same:
            self._refuse("a CUDA graph gave another result")
            return exact
        self._captured[shapes] = graph
        while len(self._captured) > KEPT:
            del self._captured[next(iter(self._captured))]
        return exact

    def _refuse(self, why: str) -> None:
        self._is_refused, self.launches = True, f"one after another, as {why}"
        self._captured.clear()


class _Graph:
    """One captured evaluation and its buffers. It does not hold `compute`, and so not the network that holds it."""

    def __init__(self, capture: Capture, compute: Evaluation, inputs: Sequence[Tensor | None]) -> None:
        self._buffers = buffers = [None if one is None else one.clone() for one in inputs]
        self._replay, self._made = capture(lambda: compute(*buffers))

    def evaluate(self, inputs: Sequence[Tensor | None]) -> Tensor:
        for buffer, one in zip(self._buffers, inputs, strict=True):
            if buffer is not None and one is not None:
                buffer.copy_(one)
        self._replay()
        return self._made.clone()  # the next replay overwrites it
