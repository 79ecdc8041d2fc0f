"""Writes small songs whose stems are known, laid out as each collection has them.

All samples lie on the grid of 16 bits and are so small that their sums do too, so that what comes back is exact.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import numpy as np
import soundfile
import yaml
from numpy.typing import NDArray

RATE = 8_000
MUSDB = ("drums", "bass", "other", "vocals")
Samples = NDArray[np.float32]


def sound(seed: int = 0, duration_s: float = 0.5, n_channels: int = 2, rate: int = RATE) -> Samples:
    """Noise of shape (channels, samples)."""
    whole = np.random.default_rng(seed).integers(-2000, 2000, (n_channels, round(duration_s * rate)))
    return (whole / 32768).astype(np.float32)


def sounds(*names: str, duration_s: float = 0.5, n_channels: int = 2, rate: int = RATE) -> dict[str, Samples]:
    """One sound for each name."""
    return {name: sound(seed, duration_s, n_channels, rate) for seed, name in enumerate(names)}


def mixed(stems: Mapping[str, Samples]) -> Samples:
    """Their sum."""
    return np.sum([*stems.values()], axis=0, dtype=np.float32)


def write(path: Path, samples: Samples | None = None, rate: int = RATE) -> Path:
    """Write a file, of 16 bits where its format is lossless, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(
        path,
        (sound() if samples is None else samples).T,
        rate,
        subtype="PCM_16" if path.suffix.lower() in (".wav", ".flac") else None,
    )
    return path


def plain_song(
    folder: Path, stems: Mapping[str, Samples], mixture: str | None = "mixture.wav", extension: str = ".wav"
) -> Path:
    """A folder with the stems as files, and their sum if it has a name."""
    for name, samples in stems.items():
        write(folder / f"{name}{extension}", samples)
    if mixture is not None:
        write(folder / mixture, mixed(stems))
    return folder


def stem_file(path: Path, tracks: Sequence[Samples], names: Sequence[str] = ()) -> Path:
    """An MP4 with these audio tracks, without loss, and with the names of all but the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as output:
        streams = [output.add_stream("alac", rate=RATE, layout="stereo") for _ in tracks]
        for stream in streams:
            stream.codec_context.format = "s16p"
        for stream, samples in zip(streams, tracks, strict=True):
            whole = np.round(samples * 32768).astype(np.int16)
            for start in range(0, whole.shape[1], 4096):
                block = np.ascontiguousarray(whole[:, start : start + 4096])
                frame = av.AudioFrame.from_ndarray(block, format="s16p", layout="stereo")
                frame.rate, frame.pts = RATE, start
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    if names:
        _name_stems(path, json.dumps({"version": 1, "stems": [{"name": name} for name in names]}).encode())
    return path


def _name_stems(path: Path, described: bytes) -> None:
    """Put a box “stem” into one “udta” at the end of the box “moov”, which is the last of the file."""
    content = bytearray(path.read_bytes())
    stem = struct.pack(">I4s", 8 + len(described), b"stem") + described
    added = struct.pack(">I4s", 8 + len(stem), b"udta") + stem
    at = content.rindex(b"moov") - 4
    (size,) = struct.unpack_from(">I", content, at)
    assert at + size == len(content)
    struct.pack_into(">I", content, at, size + len(added))
    path.write_bytes(content + added)


def slakh_song(folder: Path, classes: Sequence[str], extension: str = ".flac") -> dict[str, Samples]:
    """A folder as those of Slakh2100, in which S00 and so on are of these classes; return these sounds."""
    ids = [f"S{number:02d}" for number in range(len(classes))]
    found = sounds(*ids, n_channels=1)
    for name, samples in found.items():
        write(folder / "stems" / f"{name}{extension}", samples)
    write(folder / f"mix{extension}", mixed(found))
    (folder / "all_src.mid").write_bytes(b"MThd")
    described = {
        name: {"inst_class": kind, "program_num": 0, "is_drum": kind == "Drums", "audio_rendered": True}
        for name, kind in zip(ids, classes, strict=True)
    }
    described["S99"] = {"inst_class": "Ethnic", "program_num": 104, "is_drum": False, "audio_rendered": False}
    (folder / "metadata.yaml").write_text(yaml.safe_dump({"audio_dir": "stems", "stems": described}), "utf-8")
    return found


def moises_song(folder: Path, stems: Mapping[str, Sequence[str]], song: str = "Title") -> dict[str, Samples]:
    """A folder as those of MoisesDB, with these sounds of each stem; return the sounds by their names."""
    found = sounds(*(name for names in stems.values() for name in names))
    listed = []
    for stem, names in stems.items():
        for name in names:
            write(folder / stem / f"{name}.wav", found[name])
        tracks = [{"id": name, "extension": "wav", "trackType": "of a kind"} for name in names]
        listed.append({"stemName": stem, "tracks": tracks})
    (folder / "data.json").write_text(json.dumps({"song": song, "artist": "Artist", "stems": listed}), "utf-8")
    return found
