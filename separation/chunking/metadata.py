"""What a `.chunks.json` file says: where the files that a recording was cut into lie in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from separation.audio.waveform import MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from separation.chunking.plan import Chunk, plan
from separation.errors import AudioError
from separation.model.windowing import Windowing
from separation.request import FADES

METADATA_SUFFIX: Final = ".chunks.json"
VERSION: Final = 1  # of what METADATA_SUFFIX files hold


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """The positions of chunk files in the recording they were cut from: the content of a `.chunks.json` file.

    Attributes:
        source: file name of the recording.
        source_sha256: of the recording's bytes.
        sample_rate: Hz, of all chunk files.
        n_channels: of all chunk files.
        first_sample: where in the recording the cut begins; chunks count from there.
        n_samples: from there to where the cut ends, at least 1.
        chunk_samples: length of every chunk but the last, which may be shorter.
        overlap_samples: what neighbours share.
        fade: the crossfade they are to be joined by.
        files: file name of every chunk, in order.
    """

    source: str
    source_sha256: str
    sample_rate: int
    n_channels: int
    first_sample: int
    n_samples: int
    chunk_samples: int
    overlap_samples: int
    fade: str
    files: tuple[str, ...]

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """Return where each file starts and stops, in samples."""
        return plan(self.n_samples, Windowing(chunk=self.chunk_samples, overlap=self.overlap_samples))

    def to_dict(self) -> dict[str, Any]:
        """Return the values that are written as JSON."""
        return {
            "version": VERSION,
            **{name: getattr(self, name) for name in (*_TEXTS, *_NUMBERS, "fade")},
            "chunks": [
                {"file": file, "start": chunk.start, "stop": chunk.stop}
                for file, chunk in zip(self.files, self.chunks, strict=True)
            ],
        }


def read_split(metadata: Path) -> Split:
    """Read a `.chunks.json` file.

    Raises:
        AudioError: it cannot be read, or does not describe chunks.
    """
    try:
        return _parsed(json.loads(metadata.read_text("utf-8")))
    except (OSError, ValueError, RecursionError) as error:  # unreadable, or not JSON, or what `_parsed` says
        reason = str(getattr(error, "strerror", None) or error)
        raise AudioError(
            f"{metadata.name!r} does not describe chunks.",
            f"{reason[:1].upper()}{reason[1:].rstrip('.')}.",
            "Cut the recording again, or give the files by name.",
        ) from error


_TEXTS: Final = ("source", "source_sha256")
_NUMBERS: Final = {  # name -> lowest and highest value
    "sample_rate": (MIN_SAMPLE_RATE, MAX_SAMPLE_RATE),
    "n_channels": (1, MAX_CHANNELS),
    "first_sample": (0, 2**53),
    "n_samples": (1, 2**53),
    "chunk_samples": (1, 2**53),
    "overlap_samples": (0, 2**53),
}


def _parsed(values: Any) -> Split:
    """Return the `Split` that JSON values describe; raise `ValueError` if they are wrong."""
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise ValueError(f"It is not a list of chunks of version {VERSION}")
    for name in _TEXTS:
        if not isinstance(values.get(name), str):
            raise ValueError(f"{name} is missing or no text")
    for name, (low, high) in _NUMBERS.items():
        if type(values.get(name)) is not int or not low <= values[name] <= high:
            raise ValueError(f"{name} is missing or not a whole number between {low} and {high}")
    if values.get("fade") not in FADES:
        raise ValueError(f"fade is none of: {', '.join(FADES)}")
    if values["overlap_samples"] > values["chunk_samples"] // 2:
        raise ValueError("overlap_samples is more than half a chunk")
    chunks = values.get("chunks")
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) for chunk in chunks):
        raise ValueError("chunks is not a list of chunks")
    files = [chunk.get("file") for chunk in chunks]
    if not all(isinstance(file, str) and file and Path(file).name == file for file in files):
        raise ValueError("a chunk's file is not a plain file name")
    cut = Split(**{name: values[name] for name in (*_TEXTS, *_NUMBERS, "fade")}, files=tuple(files))
    # The first comparison keeps absurd numbers from being planned at all.
    if cut.n_samples > len(files) * cut.chunk_samples or [(chunk.start, chunk.stop) for chunk in cut.chunks] != [
        (chunk.get("start"), chunk.get("stop")) for chunk in chunks
    ]:
        raise ValueError("its chunks do not lie where its lengths put them")
    return cut
