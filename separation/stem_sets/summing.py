"""Reads the sounds of stems from files, at one rate and number of channels, and adds them up block by block."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from separation.audio.decode import SILENT, decode_blocks
from separation.audio.part import Part
from separation.audio.waveform import resample_blocks, to_channels
from separation.stem_sets.folder import readable
from separation.stem_sets.song import StemSource

Blocks = Generator[NDArray[np.float32], None, None]  # each of shape (channels, any length)
BLOCK_SAMPLES = 1 << 16


def source_blocks(
    source: StemSource, part: Part, sample_rate: int, n_channels: int, say: Callable[[str], object]
) -> Blocks:
    """Yield a part of a file as blocks of this rate and number of channels; nothing where the file ends before it.

    Args:
        source: the file.
        part: its track is not heeded.
        sample_rate: Hz.
        n_channels: 1 or 2.
        say: gets a sentence for each thing that was changed or is wrong with the file; not that it is silent.

    Raises:
        AudioError: it cannot be decoded.
        SettingsError: it has no such audio track.
    """
    name = label(source)
    # From its start on, so that a file that ends before the part is told apart from one that lacks it.
    with decode_blocks(source.path, BLOCK_SAMPLES, part=Part(end_s=part.end_s, track=source.track)) as decoded:
        rate, n_given = decoded.info.sample_rate, decoded.info.n_channels
        mixed = (to_channels(block, n_channels) for block in decoded)
        yield from _after(round(part.start_s * sample_rate), resample_blocks(mixed, n_channels, rate, sample_rate))
        for warning in decoded.warnings:
            if not warning.endswith(SILENT):
                say(f"{name}: {warning}")
        if rate != sample_rate:
            say(f"{name} was brought from {rate} Hz to {sample_rate} Hz.")
        if n_given > n_channels:
            say(f"{name} was mixed down from {n_given} channels to {n_channels}.")


def summed(streams: Iterable[Blocks]) -> Blocks:
    """Yield the sum of streams of one number of channels, as long as the longest of them; all are read side by side."""
    with ExitStack() as opened:
        level = [opened.enter_context(closing(_of_one_size(stream))) for stream in streams]
        for blocks in zip_longest(*level):
            there = [block for block in blocks if block is not None]
            total = np.zeros((len(there[0]), max(block.shape[1] for block in there)), np.float32)
            for block in there:
                total[:, : block.shape[1]] += block
            yield total


def label(source: StemSource) -> str:
    """Return what a sentence calls the sound."""
    name = f"“{readable(source.path.name)}”"
    return name if source.track is None else f"Audio track {source.track} of {name}"


def _after(n_samples: int, blocks: Iterator[NDArray[np.float32]]) -> Blocks:
    """Yield what comes after the first samples."""
    for block in blocks:
        if n_samples < block.shape[1]:
            yield block[:, n_samples:]
        n_samples = max(0, n_samples - block.shape[1])


def _of_one_size(blocks: Blocks) -> Blocks:
    """Yield the same samples in blocks of `BLOCK_SAMPLES`, of which the last may be shorter."""
    with closing(blocks):
        waiting: list[NDArray[np.float32]] = []
        n_waiting = 0
        for block in blocks:
            waiting.append(block)
            n_waiting += block.shape[1]
            while n_waiting >= BLOCK_SAMPLES:
                joined = np.concatenate(waiting, axis=1)
                yield joined[:, :BLOCK_SAMPLES]
                waiting = [joined[:, BLOCK_SAMPLES:]]
                n_waiting -= BLOCK_SAMPLES
        if n_waiting:
            yield np.concatenate(waiting, axis=1)
